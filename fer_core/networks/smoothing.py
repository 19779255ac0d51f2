"""Smoothing of a person's probabilities over time."""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from fer_core.networks.classifier import Prediction


class Smoother:
    """Causal exponential smoothing by elapsed time, not by frame count."""

    def __init__(self, time_constant_s: float) -> None:
        """Start before the first frame.

        Args:
            time_constant_s: seconds after which a sudden change shows to 63%; 0 disables smoothing.

        Raises:
            ValueError: it is negative or not a number.
        """
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
            time_s: of the frame. Frames of a camera can change places: one that is late changes nothing.
            predictions: each network's, of this frame alone.
        """
        return {
            name: dataclasses.replace(
                prediction,
                probabilities=self._mean((track, name), time_s, prediction.probabilities),
            )
            for name, prediction in predictions.items()
        }

    def forget(self, track: int) -> None:
        """Start again with a person at the next frame."""
        self._state = {key: known for key, known in self._state.items() if key[0] != track}

    def _mean(self, key: tuple[int, str], time_s: float, values: np.ndarray) -> np.ndarray:
        known = self._state.get(key)
        if known is not None and self._time_constant_s > 0:
            before_s, mean = known
            time_s = max(time_s, before_s)
            share = -math.expm1(-(time_s - before_s) / self._time_constant_s)
            values = (mean + share * (values - mean)).astype(np.float32)
        self._state[key] = time_s, values
        return values
