"""Post-hoc logit adjustment: every answer moves by the log frequencies, and nothing else changes."""

import numpy as np
import pytest

from training.architectures.cnn import Cnn
from training.architectures.dual_input import TRUNK, DualInput
from training.architectures.landmark_mlp import LandmarkMlp
from training.schema.prior_correction import correct_priors

# Each network predicts a few faces once: a graph would take longer.
pytestmark = pytest.mark.usefixtures("without_graphs")

SHARES = np.array([0.5, 0.25, 0.125, 0.125])
PIXELS = Cnn(widths=(4, 8), depths=(1, 1), residual=False)
DUAL = DualInput(trunk=PIXELS, landmarks=LandmarkMlp(units=(8,)), fusion="aligned")


def shifts(after, before):
    """Return how much each logit moved against the mean of its row."""
    moved = after - before
    return moved - moved.mean(axis=1, keepdims=True)


@pytest.fixture
def images():
    return np.random.default_rng(0).uniform(0, 255, (5, 48, 48, 1)).astype(np.float32)


def test_logits_lose_the_multiple_of_the_log_frequencies(images):
    network = PIXELS.build(4)
    before = network.predict_on_batch(images)
    correct_priors(network, PIXELS, SHARES, 0.3)
    after = network.predict_on_batch(images)
    expected = -0.3 * np.log(SHARES)
    np.testing.assert_allclose(
        shifts(after, before), np.tile(expected - expected.mean(), (5, 1)), atol=1e-5
    )
    np.testing.assert_allclose(after.mean(axis=1), before.mean(axis=1), atol=1e-5)


def test_a_class_without_training_faces_is_not_favoured(images):
    network = PIXELS.build(4)
    before = network.predict_on_batch(images)
    correct_priors(network, PIXELS, np.array([0.5, 0.25, 0.25, 0.0]), 0.3)
    moved = network.predict_on_batch(images) - before
    expected = -0.3 * np.log([0.5, 0.25, 0.25])
    np.testing.assert_allclose(moved[:, 3], 0, atol=1e-5)
    np.testing.assert_allclose(moved[:, :3], np.tile(expected - expected.mean(), (5, 1)), atol=1e-5)


def test_of_two_experts_the_trained_one_alone_is_corrected(images):
    network = DUAL.build(4)
    vectors = np.zeros((5, network.inputs[1].shape[1]), np.float32)
    trunk = network.get_layer(TRUNK).get_weights()
    before = network.predict_on_batch([images, vectors])
    correct_priors(network, DUAL, SHARES, 0.3)
    after = network.predict_on_batch([images, vectors])
    for old, new in zip(trunk, network.get_layer(TRUNK).get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    # Without landmarks the trunk answers alone.
    np.testing.assert_allclose(after, before, atol=1e-5)
    vectors[:] = 0.1
    assert not np.allclose(network.predict_on_batch([images, vectors]), after)


def test_other_families_are_not_corrected():
    assert PIXELS.corrects_priors
    assert DUAL.corrects_priors
    assert not LandmarkMlp().corrects_priors
    assert not DUAL.model_copy(update={"fusion": "late"}).corrects_priors
