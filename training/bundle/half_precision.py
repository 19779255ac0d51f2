"""Rounding of weights to float16, so that both files of a bundle hold them exactly in half the bytes.

A LiteRT file has float16 weights, with each batch normalisation already multiplied into the layer before it.
Rounded only then, its answers would differ from those of `model.keras` by more than we allow. So the product
is rounded first, and the two layers are brought to a form in which it is one that float16 holds: a batch
normalisation does not notice by what factors the channels before it are scaled (Ioffe and Szegedy 2015,
arXiv:1502.03167, section 3.3), so each is scaled until the normalisation multiplies it by a power of two.
"""

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import keras

#: Channels that their normalisation multiplies by less are as good as dead, and left as they are.
_LEAST_FACTOR: Final = 2.0**-20


def rounded(network: "keras.Model") -> "keras.Model":
    """Return a copy of a network whose served kernels and biases are float16 numbers.

    Its weights are still float32, and it answers as before but for the rounding.
    """
    import keras

    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    _round_all(copy)
    return copy


def _round_all(network: "keras.Model") -> None:
    import keras

    makers = {id(layer.output): layer for layer in network.layers}
    readers = Counter(
        id(tensor)
        for operation in network.operations
        if not isinstance(operation, keras.layers.InputLayer)
        for tensor in keras.tree.flatten(operation.input)
    )
    readers.update(map(id, network.outputs))
    norms, alone = {}, []
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and layer.scale and layer.center:
            read = id(_read_by(layer))
            # What another one reads as well, a residual connection for instance, cannot be scaled.
            if readers[read] == 1 and getattr(makers.get(read), "kernel", None) is not None:
                norms[read] = layer
            else:
                alone.append(layer)
    for layer in network.layers:
        after = norms.get(id(layer.output))
        if isinstance(layer, keras.Model):
            _round_all(layer)
        elif isinstance(layer, keras.layers.Dense):
            before = makers.get(id(_read_by(layer)))
            while isinstance(before, keras.layers.Dropout):
                before = makers.get(id(_read_by(before)))
            if isinstance(before, keras.layers.BatchNormalization) and not before.scale:
                _simplify_standardization(before, layer, after)
        if getattr(layer, "kernel", None) is not None:
            _round(layer, after)
    for norm in alone:
        _round_alone(norm)


def _read_by(layer: "keras.Layer") -> "keras.KerasTensor":
    """Return a layer's input, without its mask."""
    return layer.input[0] if isinstance(layer.input, list) else layer.input


def _simplify_standardization(
    norm: "keras.layers.BatchNormalization",
    dense: "keras.Layer",
    after: "keras.layers.BatchNormalization | None",
) -> None:
    """Simplify a normalisation without own weights, by moving its scale into the layers after it.

    That is a multiplication by powers of two, and the mean where none of them subtracts one.
    """
    mean, variance = (w.astype(np.float64) for w in norm.get_weights())
    factor = 1 / np.sqrt(variance + norm.epsilon)
    power = _power_below(factor)
    kernel, *bias = dense.get_weights()
    kernel = kernel * (factor / power)[:, None]
    dense.set_weights([kernel, *bias])
    if after is None:
        mean = _as_float16(mean * power) / power
    else:
        gamma, beta, later_mean, later_variance = after.get_weights()
        after.set_weights([gamma, beta, later_mean + (mean * power) @ kernel, later_variance])
        mean = np.zeros_like(mean)
    norm.set_weights([mean, power**-2.0 - norm.epsilon])


def _round(layer: "keras.Layer", norm: "keras.layers.BatchNormalization | None") -> None:
    """Round a layer's kernel and bias; if a normalisation follows, round their fused values."""
    import keras

    kernel, *bias = layer.get_weights()
    if norm is None:
        layer.set_weights([_as_float16(kernel), *map(_as_float16, bias)])
        return
    # The channels of depthwise kernels lie on the last two axes, of all others on the last.
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    channels = kernel.shape[-2:] if depthwise else kernel.shape[-1:]
    gamma, beta, mean, variance = (w.astype(np.float64) for w in norm.get_weights())
    factor = gamma / np.sqrt(variance + norm.epsilon)
    factor_or_1 = np.where(np.abs(factor) >= _LEAST_FACTOR, factor, 1)
    power = np.copysign(_power_below(np.abs(factor_or_1)), factor_or_1)
    # From 1 to 2, so that the variance, less what is added to it, does not fall below 0.
    scale = factor_or_1 / power
    kernel = _as_float16(kernel * factor_or_1.reshape(channels)) / power.reshape(channels)
    layer.set_weights([kernel, *(b * scale for b in bias)])
    offset = (mean - sum(bias)) * factor
    variance = (variance + norm.epsilon) * scale**2 - norm.epsilon
    norm.set_weights([gamma, _as_float16(beta - offset) + offset, mean * scale, variance])


def _round_alone(norm: "keras.layers.BatchNormalization") -> None:
    """Round the scale and offset of a normalisation that cannot be fused with a previous layer."""
    gamma, beta, mean, variance = norm.get_weights()
    deviation = np.sqrt(variance + norm.epsilon)
    factor = _as_float16(gamma / deviation)
    offset = mean * factor
    norm.set_weights([factor * deviation, _as_float16(beta - offset) + offset, mean, variance])


def _power_below(values: np.ndarray) -> np.ndarray:
    """Return the largest powers of two that are not above the given positive values."""
    result: np.ndarray = np.exp2(np.floor(np.log2(values)))
    return result


def _as_float16(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float16).astype(np.float32)
