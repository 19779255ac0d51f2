"""The architecture: what it looks at, and what its last layer means."""

import keras
import numpy as np
import pytest

from training.architectures.base import MAPS_LAYER
from training.architectures.cnn import Cnn

# Each network predicts a few faces once: a graph would take longer.
pytestmark = pytest.mark.usefixtures("without_graphs")

SMALL = {"widths": (4, 8), "depths": (1, 2)}


def test_the_rim_beyond_the_view_changes_nothing():
    network = Cnn(**SMALL, view_pixels=42).build(7)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 48, 48, 1)).astype(np.float32)
    images[1, 3:45, 3:45] = images[0, 3:45, 3:45]
    logits = network.predict_on_batch(images)
    np.testing.assert_allclose(logits[0], logits[1], atol=1e-6)


def test_weights_of_any_size_fit_the_network_that_serves(tmp_path):
    """Training builds the network for squares of any size, serving for the input's with its view."""
    architecture = Cnn(**SMALL, view_pixels=42)
    trained = architecture.build(7, side=None)
    trained.save_weights(tmp_path / "w.weights.h5")
    serving = architecture.build(7)
    serving.load_weights(tmp_path / "w.weights.h5")
    images = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 1)).astype(np.float32)
    np.testing.assert_allclose(
        serving.predict_on_batch(images), trained.predict_on_batch(images[:, 3:45, 3:45]), atol=1e-5
    )


def test_brightness_and_contrast_do_not_matter():
    network = Cnn(**SMALL).build(7)
    images = np.random.default_rng(0).integers(60, 180, (1, 48, 48, 1)).astype(np.float32)
    np.testing.assert_allclose(
        network.predict_on_batch(images),
        network.predict_on_batch(images / 2 + 20),
        # The epsilon that keeps flat images finite costs 2 % at half the contrast.
        rtol=0.03,
        atol=0.01,
    )


def test_logits_are_the_means_of_the_activation_maps():
    network = Cnn(**SMALL).build(7)
    both = keras.Model(network.inputs, [network.output, network.get_layer(MAPS_LAYER).output])
    logits, maps = both.predict_on_batch(np.random.default_rng(0).random((3, 48, 48, 1)) * 255)
    np.testing.assert_allclose(np.asarray(maps).mean(axis=(1, 2)), logits, atol=1e-5)
