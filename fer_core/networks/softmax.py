"""The softmax from logits to probabilities."""

import numpy as np


def softmax(logits: np.ndarray, *, temperature: float = 1.0) -> np.ndarray:
    """Return float32 exp(logits / temperature), normalised over the last axis; the shape stays.

    Computed in float64 after subtracting each row's maximum, so that large logits do not overflow.
    """
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    result: np.ndarray = (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)
    return result
