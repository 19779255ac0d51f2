"""FER+, CK+, ExpW and a user's folder: every layout is read, every fault is named with its mend."""

import io
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from fer_core.errors import DataError, UnknownNameError
from fer_core.evaluation.predictions import predictions_path, read_predictions
from fer_core.expressions import CKPLUS, FER2013, FERPLUS
from fer_core.faces.crops import cut, resize_crop
from fer_core.networks.bundles import open_bundle
from training import sources
from training.__main__ import app
from training.bundle.staging import write_spec
from training.loop.run_folder import CHECKPOINT_FOLDER, DATA_FILE
from training.sources import (
    DATA_SETS,
    VOTES,
    MissingDataError,
    Split,
    ckplus,
    class_folders,
    expw,
    fer2013,
    ferplus,
)
from training.sources.ancestors import Ancestor, Ancestors
from training.sources.copies import copies_in
from training.sources.divisions import require_division_of_run
from training.sources.landmark_cache import cache_path
from training.tasks.of_recipe import task_of
from training.tasks.parents import Parents


def png(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def write_classes(folder, names, images):
    """Write images, one a class in turn, into class folders."""
    for i, image in enumerate(images):
        path = folder / names[i % len(names)] / f"{i:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


# FER+


def votes(**answers):
    """One row of votes by the words of FER+'s file, in the order of `VOTES`."""
    words = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"]
    return [answers.get(word, 0) for word in [*words, "unknown", "NF"]]


@pytest.mark.parametrize(
    ("answers", "label"),
    [
        ({"happiness": 10}, "happy"),
        ({"contempt": 6, "neutral": 4}, "contempt"),
        # Five of ten are no majority ...
        ({"anger": 5, "sadness": 5}, None),
        ({"anger": 5, "sadness": 3, "fear": 2}, None),
        # ... but single votes are left out before it is looked for.
        ({"anger": 5, "sadness": 3, "fear": 1, "neutral": 1}, "angry"),
        ({"surprise": 2, "fear": 1, "neutral": 1, "sadness": 1, "anger": 1}, "surprise"),
        ({"unknown": 6, "happiness": 4}, None),
        ({"NF": 10}, None),
        # "Unknown" takes part in the count.
        ({"happiness": 4, "unknown": 4, "NF": 2}, None),
        (dict.fromkeys(["happiness", "sadness", "anger", "fear"], 1), None),
        ({}, None),
    ],
)
def test_a_ferplus_label_is_what_most_annotators_agree_on(answers, label):
    (found,) = ferplus.majority_labels(np.array([votes(**answers)]))
    assert found == (-1 if label is None else FERPLUS.index(label))


def test_ferplus_follows_the_authors_rule_on_any_votes():
    """Against their mode `majority`, written out row by row."""
    rng = np.random.default_rng(0)
    table = rng.multinomial(10, rng.dirichlet(np.full(10, 0.3), 500)).reshape(500, 10)

    def expected(row):
        kept = [vote if vote > 1 else 0 for vote in row]
        best = max(kept)
        if best <= 0.5 * sum(kept) or kept.index(best) >= 8:
            return -1
        return FERPLUS.index(VOTES[kept.index(best)])

    assert ferplus.majority_labels(table).tolist() == [expected(row) for row in table.tolist()]


def test_ferplus_keeps_rows_copies_and_votes_of_fer2013(generated_data, tmp_path):
    root = shutil.copytree(generated_data, tmp_path / "data")
    path = root / "fer2013" / "fer2013new.csv"
    table = pd.read_csv(path)
    # The third test row is no face, the fifth shows contempt.
    table.loc[254] = 0
    table.loc[254, "NF"] = 10
    table.loc[256] = 0
    table.loc[256, "contempt"] = 9
    table.to_csv(path, index=False)
    faces, found = (source.load(root, Split.TEST) for source in (fer2013, ferplus))
    assert (found.source, found.label_space, len(found)) == ("ferplus", FERPLUS, 41)
    assert 254 not in found.rows
    assert found.labels[found.rows == 256] == FERPLUS.index("contempt")
    same = np.isin(faces.rows, found.rows)
    for name in ("images", "rows", "clean", "votes"):
        np.testing.assert_array_equal(getattr(found, name), getattr(faces, name)[same])


def test_ferplus_says_what_fer2013s_file_lacks(generated_data, tmp_path):
    folder = shutil.copytree(generated_data / "fer2013", tmp_path / "fer2013")
    table = pd.read_csv(folder / "fer2013.csv")
    table[table["Usage"] != "PrivateTest"].to_csv(folder / "fer2013.csv", index=False)
    with pytest.raises(DataError, match="no row with Usage 'PrivateTest'"):
        ferplus.load(tmp_path, Split.TEST)


def test_ferplus_without_votes_says_where_they_are_to_be_had(tmp_path, rings, monkeypatch):
    with pytest.raises(
        DataError, match=r"FER2013 \(test\).*(?s:.*)fer2013new\.csv.*(?s:.*)FERPlus"
    ):
        ferplus.load(tmp_path, Split.TEST)
    monkeypatch.setattr(fer2013, "COUNTS", dict.fromkeys(Split, 7))
    for split in ("train", "test"):
        write_classes(tmp_path / "fer2013" / split, FER2013.labels, rings(1, 0)[0])
    with pytest.raises(DataError, match=r"without them\. Put fer2013new\.csv.*(?s:.*)FERPlus"):
        ferplus.load(tmp_path, Split.TEST)


# CK+


@pytest.fixture
def ckplus_pack(tmp_path, rings):
    """A pack of seven faces, one a class, and its path."""
    images, _ = rings(1, 3)
    words = ["anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise"]
    path = tmp_path / "ckplus48" / "all.parquet"
    path.parent.mkdir()
    pd.DataFrame(
        {
            "image": [png(image) for image in images],
            "label": words,
            "subject": ["S010", "S010", "S999", "S010", "S999", "S999", "S010"],
        }
    ).to_parquet(path)
    return path


def spoil(path, **values):
    """Put values into the rows of a pack: column=(row, value)."""
    table = pd.read_parquet(path)
    for column, (row, value) in values.items():
        table[column] = table[column].astype(object)
        table.at[row, column] = value
    table.to_parquet(path)


def test_the_ckplus_pack_is_one_test_split(ckplus_pack, rings):
    found = ckplus.load(ckplus_pack.parents[1], Split.TEST)
    np.testing.assert_array_equal(found.images, rings(1, 3)[0])
    assert found.label_space == CKPLUS
    words = [str(CKPLUS.labels[label]) for label in found.labels]
    assert words == ["angry", "contempt", "disgust", "fear", "happy", "sad", "surprise"]
    assert found.persons.tolist() == [10, 10, 999, 10, 999, 999, 10]
    assert found.select(found.persons == 999).persons.tolist() == [999] * 3
    assert found.clean.all()


@pytest.mark.parametrize("split", [Split.TRAIN, Split.VALID])
def test_ckplus_has_no_other_split(ckplus_pack, split):
    with pytest.raises(DataError, match=rf"no {split} split.*only measured on.*ckplus:test"):
        ckplus.load(ckplus_pack.parents[1], split)


@pytest.mark.parametrize("name", ["CK+48", "ckplus"])
def test_ckplus_class_folders_are_read_like_the_pack(tmp_path, rings, name):
    images, _ = rings(1, 3)
    for i, word in enumerate(["sadness", "anger", "contempt"]):
        path = tmp_path / name / word / f"S0{i}0_004_0000001{i}.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(images[i]).save(path)
    found = ckplus.load(tmp_path, Split.TEST)
    assert [str(CKPLUS.labels[label]) for label in found.labels] == ["angry", "contempt", "sad"]
    np.testing.assert_array_equal(found.images, images[[1, 2, 0]])
    assert found.persons.tolist() == [10, 20, 0]
    path.rename(path.with_name("face.png"))
    with pytest.raises(
        DataError, match=r"face\.png.*begin with a subject.*original name or remove"
    ):
        ckplus.load(tmp_path, Split.TEST)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"label": (2, "hapy")}, r"row 2: .*'hapy'.*happy.*Copy the pack again"),
        ({"label": (2, "neutral")}, r"row 2: .*no class 'neutral'"),
        ({"subject": (4, "?")}, r"row 4: subject is '\?'"),
        ({"image": (5, b"no image")}, "position 5: image is unreadable"),
    ],
)
def test_faults_of_the_ckplus_pack_are_named(ckplus_pack, values, message):
    spoil(ckplus_pack, **values)
    with pytest.raises(DataError, match=message):
        ckplus.load(ckplus_pack.parents[1], Split.TEST)


# ExpW


@pytest.fixture
def expw_pack(tmp_path, rings):
    """A pack of fourteen faces of 64x64: ten for training, two each for the others."""
    images, labels = rings(2, 4)
    path = tmp_path / "expw" / "all64.parquet"
    path.parent.mkdir()
    pd.DataFrame(
        {
            "image": [png(np.pad(image, 8, mode="edge")) for image in images],
            "label": labels.astype(np.int8),
            "split": ["train"] * 5 + ["valid", "test"] * 2 + ["train"] * 5,
            "name": [f"photo_{i}.jpg" for i in range(14)],
        }
    ).to_parquet(path)
    return path


def test_the_expw_pack_has_its_own_split_and_goes_through_the_one_resize(expw_pack, rings):
    images, labels = rings(2, 4)
    found = {split: expw.load(expw_pack.parents[1], split) for split in Split}
    assert found[Split.VALID].rows.tolist() == [5, 7]
    assert found[Split.TEST].rows.tolist() == [6, 8]
    assert len(found[Split.TRAIN]) == 10
    for samples in found.values():
        expected = [resize_crop(np.pad(images[row], 8, mode="edge")) for row in samples.rows]
        np.testing.assert_array_equal(samples.images, expected)
        np.testing.assert_array_equal(samples.labels, labels[samples.rows])
        assert samples.label_space == FER2013


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"label": (3, 7)}, "row 3: label is '7', not a whole number from 0 to 6"),
        ({"split": (1, "dev")}, "row 1: split is 'dev', not one of train, valid, test"),
        ({"image": (8, png(np.zeros((48, 48), np.uint8)))}, "position 8: image is 48x48"),
    ],
)
def test_faults_of_the_expw_pack_are_named(expw_pack, values, message):
    spoil(expw_pack, **values)
    with pytest.raises(DataError, match=message):
        expw.load(expw_pack.parents[1], Split.TEST)


@pytest.fixture(scope="module")
def photo_faces(rings):
    """Forty photos with two faces each: {name: (photo, [(box xyxy, label), ...])}."""
    images, _ = rings(12, 5)
    rng = np.random.default_rng(0)
    photos = {}
    for i in range(40):
        photo = rng.integers(0, 256, (80, 150), dtype=np.uint8)
        photo[10:58, 5:53], photo[20:68, 90:138] = images[2 * i], images[2 * i + 1]
        boxes = [((5, 10, 53, 58), i % 7), ((90, 20, 138, 68), (i + 3) % 7)]
        photos[f"a photo_{i}.png"] = photo, boxes
    return photos


def line(name, face, box, label):
    left, top, right, bottom = box
    return f"{name} {face} {top} {left} {right} {bottom} {50.5 + face} {label}"


def write_expw(root, photos, lines=None, *, listed="label/label.lst", folder="image/origin"):
    """Write ExpW's original layout; return the path of its list."""
    place = root / "expw" / folder
    place.mkdir(parents=True)
    for name, (photo, _) in photos.items():
        Image.fromarray(photo).save(place / name)
    path = root / "expw" / listed
    path.parent.mkdir(parents=True, exist_ok=True)
    # All first faces, then all second ones: a photo's lines need not follow each other.
    lines = lines or [
        line(name, face, *boxes[face]) for face in (0, 1) for name, (_, boxes) in photos.items()
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("listed", "folder"),
    [("label/label.lst", "image/origin"), ("label.lst", "image"), ("label.lst", "origin")],
)
def test_the_original_expw_is_cut_by_its_boxes_and_split_by_photo(
    tmp_path, photo_faces, monkeypatch, listed, folder
):
    path = write_expw(tmp_path, photo_faces, listed=listed, folder=folder)
    lines = path.read_text().splitlines()
    decoded = []
    decode = expw._decode
    monkeypatch.setattr(expw, "_decode", lambda path: decoded.append(path.name) or decode(path))
    found = {split: expw.load(tmp_path, split) for split in Split}
    photos = {
        split: {lines[row].rsplit(maxsplit=7)[0] for row in samples.rows}
        for split, samples in found.items()
    }
    assert sum(map(len, photos.values())) == 40
    assert set.union(*photos.values()) == set(photo_faces)
    assert sorted(np.concatenate([samples.rows for samples in found.values()])) == list(range(80))
    for samples in found.values():
        for row, image, label in zip(samples.rows, samples.images, samples.labels, strict=True):
            photo, boxes = photo_faces[lines[row].rsplit(maxsplit=7)[0]]
            box, expected = boxes[row // 40]
            np.testing.assert_array_equal(image, cut(photo, np.array(box)))
            assert label == expected
    # Once for its own split, and training photos once more for each search for copies.
    assert {decoded.count(name) for name in photos[Split.TEST]} == {1}
    assert {decoded.count(name) for name in photos[Split.TRAIN]} == {3}


def test_the_split_of_an_expw_photo_never_changes():
    names = [f"happy_man_{i}.jpg" for i in range(20_000)]
    parts = [expw.split_of(name) for name in names]
    shares = [parts.count(split) / len(parts) for split in Split]
    assert shares == pytest.approx([0.70, 0.15, 0.15], abs=0.01)
    assert [str(part) for part in parts[:8]] == [
        "train",
        "train",
        "train",
        "train",
        "train",
        "train",
        "test",
        "train",
    ]


def test_copies_of_expw_training_faces_are_not_clean(tmp_path, photo_faces):
    train = next(name for name in photo_faces if expw.split_of(name) is Split.TRAIN)
    test = next(name for name in photo_faces if expw.split_of(name) is Split.TEST)
    photo, boxes = photo_faces[test]
    copied = photo.copy()
    copied[10:58, 5:53] = photo_faces[train][0][20:68, 90:138][:, ::-1]
    write_expw(tmp_path, {**photo_faces, test: (copied, boxes)})
    found = expw.load(tmp_path, Split.TEST)
    assert (~found.clean).sum() == 1
    np.testing.assert_array_equal(found.images[~found.clean][0], copied[10:58, 5:53])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("a.jpg 0 10 5 53 58 50.5", "7 values instead of 8"),
        ("a.jpg 0 10 5 53 58 50.5 7", "the label 7 is not one of 0 to 6"),
        ("a.jpg 0 10 5 53 58 50.5 happy", "box and label must be whole numbers"),
        ("a.jpg 0 10 5 5 58 50.5 3", "the box from 5, 10 to 5, 58 has no area"),
    ],
)
def test_a_bad_line_of_expws_list_is_named_by_its_number(tmp_path, photo_faces, bad, message):
    name = next(iter(photo_faces))
    lines = [line(name, 0, (5, 10, 53, 58), 3), "", bad]
    write_expw(tmp_path, photo_faces, lines)
    with pytest.raises(DataError, match=rf"label\.lst, line 3: {message}.*Mend or remove the line"):
        expw.load(tmp_path, Split.TRAIN)


def test_missing_and_damaged_expw_photos_are_counted_and_named(tmp_path, photo_faces):
    write_expw(tmp_path, photo_faces)
    origin = tmp_path / "expw" / "image" / "origin"
    for i in (11, 12, 13, 14):
        (origin / f"a photo_{i}.png").rename(origin.parent / f"moved_{i}.png")
    with pytest.raises(
        DataError,
        match=r"4 of the 40 photos .* are not in .*origin.*: a photo_11.png, a photo_12.png, "
        r"a photo_13.png, \.\.\.\. Extract(?s:.*)mmlab",
    ):
        expw.load(tmp_path, Split.TRAIN)
    for i in (11, 12, 13, 14):
        (origin.parent / f"moved_{i}.png").rename(origin.parent / f"a photo_{i}.png")
    assert len(expw.load(tmp_path, Split.TRAIN)) > 40
    (origin / "a photo_0.png").write_bytes(b"cut short")
    part = expw.split_of("a photo_0.png")
    with pytest.raises(DataError, match=r"a photo_0\.png is not a readable image.*Extract"):
        expw.load(tmp_path, part)


def test_an_expw_list_without_lines_or_without_a_splits_photos_is_refused(tmp_path, photo_faces):
    path = write_expw(tmp_path, photo_faces)
    name = next(name for name in photo_faces if expw.split_of(name) is Split.TRAIN)
    path.write_text(line(name, 0, (5, 10, 53, 58), 3))
    with pytest.raises(MissingDataError, match=r"No photo of .* falls into the test split"):
        expw.load(tmp_path, Split.TEST)
    path.write_text("")
    with pytest.raises(DataError, match="is empty"):
        expw.load(tmp_path, Split.TEST)


# A user's folder


@pytest.fixture
def own_folder(tmp_path, rings):
    """train, validation and test folders of seven classes; one test face is in train as well."""
    train, valid, test = rings(3, 1)[0], rings(1, 2)[0], rings(1, 3)[0]
    test[4] = train[2][:, ::-1]
    root = tmp_path / "faces"
    for name, images in (("train", train), ("validation", valid), ("Test", test)):
        write_classes(root / name, FER2013.labels, images)
    return root


def test_a_folder_with_split_folders_is_a_source_like_others(own_folder):
    source = f"folder:{own_folder}"
    assert sources.splits_of(source) == tuple(Split)
    found = {split: sources.load(source, split) for split in Split}
    assert [len(found[split]) for split in Split] == [21, 7, 7]
    assert {samples.source for samples in found.values()} == {source}
    assert found[Split.TRAIN].clean.all()
    assert found[Split.VALID].clean.all()
    test = found[Split.TEST]
    assert [FER2013.labels[label] for label in test.labels[~test.clean]] == [FER2013.labels[4]]
    assert sources.knows_copies(source)


def test_which_split_of_a_folder_is_measured(own_folder, caplog):
    caplog.set_level("INFO", logger="training")
    argument = f"folder:{own_folder}"
    assert sources.load_argument(argument).split is Split.TEST
    assert sources.load_argument(f"{argument}:valid").split is Split.VALID
    assert sources.load_argument(f"{argument}:train").split is Split.TRAIN
    shutil.rmtree(own_folder / "Test")
    assert sources.splits_of(argument) == (Split.TRAIN, Split.VALID)
    caplog.clear()
    assert sources.load_argument(argument).split is Split.VALID
    assert "has train and valid: its valid split is taken" in caplog.text
    shutil.rmtree(own_folder / "validation")
    with pytest.raises(DataError, match=r"no folder for the test split.*it has train\. Add it"):
        sources.load_argument(argument)
    with pytest.raises(DataError, match=r"valid split, which may be called valid, val, validation"):
        sources.load(argument, Split.VALID)


def test_a_single_set_of_class_folders_is_not_trained_on(tmp_path, rings):
    write_classes(tmp_path, FER2013.labels, rings(1, 1)[0])
    source = f"folder:{tmp_path}"
    assert sources.splits_of(source) == (Split.TEST,)
    assert not sources.knows_copies(source)
    assert len(sources.load(source, Split.TEST)) == 7
    for split in (Split.TRAIN, Split.VALID):
        with pytest.raises(
            DataError, match=rf"has no {split} split\. To train on it, make .*/train"
        ):
            sources.load(source, split)
    for name in ("folder:", "folder"):
        with pytest.raises(UnknownNameError):
            sources.load(name, Split.TEST)
    with pytest.raises(DataError, match="There is no folder"):
        sources.splits_of(f"folder:{tmp_path / 'none'}")


def test_contempt_in_one_split_gives_all_splits_eight_classes(own_folder, rings):
    write_classes(own_folder / "validation", ["Contempt"], rings(1, 9)[0][:1])
    for split in Split:
        assert class_folders.load(own_folder, split).label_space == FERPLUS


def test_classes_without_training_images_are_warned_of(own_folder, caplog):
    for name in ("fear", "disgust"):
        shutil.rmtree(own_folder / "train" / name)
    class_folders.load(own_folder, Split.VALID)
    assert not caplog.records
    class_folders.load(own_folder, Split.TRAIN)
    assert "no training images of disgust, fear:" in caplog.text


def test_an_empty_class_folder_is_named(own_folder):
    for file in (own_folder / "train" / "fear").iterdir():
        file.unlink()
    with pytest.raises(DataError, match=r"class folder .*train/fear holds no images.*or remove"):
        class_folders.load(own_folder, Split.TRAIN)


def test_two_names_for_the_same_images_are_known(own_folder, monkeypatch):
    monkeypatch.chdir(own_folder.parent)
    assert sources.images_of("folder:faces") == sources.images_of(f"folder:{own_folder}")
    assert sources.images_of("ferplus") == sources.images_of("fer2013") != sources.images_of("expw")
    assert cache_path("ferplus") == cache_path("fer2013") != cache_path("expw")
    with pytest.raises(UnknownNameError, match="Landmarks are kept for fer2013"):
        cache_path(f"folder:{own_folder}")


# The command line


def test_the_data_command_names_what_is_missing_once_and_where_to_get_it(
    ckplus_pack, tmp_path, monkeypatch
):
    monkeypatch.setenv("FER_DATA", str(tmp_path))
    (tmp_path / "archive.zip").touch()
    result = CliRunner().invoke(app, ["data"])
    assert result.exit_code == 0, result.stderr
    assert "ckplus:test: 7 faces, 7 clean, 0 no face, 2 persons" in result.stdout
    assert result.stdout.count(":") == 2
    # All but CK+, and the web photos, which are no data set of faces.
    pages = [known.page for name, known in DATA_SETS.items() if name != "ckplus"]
    pages.append("https://github.com/muxspace/facial_expressions")
    assert [result.stderr.count(page) for page in pages] == [1] * len(pages)
    assert result.stderr.count("found archive.zip, ckplus48 in") == len(pages)
    assert "Extract archive.zip" in result.stderr
    ckplus_pack.unlink()
    result = CliRunner().invoke(app, ["data"])
    assert result.exit_code == 1
    assert "http://www.jeffcohn.net/Resources/" in result.stderr


@pytest.mark.parametrize("inherited", [False, True])
def test_faces_of_expw_are_not_measured_on_divided_otherwise_than_they_were_learnt(
    bundle, photo_faces, expw_pack, tmp_path, monkeypatch, inherited
):
    def measured(root, **changes):
        learnt = {"inherited": ("expw",)} if inherited else {"source": "expw"}
        data = bundle.spec.training_data.model_copy(update=learnt | changes)
        write_spec(bundle.spec.model_copy(update={"training_data": data}), bundle.path)
        monkeypatch.setenv("FER_DATA", str(root))
        before = (bundle.path / "spec.json").read_bytes()
        result = CliRunner().invoke(app, ["evaluate", str(bundle.path), "--data", "expw:test"])
        assert (result.exit_code == 0) == ((bundle.path / "spec.json").read_bytes() != before)
        return result.stderr

    write_expw(tmp_path / "original", photo_faces)
    refused = "learnt from ExpW divided as its pack is, and under FER_DATA it is divided by photo"
    assert refused in measured(tmp_path / "original")
    assert "Put the layout there" in measured(expw_pack.parents[1], divisions=("by photo",))
    both = ("as its pack is", "by photo")
    assert "as its pack is and by photo" in measured(tmp_path / "original", divisions=both)
    assert "Error" not in measured(tmp_path / "original", divisions=("by photo",))
    assert "Error" not in measured(expw_pack.parents[1])
    (tmp_path / "empty").mkdir()
    assert "ExpW is not in" in measured(tmp_path / "empty", divisions=("by photo",))


def test_a_run_is_not_chosen_on_faces_that_its_parents_learnt(photo_faces, tmp_path, monkeypatch):
    """The shipped networks learnt from the pack; the original layout divides the same faces otherwise."""
    write_expw(tmp_path / "original", photo_faces)
    monkeypatch.setenv("FER_DATA", str(tmp_path / "original"))

    def taught(divisions):
        parent = Ancestor(name="p", sha256="0", sources=("fer2013", "expw"), divisions=divisions)
        return Ancestors(teacher=parent)

    with pytest.raises(MissingDataError, match="divided as its pack is, and under FER_DATA"):
        require_division_of_run("fer2013", taught(()), "expw")
    require_division_of_run("fer2013", taught(("by photo",)), "expw")
    require_division_of_run("fer2013+expw", Ancestors(), "expw")
    require_division_of_run("fer2013", taught(()), "fer2013")


def test_measuring_on_another_source_is_recorded_with_the_classes_left_out(
    bundle, ckplus_pack, monkeypatch
):
    monkeypatch.setenv("FER_DATA", str(ckplus_pack.parents[1]))
    result = CliRunner().invoke(app, ["evaluate", str(bundle.path), "--data", "ckplus"])
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout.splitlines()[-1])
    assert (report["n"], report["n_clean"]) == (6, 6)
    assert report["excluded_classes"] == {"contempt": 1}
    assert len(read_predictions(predictions_path(bundle.path, "ckplus", "test"))) == 6
    recorded = open_bundle(bundle.path).spec.metrics["ckplus:test"]
    assert (recorded.n, recorded.excluded) == (6, {"contempt": 1})
    card = (bundle.path / "README.md").read_text()
    assert "| CK+ whole set | all | 6 |" in card
    assert "Left out, because the network does not know these classes:" in card
    assert "- CK+ whole set: contempt (n 1)" in card


def test_fer2013s_training_images_are_not_clean_under_ferplus_labels(
    bundle, generated_data, monkeypatch
):
    from training.measure.evaluate import evaluate

    monkeypatch.setenv("FER_DATA", str(generated_data))
    assert evaluate(bundle, sources.load("ferplus", Split.TRAIN))["n_clean"] == 0
    assert evaluate(bundle, sources.load("ferplus", Split.TEST))["n_clean"] == 36


@pytest.mark.slow
def test_a_folder_without_test_is_trained_on_and_measured_on_what_it_has(
    tiny_settings, rings, tmp_path, monkeypatch, without_graphs
):
    monkeypatch.delenv("FER_DATA", raising=False)
    faces = tmp_path / "my faces"
    write_classes(faces / "train", FER2013.labels, rings(6, 1)[0])
    write_classes(faces / "validation", FER2013.labels, rings(2, 2)[0])
    changes = [f"data.source=folder:{faces}", "vote_smoothing=0", *tiny_settings]
    settings = [part for item in changes for part in ("--set", item)]
    out = tmp_path / "bundle"
    arguments = ["fit", "cnn", "--epochs", "2", "--out", str(out), *settings]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    (report,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert (report["split"], report["n"], report["n_clean"]) == ("valid", 14, 14)
    card = (out / "README.md").read_text()
    assert "Trained on 42 rows of the folder my faces train" in card
    assert "a web search" not in card
    data = ["--data", f"folder:{faces}/../my faces:train"]
    again = CliRunner().invoke(app, ["evaluate", str(out), *data])
    assert json.loads(again.stdout.splitlines()[-1])["n_clean"] == 0


@pytest.mark.parametrize(
    ("names", "settings", "message"),
    [
        (FER2013.labels, [], "no validation face .* all 14 are copies of training faces"),
        # CK+ has no neutral faces.
        (["neutral"], ["data.label_space=ckplus"], "no training face .* 0 have a class"),
    ],
)
def test_data_with_nothing_to_learn_or_to_choose_by_is_refused_before_training(
    tiny_recipe, rings, tmp_path, names, settings, message
):
    for split in ("train", "validation"):
        write_classes(tmp_path / split, names, rings(2, 1)[0])
    data = [f"data.source=folder:{tmp_path}", "vote_smoothing=0", *settings]
    with pytest.raises(DataError, match=message):
        task_of(tiny_recipe.with_overrides(data), Parents())


def test_a_source_whose_test_split_is_not_there_is_measured_on_the_others(
    finished_run, tiny_settings, generated_data, tmp_path, monkeypatch
):
    # As class folders, the generated data set may lack its test split.
    monkeypatch.setenv("FER_DATA", str(tmp_path))
    monkeypatch.setattr(fer2013, "COUNTS", {Split.TRAIN: 210, Split.VALID: 42})
    for split in (Split.TRAIN, Split.VALID):
        samples = fer2013.load(generated_data, split)
        for label in range(7):
            of_class = samples.images[samples.labels == label]
            write_classes(tmp_path / "fer2013" / split, [FER2013.labels[label]], of_class)
    run = shutil.copytree(finished_run[0], tmp_path / "rings")
    # It was started on the same faces in another order.
    (run / CHECKPOINT_FOLDER / DATA_FILE).unlink()
    settings = [part for item in tiny_settings for part in ("--set", item)]
    arguments = ["fit", "cnn", "--resume", "--epochs", "4", "--out", str(run)]
    arguments += ["--set", "vote_smoothing=0", "--change-settings"]
    result = CliRunner().invoke(app, [*arguments, *settings])
    assert result.exit_code == 0, result.stderr
    (report,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert report["split"] == "valid"
    assert "Not measured on the test split. FER2013's test split is not in" in result.stderr


# The packs


@pytest.mark.data
@pytest.mark.parametrize(
    ("split", "n", "n_clean", "counts"),
    [
        (Split.TRAIN, 25060, 25060, [2100, 119, 532, 7287, 3014, 3149, 8740, 119]),
        (Split.VALID, 3199, 2862, [287, 24, 62, 865, 351, 415, 1182, 13]),
        (Split.TEST, 3153, 2801, [273, 18, 83, 893, 384, 396, 1090, 16]),
    ],
)
def test_the_real_ferplus_majorities(data_root, split, n, n_clean, counts):
    found = ferplus.load(data_root, split)
    assert (len(found), int(found.clean.sum())) == (n, n_clean)
    assert list(found.counts().values()) == counts
    assert found.is_face.all()


@pytest.mark.data
def test_the_real_ckplus(data_root):
    found = ckplus.load(data_root, Split.TEST)
    assert len(found) == 981
    assert list(found.counts().values()) == [135, 177, 75, 207, 84, 249, 54]
    assert len(np.unique(found.persons)) == 118


@pytest.mark.data
def test_the_real_expw(data_root):
    table = pd.read_parquet(data_root / "expw" / "all64.parquet", columns=["split", "source_image"])
    assert table.groupby("source_image")["split"].nunique().max() == 1
    for split, n, n_clean in ((Split.VALID, 8859, 8848), (Split.TEST, 8859, 8855)):
        found = expw.load(data_root, split)
        assert (len(found), int(found.clean.sum())) == (n, n_clean)
        assert list(found.counts().values()) == [360, 380, 106, 2889, 1043, 688, 3393]


@pytest.mark.data
@pytest.mark.slow
def test_the_real_expws_training_faces_and_the_copies_of_them(data_root):
    train, test = (expw.load(data_root, split) for split in (Split.TRAIN, Split.TEST))
    assert len(train) == 70882
    assert list(train.counts().values()) == [2882, 3045, 852, 23115, 8343, 5504, 27141]
    sample = np.union1d(np.arange(0, len(test), 50), np.flatnonzero(~test.clean))
    found = copies_in(test.images[sample], train.images)
    np.testing.assert_array_equal(found, ~test.clean[sample])
