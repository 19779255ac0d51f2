"""Every layout of FER2013 is read alike, and malformed data is named with its place."""

import io
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fer_core.errors import DataError, UnknownNameError
from fer_core.expressions import FER2013, FERPLUS
from training import sources
from training.sources import MissingDataError, Split, class_folders, fer2013
from training.sources.copies import copies_in


def png(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


#: What FER+ annotators answered besides NF, in the order of its file.
VOTED = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"]
VOTED += ["contempt", "unknown"]


@pytest.fixture
def parquet_root(rings, tmp_path):
    """A parquet pack of two splits; rows 21 and 23 of the test split are listed as copies."""
    folder = tmp_path / "fer2013"
    folder.mkdir()
    for split, start, seed in (("train", 0, 1), ("test", 21, 2)):
        images, labels = rings(3 if split == "train" else 1, seed)
        pd.DataFrame(
            {
                "image": [png(image) for image in images],
                "label": labels.astype(np.int8),
                "index": np.arange(start, start + len(labels), dtype=np.int32),
                **dict.fromkeys(VOTED, np.int8(0)),
                "NF": np.where(np.arange(len(labels)) == 2, 10, 9).astype(np.int8),
            }
        ).to_parquet(folder / f"{split}.parquet")
    pd.DataFrame({"index": [21, 22, 23], "kind": ["exact", "probable", "near"]}).to_csv(
        folder / "leaks.csv", index=False
    )
    return tmp_path


def rewrite(path, change):
    table = pd.read_parquet(path)
    change(table).to_parquet(path)


def test_the_parquet_pack(parquet_root, rings):
    test = fer2013.load(parquet_root, Split.TEST)
    images, labels = rings(1, 2)
    np.testing.assert_array_equal(test.images, images)
    np.testing.assert_array_equal(test.labels, labels)
    assert test.rows.tolist() == list(range(21, 28))
    # "probable" pairs are not copies.
    assert test.clean.tolist() == [False, True, False, True, True, True, True]
    assert test.is_face.tolist() == [True, True, False, True, True, True, True]
    assert test.counts() == dict.fromkeys(FER2013.labels, 1)
    train = fer2013.load(parquet_root, Split.TRAIN)
    assert len(train) == 21
    assert train.clean.all()


@pytest.mark.parametrize("column", ["image", "label", "index", "NF"])
def test_a_parquet_pack_without_a_column_is_refused(parquet_root, column):
    rewrite(parquet_root / "fer2013" / "test.parquet", lambda table: table.drop(columns=column))
    with pytest.raises(DataError, match=rf"test.parquet lacks the column {column}"):
        fer2013.load(parquet_root, Split.TEST)


@pytest.mark.parametrize("label", [-1, 7])
def test_a_label_out_of_range_in_the_parquet_pack_is_named(parquet_root, label):
    def change(table):
        table.loc[4, "label"] = label
        return table

    rewrite(parquet_root / "fer2013" / "test.parquet", change)
    with pytest.raises(DataError, match=rf"row 4: label is '{label}'"):
        fer2013.load(parquet_root, Split.TEST)


@pytest.mark.parametrize(
    ("encoded", "found"),
    [
        (b"not an image", "unreadable"),
        (b"", "unreadable"),
        (png(np.zeros((48, 40), np.uint8)), "40x48"),
    ],
)
def test_an_image_that_cannot_be_used_in_the_parquet_pack_is_named(parquet_root, encoded, found):
    def change(table):
        table.at[3, "image"] = encoded
        return table

    rewrite(parquet_root / "fer2013" / "test.parquet", change)
    with pytest.raises(DataError, match=f"position 3: image is {found}"):
        fer2013.load(parquet_root, Split.TEST)


def test_a_damaged_pack_and_a_missing_list_of_copies_say_what_to_do(parquet_root):
    (parquet_root / "fer2013" / "leaks.csv").unlink()
    with pytest.raises(DataError, match=r"leaks.csv cannot be read.*Restore it"):
        fer2013.load(parquet_root, Split.TEST)
    (parquet_root / "fer2013" / "test.parquet").write_bytes(b"cut short")
    with pytest.raises(DataError, match="not a readable parquet file"):
        fer2013.load(parquet_root, Split.TEST)


def test_the_kaggle_csv_finds_copies_by_itself(generated_data):
    test = fer2013.load(generated_data, Split.TEST)
    assert len(test) == 42
    np.testing.assert_array_equal(np.flatnonzero(~test.clean), np.arange(6))
    # Rows are those of the file: 210 training and 42 validation rows come before.
    assert test.rows.tolist() == list(range(252, 294))
    assert fer2013.load(generated_data, Split.VALID).clean.all()


def test_votes_beside_the_kaggle_csv_belong_to_their_rows(generated_data):
    valid = fer2013.load(generated_data, Split.VALID)
    assert valid.votes.shape == (len(valid), 10)
    # FER+ and FER2013 have their classes in another order.
    names = ["neutral", "happy", "surprise", "sad", "angry", "disgust", "fear"]
    voted = [names[i] for i in valid.votes.argmax(axis=1)]
    assert voted == [FER2013.labels[label] for label in valid.labels]


def test_votes_that_do_not_fit_the_images_are_refused(small_csv):
    root, _ = small_csv
    votes = pd.DataFrame(0, index=range(20), columns=[*VOTED, "NF"])
    votes.to_csv(root / "fer2013new.csv", index=False)
    with pytest.raises(DataError, match="has 20 rows and the file of images 21"):
        fer2013.load(root, Split.TRAIN)
    votes.drop(columns="NF").to_csv(root / "fer2013new.csv", index=False)
    with pytest.raises(DataError, match="lacks the column NF"):
        fer2013.load(root, Split.TRAIN)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ((4, "happiness"), None, "row 4: happiness is empty, not a whole number of votes"),
        ((5, "fear"), "many", "row 5: fear is 'many', not"),
        ((6, "NF"), -1, "row 6: NF is '-1', not"),
        ((7, "sadness"), 11, "row 7: sadness is '11', not a whole number of votes from 0 to 10"),
        ((8, "anger"), 2.5, "row 8: anger is '2.5', not"),
        (
            (9, "contempt"),
            3,
            "row 9: the columns neutral to NF sum to 1[23] votes, where 10 people",
        ),
        ((2, None), 0, "row 2: the columns neutral to NF sum to 0 votes"),
    ],
)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_votes_that_nobody_gave_are_named(small_csv, parquet_root, form, place, value, said):
    def spoiled(table):
        table = table.astype(dict.fromkeys([*VOTED, "NF"], object))
        row, column = place
        table.loc[row, column or [*VOTED, "NF"]] = value
        return table

    if form == "csv":
        root, _ = small_csv
        # A pack in the same folder would be read first.
        shutil.rmtree(root / "fer2013")
        votes = pd.DataFrame(0, index=range(21), columns=[*VOTED, "NF"]).assign(neutral=8, fear=1)
        votes["NF"] = np.arange(21) % 2
        path = root / "fer2013new.csv"
        votes.to_csv(path, index=False)
        # Nine of ten votes, as a row of the published file has.
        assert fer2013.load(root, Split.TRAIN).votes.sum(axis=1).min() == 9
        spoiled(votes).to_csv(path, index=False)
    else:
        root = parquet_root
        path = root / "fer2013" / "train.parquet"
        table = spoiled(pd.read_parquet(path))
        # A parquet column has one kind of value.
        table[[*VOTED, "NF"]] = table[[*VOTED, "NF"]].astype(str if value == "many" else float)
        table.to_parquet(path)
        said = said.replace("'-1'", "'-1.0'").replace("'11'", "'11.0'")
    with pytest.raises(DataError, match=re.escape(path.name) + ", " + said):
        fer2013.load(root, Split.TRAIN)


def test_votes_of_other_rows_are_told_by_their_usage(small_csv):
    root, _ = small_csv
    votes = pd.DataFrame(0, index=range(21), columns=[*VOTED, "NF"]).assign(neutral=10)
    votes["Usage"] = ["Training"] * 7 + ["PublicTest"] * 7 + ["PrivateTest"] * 7
    votes.to_csv(root / "fer2013new.csv", index=False)
    assert len(fer2013.load(root, Split.TEST).votes) == 7
    votes.iloc[::-1].to_csv(root / "fer2013new.csv", index=False)
    with pytest.raises(DataError, match="row 0: Usage is 'PrivateTest', and 'Training' in"):
        fer2013.load(root, Split.TEST)


@pytest.mark.parametrize("folder", ["", "fer2013"])
def test_kaggles_other_edition_is_found_under_its_own_name(small_csv, tmp_path, folder):
    root, spoil = small_csv
    before = fer2013.load(root, Split.TEST)
    spoil(
        lambda t: t[["emotion", "Usage", "pixels"]].set_axis(
            ["emotion", " Usage", " pixels"], axis=1
        )
    )
    (root / folder).mkdir(exist_ok=True)
    (root / "fer2013.csv").rename(root / folder / "icml_face_data.csv")
    votes = pd.DataFrame(0, index=range(21), columns=[*VOTED, "NF"]).assign(fear=10)
    # As Excel saves it.
    votes.to_csv(root / folder / "fer2013new.csv", index=False, encoding="utf-8-sig")
    after = fer2013.load(root, Split.TEST)
    np.testing.assert_array_equal(after.images, before.images)
    np.testing.assert_array_equal(after.labels, before.labels)
    assert (after.votes[:, VOTED.index("fear")] == 10).all()


@pytest.fixture
def small_csv(tmp_path, rings, kaggle_csv):
    """A Kaggle file of one image a class in each part, and a function that spoils it."""
    path = tmp_path / "fer2013.csv"
    parts = {u: rings(1, i) for i, u in enumerate(("Training", "PublicTest", "PrivateTest"))}
    kaggle_csv(path, parts)

    def spoil(change):
        table = pd.read_csv(path, dtype=object)
        change(table).to_csv(path, index=False)

    return tmp_path, spoil


def test_the_edition_with_blanks_before_its_column_names_is_read_alike(small_csv):
    root, spoil = small_csv
    before = fer2013.load(root, Split.TEST)
    spoil(lambda table: table.rename(columns={"pixels": " pixels", "Usage": " Usage"}))
    after = fer2013.load(root, Split.TEST)
    np.testing.assert_array_equal(after.images, before.images)
    np.testing.assert_array_equal(after.labels, before.labels)


@pytest.mark.parametrize("column", ["emotion", "pixels", "Usage"])
def test_a_csv_without_a_column_is_refused(small_csv, column):
    root, spoil = small_csv
    spoil(lambda table: table.drop(columns=column))
    with pytest.raises(DataError, match=rf"lacks the column {column}; it has"):
        fer2013.load(root, Split.TEST)


@pytest.mark.parametrize("label", ["7", "-1", "2.5", "happy", None])
def test_a_csv_label_that_is_none_is_named(small_csv, label):
    root, spoil = small_csv
    spoil(lambda table: table.assign(emotion=[*table["emotion"][:4], label, *table["emotion"][5:]]))
    with pytest.raises(DataError, match=r"row 4: emotion is .* 0 to 6"):
        fer2013.load(root, Split.TEST)


@pytest.mark.parametrize("pixels", ["1 2 3", " ".join(["256"] * 2304), "x", None, "-1 " * 2304])
def test_csv_pixels_that_are_no_image_are_named(small_csv, pixels):
    root, spoil = small_csv
    # The first PrivateTest row, after seven rows each of the other two.
    spoil(lambda table: table.assign(pixels=[*table["pixels"][:14], pixels, *table["pixels"][15:]]))
    with pytest.raises(DataError, match="row 14: pixels must be 2304 numbers"):
        fer2013.load(root, Split.TEST)


@pytest.mark.parametrize("usage", ["PrivateTest", "Training"])
def test_a_csv_without_the_split_or_what_its_copies_are_of_names_what_it_has(small_csv, usage):
    root, spoil = small_csv
    spoil(lambda table: table[table["Usage"] != usage])
    with pytest.raises(MissingDataError, match=rf"no row with Usage '{usage}'; it has P.*est, "):
        fer2013.load(root, Split.TEST)


def write_folders(folder, images, labels):
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / FER2013.labels[label] / f"{i:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


def test_class_folders_named_by_split(tmp_path, rings, monkeypatch):
    monkeypatch.setattr(fer2013, "COUNTS", {Split.TRAIN: 14, Split.TEST: 7})
    train, test = rings(2, 1), rings(1, 2)
    test[0][3] = train[0][5]
    write_folders(tmp_path / "fer2013" / "train", *train)
    write_folders(tmp_path / "fer2013" / "PrivateTest", *test)
    found = fer2013.load(tmp_path, Split.TEST)
    assert found.counts() == dict.fromkeys(FER2013.labels, 1)
    assert (~found.clean).sum() == 1
    np.testing.assert_array_equal(found.images[~found.clean][0], test[0][3])
    for image, label in zip(found.images, found.labels, strict=True):
        np.testing.assert_array_equal(image, test[0][test[1] == label][0])


def test_class_folders_of_other_splits_are_not_taken_for_the_official_ones(tmp_path, rings):
    """As in Kaggle's export, whose test folder has two of them."""
    folder = tmp_path / "fer2013"
    write_folders(folder / "test", *rings(1, 2))
    with pytest.raises(MissingDataError, match=r"FER2013's train split is not in"):
        fer2013.load(tmp_path, Split.TEST)
    write_folders(folder / "train", *rings(2, 1))
    with pytest.raises(
        MissingDataError, match=r"test holds 7 images, .* PrivateTest has 3,589: .*folder:"
    ):
        fer2013.load(tmp_path, Split.TEST)
    assert len(sources.load(f"folder:{folder}", Split.TEST)) == 7


def test_a_folder_of_any_size_and_mode(tmp_path):
    """Classes by their synonyms; colour, 16-bit grey and large images; system files and empty folders."""
    for name in ("Happiness", "sad", ".cache", "not a class"):
        (tmp_path / name).mkdir()
    Image.new("RGB", (200, 200), (10, 200, 30)).save(tmp_path / "Happiness" / "a.jpg")
    for name in ("Happiness/notes.txt", "Happiness/._a.jpg", "sad/Thumbs.db", "__MACOSX/a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("no image")
    grey16 = Image.fromarray(np.full((30, 30), 128 * 257, np.uint16))
    grey16.save(tmp_path / "sad" / "b", "PNG")
    found = class_folders.load(tmp_path)
    assert [FER2013.labels[label] for label in found.labels] == ["happy", "sad"]
    assert found.images.shape == (2, 48, 48)
    # 0.299 R + 0.587 G + 0.114 B; and 16 bits scaled, not clipped to white.
    assert found.images[0].mean() == pytest.approx(123.8, abs=2)
    assert found.images[1].mean() == pytest.approx(128, abs=1)


def test_a_folder_with_contempt_has_eight_classes(tmp_path):
    for name in ("happy", "contempt"):
        (tmp_path / name).mkdir()
        Image.new("L", (48, 48), 90).save(tmp_path / name / "a.png")
    found = class_folders.load(tmp_path)
    assert found.label_space == FERPLUS
    assert sorted(found.counts().items()) == sorted(
        {**dict.fromkeys(FERPLUS.labels, 0), "happy": 1, "contempt": 1}.items()
    )


def test_what_a_folder_may_not_be(tmp_path):
    with pytest.raises(DataError, match="There is no folder"):
        class_folders.load(tmp_path / "none")
    with pytest.raises(DataError, match="no class folders"):
        class_folders.load(tmp_path)
    (tmp_path / "hapy").mkdir()
    (tmp_path / "hapy" / "a.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"'hapy'.*happy.*Rename"):
        class_folders.load(tmp_path)
    (tmp_path / "hapy").rename(tmp_path / "happy")
    with pytest.raises(DataError, match=r"a\.png.*Replace or remove"):
        class_folders.load(tmp_path)


def test_all_unreadable_images_of_a_folder_are_named_at_once(tmp_path):
    for name in ("happy", "sad"):
        (tmp_path / name).mkdir()
        Image.new("L", (48, 48), 90).save(tmp_path / name / "fine.png")
        for i in range(12):
            (tmp_path / name / f"{i:02}.jpg").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"24 images cannot be read\. Replace") as said:
        class_folders.load(tmp_path)
    _, *lines, last = str(said.value).splitlines()
    assert [str(tmp_path / "happy" / f"{i:02}.jpg") for i in range(12)] == [
        line.partition(": ")[0] for line in lines[:12]
    ]
    assert (len(lines), last) == (20, "4 more")
    assert "fine.png" not in str(said.value)


def test_missing_data_names_what_was_found_and_every_layout(tmp_path, monkeypatch):
    (tmp_path / "fer2013").mkdir()
    (tmp_path / "fer2013" / "readme.txt").touch()
    with pytest.raises(
        DataError, match=r"found readme.txt.*(?s:.*)test\.parquet.*(?s:.*)fer2013\.csv"
    ):
        fer2013.load(tmp_path, Split.TEST)
    monkeypatch.setenv("FER_DATA", str(tmp_path / "none"))
    with pytest.raises(DataError, match="not a folder"):
        sources.data_root()
    monkeypatch.delenv("FER_DATA")
    with pytest.raises(DataError, match="FER_DATA is not set"):
        sources.data_root()


def test_the_data_argument(monkeypatch, generated_data, tmp_path):
    monkeypatch.setenv("FER_DATA", str(generated_data))
    assert sources.load_argument("fer2013").split is Split.TEST
    assert sources.load_argument("fer2013:valid").split is Split.VALID
    parts = tmp_path / "own"
    for part in ("train", "validation", "test"):
        (parts / part / "happy").mkdir(parents=True)
        Image.new("L", (48, 48)).save(parts / part / "happy" / "a.png")
    for name in ("valid", "validation"):
        assert sources.load_argument(f"folder:{parts}:{name}").split is Split.VALID
    for argument in ("fer2013:dev", "folder:", "folder"):
        with pytest.raises(UnknownNameError):
            sources.load_argument(argument)
    with pytest.raises(UnknownNameError, match=r"'fer2031'.*fer2013"):
        sources.load_argument("fer2031:test")


def test_copies_are_equal_mirrored_or_nearly_equal_images(rings):
    others, _ = rings(3, 1)
    rng = np.random.default_rng(0)
    noisy = np.clip(others[2] + rng.normal(0, 5, (48, 48)), 0, 255).astype(np.uint8)
    brighter = (others[3] * 0.5 + 60).astype(np.uint8)
    fresh, _ = rings(1, 99)
    images = np.stack([others[0], others[1][:, ::-1], noisy, brighter, others[4][::-1], *fresh])
    # Upside down is another picture; brightness and contrast make none.
    assert copies_in(images, others).tolist() == [True] * 4 + [False] * (1 + len(fresh))


def test_images_of_one_grey_value_are_copies_of_equal_ones_only(rings):
    images = np.stack([np.full((48, 48), v, np.uint8) for v in (0, 7)])
    others = np.concatenate([rings(1, 1)[0], np.zeros((1, 48, 48), np.uint8)])
    assert copies_in(images, others).tolist() == [True, False]
    assert copies_in(images, others[:0]).tolist() == [False, False]


@pytest.mark.data
@pytest.mark.parametrize(
    ("split", "counts"),
    [
        # Goodfellow et al. 2013, as every copy of the data set has them.
        (Split.TRAIN, [3995, 436, 4097, 7215, 4830, 3171, 4965]),
        (Split.VALID, [467, 56, 496, 895, 653, 415, 607]),
        (Split.TEST, [491, 55, 528, 879, 594, 416, 626]),
    ],
)
def test_the_real_splits_have_the_published_counts(real_splits, split, counts):
    samples = real_splits[split]
    assert list(samples.counts().values()) == counts
    n_clean = {Split.TRAIN: 28709, Split.VALID: 3212, Split.TEST: 3192}
    assert samples.clean.sum() == n_clean[split]
    assert (~samples.is_face).sum() == {Split.TRAIN: 150, Split.VALID: 10, Split.TEST: 16}[split]


@pytest.mark.data
def test_no_evaluated_row_is_trained_on(real_splits):
    rows = {split: samples.rows for split, samples in real_splits.items()}
    assert not np.isin(rows[Split.TRAIN], rows[Split.TEST]).any()
    assert not np.isin(rows[Split.TRAIN], rows[Split.VALID]).any()
    assert len(np.unique(np.concatenate(list(rows.values())))) == 35887


@pytest.mark.data
def test_no_clean_test_image_is_a_training_image(real_splits):
    train, test = real_splits[Split.TRAIN], real_splits[Split.TEST]
    known = {image.tobytes() for image in train.images}
    found = np.array([image.tobytes() in known for image in test.images])
    assert not found[test.clean].any()
    assert found[~test.clean].sum() > 200, "the leaks are where the list says"


@pytest.mark.data
def test_copies_are_found_where_the_list_of_leaks_has_them(real_splits):
    train, test = real_splits[Split.TRAIN], real_splits[Split.TEST]
    sample = np.random.default_rng(0).choice(len(test), 150, replace=False)
    sample = np.union1d(sample, np.flatnonzero(~test.clean)[:60])
    found = copies_in(test.images[sample], train.images)
    np.testing.assert_array_equal(found, ~test.clean[sample])
