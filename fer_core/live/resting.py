"""Calibration to a resting face: the person's face at rest counts as neutral.

Many a face at rest looks a little sad or angry to a network. The logits that a network gives to the resting
face are subtracted from those that it gives later, so that only what changed is left.
"""

import dataclasses
from collections.abc import Mapping
from typing import Final, Self

import numpy as np

from fer_core.expressions import Expression
from fer_core.networks.classifier import Prediction
from fer_core.networks.softmax import softmax

#: The probability of neutral that the resting face itself gets.
RESTING_NEUTRAL: Final = 0.8
#: Where a network gives a class hardly anything, its logit says nothing.
_LEAST: Final = 1e-4


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class RestingFace:
    """The networks' predictions for a person's resting face.

    Attributes:
        number: of the face that was followed.
        shifts: float64 (classes,) that are added to the logits, by the name of the network's bundle.
    """

    number: int
    shifts: dict[str, np.ndarray]

    @classmethod
    def of(cls, number: int, predictions: Mapping[str, Prediction]) -> Self:
        """Store the predictions for a face at rest; networks without the class neutral are not calibrated."""
        return cls(
            number,
            {
                name: _log(_resting(prediction.labels)) - _log(prediction.probabilities)
                for name, prediction in predictions.items()
                if Expression.NEUTRAL in prediction.labels
            },
        )

    def apply(self, name: str, prediction: Prediction) -> Prediction:
        """Return a network's prediction for the same person, relative to the resting face."""
        shift = self.shifts.get(name)
        if shift is None:
            return prediction
        probabilities = softmax(_log(prediction.probabilities) + shift)
        return dataclasses.replace(prediction, probabilities=probabilities)


def _resting(labels: tuple[Expression, ...]) -> np.ndarray:
    others = (1 - RESTING_NEUTRAL) / (len(labels) - 1)
    return np.array([RESTING_NEUTRAL if k is Expression.NEUTRAL else others for k in labels])


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(probabilities.astype(np.float64), _LEAST))
