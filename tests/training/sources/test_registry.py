"""One record holds what is known of a data set; everything that tells of data sets reads it."""

import dataclasses
import re

import pytest
from PIL import Image

from fer_core.data_names import data_name, known_data_sets, names_path, source_name, split_name
from fer_core.errors import DataError
from fer_core.evaluation.thumbnails import thumbnails_path
from fer_core.expressions import FER2013, LABEL_SPACES
from fer_core.networks.bundles import BundleSpec, SplitMetrics, TrainingData
from fer_core.settings import shipped_models
from training import sources
from training.bundle.card import card_text
from training.experiments.regenerate import _measured_on
from training.gpu.prepare import _data_files
from training.measure.thumbnails import make_thumbnails
from training.schema.recipe import get_recipe
from training.sources import SOURCES, Split
from training.sources.class_folder_source import ClassFolderSource
from training.sources.names_file import names_text

ALL = pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
_LEARNT = {name: source for name, source in SOURCES.items() if Split.TRAIN in source.splits}
LEARNT = pytest.mark.parametrize("source", _LEARNT.values(), ids=_LEARNT)


def spec_of(source, **recipe):
    """The spec of a network that learnt from a source and was measured on every other one."""
    metrics = SplitMetrics(
        **dict.fromkeys(("n", "n_clean"), 100),
        **dict.fromkeys(("accuracy", "macro_f1", "ece", "nll", "coverage"), 0.5),
        **dict.fromkeys(("selective_accuracy", "accuracy_clean", "macro_f1_clean"), 0.5),
        ece_clean=0.1,
        per_class_recall=dict.fromkeys(FER2013.labels, 0.5),
    )
    settings = get_recipe("cnn").model_dump(mode="json")
    untaught = {"teacher": None, "teacher_share": 0.0, "vote_smoothing": 0.0}
    return BundleSpec(
        name="cnn",
        title="A network",
        architecture="cnn",
        recipe={**settings, **untaught, **recipe},
        labels=FER2013.labels,
        input_hw=(48, 48),
        pixel_range=(0, 255),
        landmark_features=None,
        parameters=1,
        temperature=1.0,
        abstention_threshold=0.5,
        training_data=TrainingData(source=source, split="train", n=100, note="all rows"),
        backend="tensorflow",
        code_commit="c0ffee",
        metrics={
            f"{other.name}:{split}": metrics
            for other in SOURCES.values()
            for split in other.splits
            if split is not Split.TRAIN
        },
        sha256={},
        license="Apache-2.0",
    )


def words_of(source, **recipe):
    return " ".join(card_text(spec_of(source, **recipe)).split())


@ALL
def test_a_record_says_all_that_is_told_of_a_data_set(source):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", source.name)
    assert source.name not in ("folder", "keypoints", "ensemble")
    for words in (source.title, source.origin, source.terms):
        # They stand within sentences, which end in a full stop already.
        assert words
        assert words == words.strip(" .")
    assert source.label_space is LABEL_SPACES[source.label_space.name]
    assert source.splits
    assert set(source.measured) <= set(source.splits) - {Split.TRAIN}
    assert source.measured
    assert set(source.official_splits) <= set(source.splits)
    named = {source.images_of, source.votes_of or source.name, *source.holds_photos_of}
    assert named <= SOURCES.keys()


def test_the_file_for_dashboards_is_up_to_date():
    assert names_path().read_text(encoding="utf-8") == names_text(), (
        "Records have changed: run python -m training.sources.names_file, and commit what it writes"
    )


@ALL
def test_dashboards_know_every_data_set_by_the_records_words(source):
    names = [data_name(f"{source.name}:{split}") for split in source.splits]
    assert len(set(names)) == len(source.splits)
    for split, name in zip(source.splits, names, strict=True):
        data = f"{source.name}:{split}"
        assert source_name(data) == source.title
        assert name.startswith(source.title)
        assert source.official_splits.get(split, "") in split_name(data)
    known = known_data_sets()[source.name]
    assert (known.judge, known.ceiling) == (source.judge, source.ceiling)


@LEARNT
def test_the_card_of_what_learnt_from_it_says_where_its_images_come_from_and_its_terms(source):
    text = words_of(source.name)
    assert f"The training images are {source.origin}. " in text
    assert f"{source.title}: {source.terms}." in text
    assert "a user's own" not in text
    assert "their annotators are not recorded" not in text
    others = [other for other in SOURCES.values() if other.images_of != source.images_of]
    for other in others:
        if other.images_of not in source.holds_photos_of:
            assert re.search(f"was not trained on [^:]*{re.escape(other.title)}", text), other.title


@pytest.mark.parametrize("name", ["fer2013", "ferplus"])
def test_a_card_names_the_terms_of_votes_wherever_they_were_learnt(name):
    alone, with_votes = words_of(name), words_of(name, targets="votes")
    assert "MIT licence" in with_votes
    assert ("MIT licence" in alone) == (name == "ferplus")
    softened = words_of(name, vote_smoothing=0.5)
    assert ("of ten more annotators" in softened) == (name == "fer2013")


@ALL
def test_what_a_card_calls_a_split_is_what_its_publishers_call_it(source):
    text = words_of("fer2013")
    for split in source.splits:
        if split is not Split.TRAIN:
            assert f"{source.title} {source.split_title(split)}" in text


def test_a_card_calls_nobody_owner_of_a_data_set_that_it_does_not_know():
    text = words_of("affectnet")
    assert "from affectnet, a data set that this version does not know." in text
    assert "user's own" not in text
    own = words_of("folder:/home/anna/faces")
    assert "The training images are a user's own. Their origin" in own
    assert "anna" not in own


@ALL
def test_it_is_measured_when_all_is_made_anew(source):
    measured = _measured_on(shipped_models() / "cnn")
    assert [data for data in measured if data.startswith(f"{source.name}:")] == [
        f"{source.name}:{split}" for split in source.measured
    ]


@ALL
def test_its_pictures_are_shown_with_a_credit_or_hidden_with_a_reason(
    source, monkeypatch, tmp_path
):
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    origin = SOURCES[source.images_of]
    assert (source.hidden_because, source.credit) == (origin.hidden_because, origin.credit)
    assert thumbnails_path(source.name, "test") == thumbnails_path(origin.name, "test")
    if source.hidden_because is None:
        assert origin.title in known_data_sets()[source.name].credit
    else:
        with pytest.raises(DataError, match=re.escape(source.hidden_because)):
            make_thumbnails(source.name, Split.TEST)


@ALL
def test_the_folder_for_a_gpu_takes_what_is_learnt_and_no_test_rows(source, monkeypatch, tmp_path):
    monkeypatch.setenv("FER_DATA", str(tmp_path))
    if Split.TRAIN not in source.splits:
        with pytest.raises(DataError, match=f"{re.escape(source.title)} is measured on and never"):
            _data_files("cnn", source.name, whole=False)
        return
    with pytest.raises(DataError, match=str(tmp_path)):
        _data_files("cnn", source.name, whole=False)
    if isinstance(source, ClassFolderSource):
        write_class_folders(source, tmp_path)
    for pack in source.packs:
        (tmp_path / pack).parent.mkdir(exist_ok=True)
        (tmp_path / pack).touch()
    files = _data_files("cnn", source.name, whole=False)
    assert files
    for file, place in files.items():
        assert file.is_file()
        assert place == f"data/{file.relative_to(tmp_path)}"
        assert "test" not in file.relative_to(tmp_path).parts
    assert source.mixed_packs or not any("test" in file.name for file in files)


def write_class_folders(source, root):
    for split in source.splits:
        if split is Split.VALID and source.validation_percent:
            continue
        for name in source.class_names or source.label_space.labels:
            folder = root / source.places[0] / source.split_folders[split][0] / name
            folder.mkdir(parents=True)
            Image.new("L", (8, 8)).save(folder / "0.png")


def test_a_record_that_tells_nothing_of_showing_faces_is_refused():
    with pytest.raises(ValueError, match="expw: say either why its faces are hidden"):
        dataclasses.replace(SOURCES["expw"], hidden_because=None)


def test_two_data_sets_of_one_name_are_refused(monkeypatch):
    monkeypatch.setattr(sources, "_MODULES", ("expw", "ferplus", "expw"))
    with pytest.raises(ValueError, match="Two data sets are called expw"):
        sources._registered()
