"""Two data sets in one training split: whose faces are in it, in what order, and which must not be."""

import io
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fer_core.errors import UnknownNameError
from training import sources
from training.sources import Split
from training.sources.copies import loose_copies_in
from training.sources.landmark_cache import cache_path
from training.tasks.batches import load_labelled
from training.tasks.of_recipe import task_of
from training.tasks.parents import parents_of
from training.tasks.targets import one_hot, soften_by_votes, targets_for, vote_distribution
from training.teachers.teacher import BundleTeacher


def fields(n, seed, side=48):
    """Random soft pictures, no two alike; uint8 (n, side, side)."""
    noise = np.random.default_rng(seed).normal(size=(n, side, side)).astype(np.float32)
    soft = np.stack([cv2.GaussianBlur(image, (0, 0), side / 12) for image in noise])
    return np.clip(127 + 50 * soft / soft.std(), 0, 255).astype(np.uint8)


def webp(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    """What is found of copies is kept, and not beside a user's."""
    monkeypatch.setenv("FER_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def both(tmp_path_factory, kaggle_csv):
    """FER2013 with 20 happy and 5 angry training faces; ExpW with 10 angry ones, of which the first shows a
    test face cut out more loosely, 10 happy ones and one that is neutral."""
    root = tmp_path_factory.mktemp("data")
    wide = fields(4, 1, side=64)
    test = wide[:, 8:56, 8:56]
    parts = {
        "Training": (fields(25, 2), np.array([3] * 20 + [0] * 5)),
        "PublicTest": (fields(4, 3), np.array([0, 1, 2, 3])),
        "PrivateTest": (test, np.array([0, 1, 2, 3])),
    }
    kaggle_csv(root / "fer2013" / "fer2013.csv", parts)
    votes = pd.DataFrame(0, range(33), ["anger", "disgust", "fear", "happiness", "sadness"])
    votes = votes.assign(happiness=9, anger=1, surprise=0, neutral=0, contempt=0, unknown=0, NF=0)
    votes.to_csv(root / "fer2013" / "fer2013new.csv", index=False)
    images = np.concatenate([wide[:1], fields(20, 4, side=64)])
    (root / "expw").mkdir()
    pd.DataFrame(
        {
            "image": [webp(image) for image in images],
            "label": np.array([0] * 10 + [3] * 10 + [6], np.int8),
            "split": "train",
            "name": [f"{i}.jpg" for i in range(21)],
        }
    ).to_parquet(root / "expw" / "all64.parquet")
    return root


@pytest.fixture
def train(both, monkeypatch):
    monkeypatch.setenv("FER_DATA", str(both))
    return sources.load("fer2013+expw", Split.TRAIN)


def test_the_second_gives_at_most_what_the_first_has_of_each_class(train):
    alone = sources.load("fer2013", Split.TRAIN)
    added = train.select(np.arange(len(train)) >= len(alone))
    # One of the five angry ones may be that which a test split holds.
    assert added.counts()["happy"] == 10
    assert added.counts()["angry"] in (4, 5)
    assert added.counts()["neutral"] == 0
    np.testing.assert_array_equal(train.images[: len(alone)], alone.images)
    assert len(set(train.rows)) == len(train)
    again = sources.load("fer2013+expw", Split.TRAIN)
    np.testing.assert_array_equal(train.rows, again.rows)


def test_validation_and_test_are_those_of_the_first(train):
    for split in (Split.VALID, Split.TEST):
        alone = sources.load("fer2013", split)
        beside = sources.load("fer2013+expw", split)
        assert beside.source == "fer2013"
        np.testing.assert_array_equal(beside.rows, alone.rows)
    assert sources.splits_of("fer2013+expw") == tuple(Split)


def test_a_test_photo_is_not_learnt_from_however_it_is_cut_out(both, tmp_path, monkeypatch):
    """With angry faces enough in the first, all of the second's would be in, were it not for the copy."""
    root = shutil.copytree(both, tmp_path / "data")
    path = root / "fer2013" / "fer2013.csv"
    table = pd.read_csv(path)
    table.loc[:19, "emotion"] = 0
    table.to_csv(path, index=False)
    monkeypatch.setenv("FER_DATA", str(root))
    train = sources.load("fer2013+expw", Split.TRAIN)
    assert train.counts()["angry"] == 25 + 9


def test_a_test_photo_without_a_majority_is_not_learnt_from_either(both, tmp_path, monkeypatch):
    root = shutil.copytree(both, tmp_path / "data")
    path = root / "fer2013" / "fer2013new.csv"
    votes = pd.read_csv(path)
    # The first test photo, which the first face of the second data set shows.
    votes.loc[29, ["happiness", "anger"]] = 5
    votes.to_csv(path, index=False)
    monkeypatch.setenv("FER_DATA", str(root))
    assert len(sources.load("ferplus", Split.TEST)) == 3
    train = sources.load("ferplus+expw", Split.TRAIN, whole=True)
    assert train.select(train.added).counts()["angry"] == 9


def test_faces_without_votes_keep_their_labels(train):
    voted = train.votes.any(axis=1)
    assert voted.sum() == 25
    targets = soften_by_votes(train, 0.5)
    np.testing.assert_array_equal(targets[~voted], one_hot(train)[~voted])
    # The five that are labelled angry got nine votes of ten for happiness.
    assert targets[voted & (train.labels == 0)].max() < 0.95


@pytest.fixture
def recipe(tiny_recipe):
    return tiny_recipe.with_overrides(
        [*("data.source=fer2013+expw", "teacher=rings", "teacher_share=0.25", "restarts=[]")]
    )


def test_a_teacher_alone_says_what_added_faces_show(train, recipe, bundle, monkeypatch):
    monkeypatch.setenv("FER_MODELS", str(bundle.path.parent))
    answers = BundleTeacher.named("rings").soft_targets(train)
    targets = targets_for(recipe, train, parents_of(recipe).teacher)
    np.testing.assert_allclose(targets[train.added], answers[train.added], atol=1e-6)
    own = soften_by_votes(train, recipe.vote_smoothing)
    expected = 0.75 * own[~train.added] + 0.25 * answers[~train.added]
    np.testing.assert_allclose(targets[~train.added], expected, atol=1e-6)


def test_a_refinement_has_no_added_faces_and_as_many_steps(train, recipe, bundle, monkeypatch):
    monkeypatch.setenv("FER_MODELS", str(bundle.path.parent))
    task = task_of(recipe, parents_of(recipe))
    fed = task.train
    added = set(np.flatnonzero(train.added))
    before, last = task.phases
    before.enter(task.network)
    fed.shuffle(0, 0)
    assert sorted(fed.order) == list(range(len(train)))
    last.enter(task.network)
    fed.shuffle(0, 3)
    assert len(fed.order) == len(train)
    assert not added & set(fed.order)
    # Each of the others once, before any is repeated.
    assert len(set(fed.order)) == len(train) - len(added)


def test_a_network_that_is_to_know_both_learns_all_faces_by_their_labels_to_the_end(
    both, recipe, bundle, monkeypatch
):
    monkeypatch.setenv("FER_DATA", str(both))
    monkeypatch.setenv("FER_MODELS", str(bundle.path.parent))
    wild = recipe.with_overrides(["data.added=labelled"])
    train = load_labelled(wild, Split.TRAIN)
    # All but the one that shows a test face; the class that the first lacks is there too.
    added = train.select(train.added)
    assert (added.counts()["angry"], added.counts()["happy"]) == (9, 10)
    assert added.counts()["neutral"] == 1
    targets = targets_for(wild, train, parents_of(wild).teacher)
    np.testing.assert_array_equal(targets[train.added], one_hot(train)[train.added])
    own = train.select(~train.added)
    expected = 0.75 * soften_by_votes(own, wild.vote_smoothing) + 0.25 * BundleTeacher.named(
        "rings"
    ).soft_targets(own)
    np.testing.assert_allclose(targets[~train.added], expected, atol=1e-6)
    task = task_of(wild, parents_of(wild))
    task.phases[-1].enter(task.network)
    task.train.shuffle(0, 3)
    assert sorted(task.train.order) == list(range(len(train)))


def test_labels_of_added_faces_can_be_softened_by_a_teacher(both, recipe, bundle, monkeypatch):
    monkeypatch.setenv("FER_DATA", str(both))
    monkeypatch.setenv("FER_MODELS", str(bundle.path.parent))
    wild = recipe.with_overrides(
        ["data.added=labelled", "teacher_share=0", "added_teacher_share=0.4", "targets=votes"]
    )
    train = load_labelled(wild, Split.TRAIN)
    targets = targets_for(wild, train, parents_of(wild).teacher)
    own, added = train.select(~train.added), train.select(train.added)
    np.testing.assert_allclose(targets[~train.added], vote_distribution(own), atol=1e-6)
    expected = 0.6 * one_hot(added) + 0.4 * BundleTeacher.named("rings").soft_targets(added)
    np.testing.assert_allclose(targets[train.added], expected, atol=1e-6)


def test_of_a_single_data_set_nothing_is_added(recipe):
    with pytest.raises(UnknownNameError, match="FIRST"):
        recipe.with_overrides(["data.source=fer2013", "data.added=labelled"])


def test_a_joined_source_shares_the_landmarks_of_the_first_and_its_terms(monkeypatch, tmp_path):
    monkeypatch.setenv("FER_CACHE", str(tmp_path))
    assert cache_path("fer2013+expw") == cache_path("fer2013")
    assert sources.hidden_because("fer2013+ferplus") is None
    assert sources.hidden_because("fer2013+expw") == sources.hidden_because("expw")
    assert sources.knows_copies("fer2013+expw")
    with pytest.raises(UnknownNameError, match="affectnet"):
        sources.load("fer2013+affectnet", Split.TRAIN)


@pytest.mark.parametrize("mirrored", [False, True])
def test_loose_copies_are_wider_and_shifted_cuts_and_not_other_pictures(mirrored):
    wide = fields(12, 5, side=64)
    tight = wide[:, 8:56, 8:56]
    shifted = wide[:, 4:52, 12:60]
    other = fields(12, 6)
    whole = np.stack([cv2.resize(i, (48, 48), interpolation=cv2.INTER_AREA) for i in wide])
    images = np.concatenate([whole, shifted, other])
    if mirrored:
        images = np.ascontiguousarray(images[:, :, ::-1])
    assert loose_copies_in(images, tight).tolist() == [True] * 24 + [False] * 12
    assert not loose_copies_in(images, tight[:0]).any()
