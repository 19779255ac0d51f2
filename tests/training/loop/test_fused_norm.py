"""Batch normalisation in one operation, against Keras's own."""

import keras
import numpy as np
import pytest

from training.loop.fused_norm import BatchNormalization, with_fused_norms


@pytest.fixture
def features():
    return np.random.default_rng(0).normal(3.0, 2.0, (5, 4, 4, 8)).astype(np.float32)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_answers_and_statistics_are_those_of_keras(features, training, policy):
    # bfloat16 has eight bits: two answers may round to neighbours.
    tolerance = 1e-5 if policy == "float32" else 2e-2
    ours, theirs = (
        made(momentum=0.7, dtype=policy)
        for made in (BatchNormalization, keras.layers.BatchNormalization)
    )
    for layer in (ours, theirs):
        layer.build(features.shape)
        rng = np.random.default_rng(1)
        layer.set_weights([rng.uniform(0.5, 2.0, 8).astype(np.float32) for _ in range(4)])
    answers = [np.array(layer(features, training=training), np.float32) for layer in (ours, theirs)]
    np.testing.assert_allclose(*answers, atol=tolerance * np.abs(answers[1]).max())
    for kept, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(kept, expected, rtol=tolerance)


def test_a_frozen_layer_keeps_its_statistics(features):
    layer = BatchNormalization()
    layer.build(features.shape)
    layer.trainable = False
    before = layer.get_weights()
    answer = np.array(layer(features, training=True))
    np.testing.assert_allclose(answer, features / np.sqrt(1.001), rtol=1e-5)
    for kept, expected in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(kept, expected)


def test_a_network_learns_as_it_would_with_keras(features):
    inner = keras.Sequential(
        [keras.Input((4, 4, 8)), keras.layers.Conv2D(8, 3), keras.layers.BatchNormalization()]
    )
    inputs = keras.Input((4, 4, 8))
    plain = keras.Model(inputs, keras.layers.BatchNormalization(momentum=0.5)(inner(inputs)))
    fused = with_fused_norms(plain)
    norms = [
        layer
        for layer in fused._flatten_layers(include_self=False)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert [type(layer) for layer in norms] == [BatchNormalization] * 2, "also in inner networks"
    for network in (plain, fused):
        network.compile("sgd", "mse", jit_compile=False)
        network.fit(features, np.ones((5, 2, 2, 8), np.float32), epochs=3, shuffle=False, verbose=0)
    for trained, expected in zip(fused.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(trained, expected, atol=1e-5)


def test_weights_files_are_of_use_to_the_network_that_serves(features, tmp_path):
    inputs = keras.Input((4, 4, 8))
    plain = keras.Model(inputs, keras.layers.BatchNormalization()(inputs))
    fused = with_fused_norms(plain)
    fused.set_weights([np.full(8, value, np.float32) for value in (2.0, 3.0, 4.0, 5.0)])
    fused.save_weights(tmp_path / "best.weights.h5")
    plain.load_weights(tmp_path / "best.weights.h5")
    np.testing.assert_array_equal(np.array(plain.get_weights())[:, 0], [2.0, 3.0, 4.0, 5.0])
