"""Batches: what a network is fed with, and faces blended with each other."""

import numpy as np
import pytest

from fer_core.faces.landmarks import FEATURE_SIZE
from training.schema.recipe import get_recipe
from training.sources import Split, fer2013
from training.tasks.batches import batches
from training.tasks.targets import one_hot


@pytest.fixture
def samples(generated_data):
    return fer2013.load(generated_data, Split.TRAIN)


@pytest.fixture
def mixed(samples):
    def make(alpha, recipe="cnn", samples=samples):
        made = batches(get_recipe(recipe), samples, one_hot(samples), 32)
        made.mixup_alpha = alpha
        made.shuffle(0, 1)
        return made

    return make


def test_without_mixup_batches_are_the_faces_themselves(mixed, samples):
    made = mixed(0.0)
    inputs, targets = made[0]
    np.testing.assert_array_equal(inputs["image"][..., 0], samples.images[made.order[:32]])
    np.testing.assert_array_equal(targets.argmax(axis=1), samples.labels[made.order[:32]])


def test_mixup_blends_images_and_targets_in_the_same_shares(mixed, samples):
    made = mixed(1.0)
    inputs, targets = made[0]
    own = samples.images[made.order[:32]].astype(float)
    labels = samples.labels[made.order[:32]]
    assert inputs["image"].dtype == np.uint8
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    for i in range(32):
        share = targets[i, labels[i]]
        partners = np.flatnonzero(labels != labels[i])
        if share > 0.999:
            continue
        blends = share * own[i] + (1 - share) * own[partners]
        distance = np.abs(blends - inputs["image"][i, ..., 0]).max(axis=(1, 2))
        assert distance.min() <= 0.51, "no other face of the batch gives this blend"


def test_mixup_repeats_itself_and_differs_between_steps_and_epochs(mixed):
    one, other = mixed(0.2), mixed(0.2)
    np.testing.assert_array_equal(one[1][1], other[1][1])
    other.shuffle(0, 2)
    other.order = one.order
    assert not np.array_equal(one[1][1], other[1][1])


def test_a_blend_with_a_face_without_landmarks_has_none(mixed, samples):
    import dataclasses

    vectors = np.ones((len(samples), FEATURE_SIZE), np.float16)
    vectors[::2] = 0
    with_vectors = dataclasses.replace(samples, landmarks=vectors)
    inputs, _ = mixed(0.5, "landmarks_only", with_vectors)[0]
    values = inputs["landmarks"]
    assert values.dtype == np.float16
    assert set(np.unique(values)) <= {0, 1}
    assert 0 < (values == 0).all(axis=1).mean() < 1
