"""Weights rounded so that the served file holds them exactly."""

import keras
import numpy as np
import pytest
from keras import layers

from fer_core.faces.landmarks import FEATURE_SIZE
from training.architectures.cnn import Cnn
from training.architectures.dual_input import DualInput
from training.architectures.landmark_mlp import LandmarkMlp
from training.bundle.export import PARITY, export
from training.bundle.half_precision import rounded

# Each network predicts a few faces once: a graph would take longer.
pytestmark = pytest.mark.usefixtures("without_graphs")


def network_of(*parts):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((12, 12, 1), name="image")
    x = inputs
    for part in parts:
        x = part(x)
    network = keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            n = layer.gamma.shape[0]
            # Signs, tiny variances and dead channels, as training leaves them.
            gamma = rng.normal(size=n)
            gamma[0] = 0
            layer.set_weights([gamma, rng.normal(size=n), rng.normal(size=n), rng.random(n) ** 8])
    return network


@pytest.fixture
def images():
    return np.random.default_rng(1).normal(size=(8, 12, 12, 1)).astype(np.float32)


@pytest.mark.parametrize(
    "convolution",
    [
        lambda: layers.Conv2D(16, 3),
        lambda: layers.Conv2D(16, 3, use_bias=False),
        lambda: layers.DepthwiseConv2D(3, depth_multiplier=16),
    ],
)
def test_what_is_served_is_float16_and_the_answers_stay(convolution, images):
    before = network_of(convolution(), layers.BatchNormalization(), layers.ReLU())
    after = rounded(before)
    kernel = after.layers[1].get_weights()[0]
    bias = sum(after.layers[1].get_weights()[1:])
    gamma, beta, mean, variance = after.layers[2].get_weights()
    assert (variance >= 0).all()
    factor = gamma / np.sqrt(variance + after.layers[2].epsilon)
    served = kernel.reshape(-1, 16) * factor
    for values in (served, beta + (bias - mean) * factor):
        np.testing.assert_allclose(values, values.astype(np.float16), rtol=1e-6, atol=1e-6)
    expected = before.predict_on_batch(images)
    off = np.abs(after.predict_on_batch(images) - expected).max()
    assert 0 < off < 1e-3 * np.abs(expected).max()
    # It learns on from the same answers: there, the batch's own statistics count.
    trained = [np.asarray(n(images, training=True)) for n in (before, after)]
    assert np.abs(trained[1] - trained[0]).max() < 5e-3 * np.abs(trained[0]).max()


def test_rounding_twice_is_rounding_once(images):
    parts = [layers.Conv2D(8, 3), layers.BatchNormalization(), layers.ReLU(), layers.Conv2D(4, 1)]
    once = rounded(network_of(*parts))
    twice = rounded(once)
    np.testing.assert_allclose(
        twice.predict_on_batch(images), once.predict_on_batch(images), rtol=0, atol=1e-5
    )


def test_networks_inside_a_network_are_rounded_and_the_given_one_is_not(images):
    inner = network_of(layers.Conv2D(8, 3), layers.BatchNormalization())
    inputs = keras.Input((12, 12, 1))
    outer = keras.Model(inputs, layers.Dense(2)(inner(inputs)))
    weights = [w.copy() for w in outer.get_weights()]
    after = rounded(outer)
    kernel = after.layers[1].layers[-1].get_weights()[0]
    np.testing.assert_array_equal(kernel, kernel.astype(np.float16))
    for kept, given in zip(outer.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(kept, given)


@pytest.mark.parametrize(
    "architecture",
    [
        Cnn(widths=(4, 8), depths=(1, 2)),
        LandmarkMlp(units=(8,), components=4),
        pytest.param(
            DualInput(trunk=Cnn(widths=(4, 8), depths=(1, 2)), landmarks=LandmarkMlp(units=(8,))),
            marks=(pytest.mark.slow, pytest.mark.release),
        ),
    ],
    ids=lambda architecture: architecture.kind,
)
def test_the_served_file_holds_the_weights_of_the_keras_file_in_half_the_bytes(
    architecture, tmp_path, caplog
):
    caplog.set_level("INFO")
    keras.utils.set_random_seed(0)
    network = architecture.build(7)
    rng = np.random.default_rng(0)
    # Statistics, factors and biases as no new network has them.
    network.set_weights(
        [w + 0.1 * rng.random(w.shape) * (w.ndim == 1) for w in network.get_weights()]
    )
    given = {
        "image": rng.integers(0, 256, (8, 48, 48, 1)).astype(np.float32),
        "landmarks": rng.normal(size=(8, FEATURE_SIZE)).astype(np.float32),
    }
    inputs = [given[tensor.name] for tensor in network.inputs]
    before, after = (n.predict_on_batch(inputs) for n in (network, rounded(network)))
    assert 0 < np.abs(after - before).max() < 1e-2 * before.std()
    assert export(network, tmp_path) <= PARITY
    assert "float16 weights" in caplog.text
