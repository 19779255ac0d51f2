"""A published data set in class folders is read by its record alone: RAF-DB, on generated images."""

import dataclasses
import json

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from fer_core.errors import DataError
from fer_core.expressions import CKPLUS, FER2013
from fer_core.faces.crops import resize_crop
from fer_core.networks.bundles import CARD_FILE, open_bundle
from training import sources
from training.__main__ import app
from training.sources import MissingDataError, Split, rafdb
from training.sources.class_folders import SPLIT_FOLDERS

#: What RAF-DB's numbers mean, as its documentation has it.
NUMBERS = ["surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"]
PER_CLASS = {"train": 20, "test": 3}
#: The record without the numbers of images that the real folders hold.
SMALL = dataclasses.replace(rafdb.SOURCE, counts={})


@pytest.fixture(scope="module")
def pictures():
    """RGB images of 100x100 by (split, number of the class), each another."""
    rng = np.random.default_rng(0)
    return {
        (split, number): rng.integers(0, 256, (n, 100, 100, 3), dtype=np.uint8)
        for split, n in PER_CLASS.items()
        for number in range(1, 8)
    }


@pytest.fixture
def root(tmp_path, pictures):
    """A data root with RAF-DB as it is passed on, with its files of labels."""
    for (split, number), images in pictures.items():
        folder = tmp_path / "rafdb" / "DATASET" / split / str(number)
        folder.mkdir(parents=True)
        for i, image in enumerate(images):
            Image.fromarray(image).save(folder / f"{split}_{number}{i:04}_aligned.png")
    for split in PER_CLASS:
        (tmp_path / "rafdb" / "DATASET" / f"{split}_labels.csv").write_text("image,label\n")
    return tmp_path


def test_numbered_folders_become_expressions_and_faces_grey_of_48_pixels(root, pictures):
    samples = SMALL.load(root, Split.TEST)
    assert (samples.source, samples.split, samples.label_space) == ("rafdb", "test", FER2013)
    assert samples.counts() == dict.fromkeys(FER2013.labels, PER_CLASS["test"])
    names = [FER2013.labels[label] for label in samples.labels]
    assert names == [name for name in NUMBERS for _ in range(PER_CLASS["test"])]
    rgb = [image for number in range(1, 8) for image in pictures["test", number]]
    for found, image in zip(samples.images, rgb, strict=True):
        np.testing.assert_array_equal(found, resize_crop(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)))
    assert samples.rows.tolist() == list(range(21))
    assert samples.clean.all()


def test_a_tenth_of_the_training_faces_is_for_validation_the_same_each_time(root):
    train, valid = (SMALL.load(root, split) for split in (Split.TRAIN, Split.VALID))
    assert sorted([*train.rows, *valid.rows]) == list(range(140))
    assert 4 <= len(valid) <= 28
    assert valid.clean.all()
    assert not {image.tobytes() for image in train.images} & {i.tobytes() for i in valid.images}
    # Whatever else is there.
    (root / "rafdb/DATASET/train/1/train_10000_aligned.png").unlink()
    again = SMALL.load(root, Split.VALID)
    kept = {image.tobytes() for image in again.images}
    assert kept <= {image.tobytes() for image in valid.images}
    assert len(valid) - len(kept) <= 1


def test_faces_with_copies_in_training_are_not_clean(root, pictures):
    train = SMALL.load(root, Split.TRAIN)
    number = 1 + NUMBERS.index(FER2013.labels[train.labels[0]])
    copied = pictures["train", number][train.rows[0] % PER_CLASS["train"]]
    Image.fromarray(copied[:, ::-1]).save(root / "rafdb/DATASET/test/7/zz.png")
    samples = SMALL.load(root, Split.TEST)
    assert np.flatnonzero(~samples.clean).tolist() == [len(samples) - 1]


@pytest.mark.parametrize("place", ["rafdb", "RAF-DB", "RAF-DB/DATASET", "DATASET"])
def test_it_is_found_in_every_usual_place(root, tmp_path, place):
    folder = root / "rafdb" / "DATASET"
    folder = folder.rename(tmp_path / "moved")
    (root / "rafdb").rmdir()
    (root / place).parent.mkdir(exist_ok=True)
    folder.rename(root / place)
    assert len(SMALL.load(root, Split.TEST)) == 21


def test_a_folder_of_other_classes_is_not_taken_for_it(tmp_path):
    (tmp_path / "DATASET" / "train" / "angry").mkdir(parents=True)
    with pytest.raises(MissingDataError, match="RAF-DB is not in"):
        SMALL.load(tmp_path, Split.TRAIN)


def test_faults_are_named_with_the_mend(root):
    data = root / "rafdb" / "DATASET"
    (data / "train" / "8").mkdir()
    Image.new("L", (8, 8)).save(data / "train" / "8" / "a.png")
    with pytest.raises(
        DataError, match=r"8 is no class folder .* which has 1, 2, .*Rename or remove"
    ):
        SMALL.load(root, Split.TRAIN)
    (data / "train" / "8").rename(data / "8")
    (data / "test" / "3").rename(data / "3")
    (data / "test" / "3").mkdir()
    with pytest.raises(DataError, match=r"class folder .*3 holds no images"):
        SMALL.load(root, Split.TEST)
    (data / "test").rename(data / "hidden")
    with pytest.raises(
        MissingDataError, match=r"(?s)RAF-DB's test split is not in .*test/1/"
    ) as error:
        SMALL.load(root, Split.TEST)
    assert "http://www.whdeng.cn/raf/model1.html" in str(error.value)


def test_too_few_images_to_divide_are_refused(root):
    with pytest.raises(MissingDataError, match=r"None of the 140 images .* for the train split"):
        dataclasses.replace(SMALL, validation_percent=100).load(root, Split.TRAIN)


def test_other_images_than_the_published_ones_are_warned_of(root, caplog):
    rafdb.SOURCE.load(root, Split.TEST)
    assert "holds 21 images and RAF-DB's official split 3,068" in caplog.text
    caplog.clear()
    SMALL.load(root, Split.TEST)
    assert not caplog.text


def test_a_record_can_name_folders_of_splits_and_have_one_for_validation(root):
    data = root / "rafdb" / "DATASET"
    for old, new in (("train", "train_set"), ("test", "val_set")):
        (data / old).rename(data / new)
    names = {**SPLIT_FOLDERS, Split.TRAIN: ("train_set",), Split.VALID: ("val_set",)}
    record = dataclasses.replace(
        SMALL,
        splits=(Split.TRAIN, Split.VALID),
        split_folders=names,
        validation_percent=0,
    )
    assert [len(record.load(root, split)) for split in record.splits] == [140, 21]
    assert len(record.training_files(root)) == 161
    with pytest.raises(DataError, match="RAF-DB has no test split; it has train, valid"):
        record.load(root, Split.TEST)


def test_a_record_without_training_split_is_one_set_of_class_folders(tmp_path):
    for name in ("anger", "contempt"):
        (tmp_path / "posed" / name).mkdir(parents=True)
        Image.new("L", (60, 60)).save(tmp_path / "posed" / name / "0.png")
    record = dataclasses.replace(
        SMALL,
        name="posed",
        title="Posed",
        splits=(Split.TEST,),
        label_space=CKPLUS,
        places=("posed",),
        class_names=None,
        validation_percent=0,
    )
    assert record.is_whole
    assert record.load(tmp_path, Split.TEST).labels.tolist() == [
        CKPLUS.index("angry"),
        CKPLUS.index("contempt"),
    ]
    with pytest.raises(DataError, match="Posed is measured on and never learnt from"):
        record.training_files(tmp_path)


def test_a_bundle_is_measured_on_it_like_on_any_other_data_set(root, bundle, monkeypatch):
    monkeypatch.setenv("FER_DATA", str(root))
    result = CliRunner().invoke(app, ["evaluate", str(bundle.path), "--data", "rafdb:test"])
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert (report["source"], report["split"], report["n"]) == ("rafdb", "test", 21)
    assert "rafdb:test" in open_bundle(bundle.path).spec.metrics
    card = (bundle.path / CARD_FILE).read_text(encoding="utf-8")
    assert "| RAF-DB test | all | 21 |" in card
    assert "It was not trained on RAF-DB" in card


def test_it_can_be_learnt_beside_another_data_set(root, generated_data, tmp_path, monkeypatch):
    (root / "fer2013").symlink_to(generated_data / "fer2013")
    monkeypatch.setenv("FER_DATA", str(root))
    monkeypatch.setenv("FER_CACHE", str(tmp_path / "cache"))
    samples = sources.load("fer2013+rafdb", Split.TRAIN)
    assert samples.added.sum() == len(SMALL.load(root, Split.TRAIN))
    assert [len(sources.load("rafdb", split)) for split in Split][2] == 21
