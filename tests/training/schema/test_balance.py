"""Ways of treating classes of unequal size do what their papers say."""

import dataclasses
from itertools import permutations

import numpy as np
import pytest

from fer_core.expressions import FER2013
from training.errors import TrainingError
from training.schema.balance import Balance
from training.sources import Samples, Split
from training.tasks.targets import one_hot

N_FRONT, N_RARE = 40, 8


@pytest.fixture
def uneven(rings):
    """Rings of two classes, five times as many of the first."""
    images, labels = rings(N_FRONT, seed=3)
    keep = np.r_[np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)[:N_RARE]]
    n = len(keep)
    return Samples(
        source="fer2013",
        split=Split.TRAIN,
        label_space=FER2013,
        images=images[keep],
        labels=labels[keep].astype(np.int64),
        rows=np.arange(100, 100 + n),
        clean=np.ones(n, bool),
        is_face=np.ones(n, bool),
    )


def rows_of(strategy, samples, seed=0):
    return Balance(strategy=strategy).rows(samples, one_hot(samples), seed)


@pytest.mark.parametrize("strategy", ["none", "class_weights", "focal", "logit_adjustment"])
def test_other_losses_leave_the_rows_alone(uneven, strategy):
    rows, targets = rows_of(strategy, uneven)
    assert rows is uneven
    assert len(targets) == len(uneven)


def test_oversampling_repeats_rare_rows_until_all_classes_are_as_frequent(uneven):
    rows, targets = rows_of("oversampling", uneven)
    assert list(rows.counts().values())[:2] == [N_FRONT, N_FRONT]
    assert set(rows.rows) == set(uneven.rows)
    # Each row kept its own target.
    np.testing.assert_array_equal(targets.argmax(axis=1), rows.labels)


@pytest.mark.parametrize("strategy", ["smote", "smote_eigenfaces"])
def test_smote_blends_two_faces_of_one_class(uneven, strategy):
    rows, targets = rows_of(strategy, uneven)
    made = slice(len(uneven), None)
    assert list(rows.counts().values())[:2] == [N_FRONT, N_FRONT]
    np.testing.assert_array_equal(rows.images[: len(uneven)], uneven.images)
    np.testing.assert_array_equal(targets[made].argmax(axis=1), rows.labels[made])
    assert len(np.unique(rows.rows)) == len(rows)
    rare = uneven.images[uneven.labels == 1].astype(float).reshape(N_RARE, -1)
    for image in rows.images[made].astype(float).reshape(-1, 48 * 48):
        # On the line between two: a + s (b - a) for some pair, to the rounding of grey values.
        assert min(_off_the_line(image, a, b) for a, b in permutations(rare, 2)) < 1.0


def _off_the_line(point, a, b):
    way = b - a
    share = np.clip((point - a) @ way / (way @ way), 0, 1)
    return np.abs(point - a - share * way).max()


def test_smote_by_eigenfaces_chooses_other_neighbours_than_by_pixels(uneven):
    by_pixels, _ = rows_of("smote", uneven)
    by_faces, _ = rows_of("smote_eigenfaces", uneven)
    assert not np.array_equal(by_pixels.images, by_faces.images)


def test_smote_refuses_landmarks_and_classes_with_a_single_face(uneven):
    with pytest.raises(TrainingError, match="landmarks"):
        rows_of("smote", dataclasses.replace(uneven, landmarks=np.ones((len(uneven), 4))))
    with pytest.raises(TrainingError, match="SMOTE cannot blend"):
        rows_of("smote", uneven.select(np.arange(N_FRONT + 1)))


def loss_of(strategy, targets, logits, **settings):
    import keras

    balance = Balance(strategy=strategy, **settings)
    loss = balance.loss(targets, label_smoothing=0.0)
    return float(loss(keras.ops.convert_to_tensor(targets), keras.ops.convert_to_tensor(logits)))


TARGETS = np.eye(2, dtype=np.float32)[[0, 0, 0, 1]]
LOGITS = np.array([[2, 0], [0, 1], [1, 0], [0, 0]], np.float32)


def cross_entropies(logits):
    shifted = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return -shifted[np.arange(4), TARGETS.argmax(axis=1)]


def test_class_weights_are_inverse_frequencies_with_mean_one():
    weights = np.array([2 / 3, 2 / 3, 2 / 3, 2])
    expected = (weights * cross_entropies(LOGITS)).mean()
    assert loss_of("class_weights", TARGETS, LOGITS) == pytest.approx(expected, rel=1e-5)


def test_the_focal_loss_is_cross_entropy_times_how_wrong_the_answer_is():
    losses = cross_entropies(LOGITS)
    expected = ((1 - np.exp(-losses)) ** 2 * losses).mean()
    assert loss_of("focal", TARGETS, LOGITS) == pytest.approx(expected, rel=1e-4)
    assert loss_of("focal", TARGETS, LOGITS, focal_gamma=0.0) == pytest.approx(
        losses.mean(), rel=1e-4
    )


def test_logit_adjustment_adds_the_classes_log_frequencies():
    expected = cross_entropies(LOGITS + np.log([0.75, 0.25])).mean()
    assert loss_of("logit_adjustment", TARGETS, LOGITS) == pytest.approx(expected, rel=1e-5)


def test_a_class_without_rows_changes_no_loss_of_the_others():
    with_none = [
        np.pad(values, ((0, 0), (0, 1)), constant_values=fill)
        for values, fill in ((TARGETS, 0), (LOGITS, -9))
    ]
    for strategy in ("class_weights", "logit_adjustment"):
        assert loss_of(strategy, *with_none) == pytest.approx(
            loss_of(strategy, TARGETS, LOGITS), rel=1e-3
        )
    # Nothing keeps it from learning to be unlikely: a high logit of it costs.
    likely = with_none[1].copy()
    likely[:, 2] = 3
    assert loss_of("logit_adjustment", with_none[0], likely) > 2
