"""Predictions of a trained network for faces and their mirror images, on any backend."""

from typing import TYPE_CHECKING, Final

import numpy as np

from fer_core.faces.landmarks import mirror_order
from training.architectures import call_arguments
from training.schema.recipe import Recipe
from training.sources import Samples
from training.tasks.batches import inputs_of

if TYPE_CHECKING:
    import keras

_BATCH: Final = 512


def mirrored_mean(network: "keras.Model", recipe: Recipe, samples: Samples) -> np.ndarray:
    """Return logits, float32 (N, classes), averaged over each face and its mirror image.

    Args:
        network: as it is served.
        recipe: that tells what it sees.
        samples: with landmarks if it sees them.
    """
    inputs = inputs_of(recipe, samples)
    result: np.ndarray = (_logits(network, inputs) + _logits(network, _mirrored(inputs))) / 2
    return result


def _logits(network: "keras.Model", inputs: dict[str, np.ndarray]) -> np.ndarray:
    n = len(next(iter(inputs.values())))
    parts = []
    for start in range(0, n, _BATCH):
        batch = [values[start : start + _BATCH].astype(np.float32) for values in inputs.values()]
        # Every batch has one shape, so that JAX compiles once.
        short = _BATCH - len(batch[0])
        padded = [np.pad(v, [(0, short)] + [(0, 0)] * (v.ndim - 1)) for v in batch]
        parts.append(np.asarray(network.predict_on_batch(call_arguments(padded)))[: _BATCH - short])
    return np.concatenate(parts)


def _mirrored(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    order, signs = mirror_order()
    turned = {"image": lambda v: v[:, :, ::-1], "landmarks": lambda v: v[:, order] * signs}
    return {name: turned[name](values) for name, values in inputs.items()}
