"""Smoothing of a person's probabilities over time."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from fer_core.networks.classifier import Prediction

#: After this time a sudden change shows to 63%: shorter than an expression, longer than a frame.
TIME_CONSTANT_S: Final = 0.3


class Smoother:
    """Causal exponential smoothing by elapsed time, not by frame count."""

    def __init__(self, time_constant_s: float = TIME_CONSTANT_S) -> None:
        """Start before the first frame; a time constant of 0 seconds disables smoothing."""
        if not time_constant_s >= 0:
            raise ValueError(f"time_constant_s must be 0 or more, got {time_constant_s}")
        self._time_constant_s = time_constant_s
        self._state: dict[tuple[int, str], tuple[float, np.ndarray]] = {}

    def smooth(
        self, track: int, time_s: float, predictions: Mapping[str, Prediction]
    ) -> dict[str, Prediction]:
        """Return a person's predictions smoothed with earlier ones.

        The threshold for an answer stays, so that a smoothed prediction may abstain like any.

        Args:
            track: the person's number.
            time_s: of the frame, later than those before.
            predictions: each network's, of this frame alone.
        """
        return {
            name: dataclasses.replace(
                prediction,
                probabilities=self._mean((track, name), time_s, prediction.probabilities),
            )
            for name, prediction in predictions.items()
        }

    def _mean(self, key: tuple[int, str], time_s: float, values: np.ndarray) -> np.ndarray:
        known = self._state.get(key)
        if known is not None and self._time_constant_s > 0:
            before_s, mean = known
            share = -math.expm1(-(time_s - before_s) / self._time_constant_s)
            values = (mean + share * (values - mean)).astype(np.float32)
        self._state[key] = time_s, values
        return values
