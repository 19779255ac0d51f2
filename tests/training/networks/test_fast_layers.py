"""Layers that are faster to train, against Keras's own."""

import keras
import numpy as np
import pytest

from training.networks.fast_layers import BatchNormalization, with_fast_layers


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
    fast = with_fast_layers(plain)
    norms = [
        layer
        for layer in fast._flatten_layers(include_self=False)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert [type(layer) for layer in norms] == [BatchNormalization] * 2, "also in inner networks"
    for network in (plain, fast):
        network.compile("sgd", "mse", jit_compile=False)
        network.fit(features, np.ones((5, 2, 2, 8), np.float32), epochs=3, shuffle=False, verbose=0)
    for trained, expected in zip(fast.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(trained, expected, atol=1e-5)


def test_weights_files_are_of_use_to_the_network_that_serves(features, tmp_path):
    inputs = keras.Input((4, 4, 8))
    plain = keras.Model(inputs, keras.layers.BatchNormalization()(inputs))
    fast = with_fast_layers(plain)
    fast.set_weights([np.full(8, value, np.float32) for value in (2.0, 3.0, 4.0, 5.0)])
    fast.save_weights(tmp_path / "best.weights.h5")
    plain.load_weights(tmp_path / "best.weights.h5")
    np.testing.assert_array_equal(np.array(plain.get_weights())[:, 0], [2.0, 3.0, 4.0, 5.0])


def test_what_is_left_out_whole_is_not_computed(features):
    import tensorflow as tf

    inputs = keras.Input((4, 4, 8))
    withheld = keras.layers.Conv2D(8, 3)(inputs)
    learnt = keras.layers.DepthwiseConv2D(3)(inputs)
    both = learnt + keras.layers.Dropout(1.0)(withheld - learnt)
    plain = keras.Model(inputs, both)
    fast = with_fast_layers(plain)
    for training in (True, False):
        ours, theirs = (np.array(network(features, training=training)) for network in (fast, plain))
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
        step = tf.function(lambda x, training=training: fast(x, training=training))
        graph = step.get_concrete_function(tf.TensorSpec((None, 4, 4, 8))).graph
        needed = tf.compat.v1.graph_util.extract_sub_graph(
            graph.as_graph_def(), [output.op.name for output in graph.outputs]
        )
        computed = {node.op for node in needed.node}
        assert ("Conv2D" in computed) is not training
        assert "DepthwiseConv2dNative" in computed
