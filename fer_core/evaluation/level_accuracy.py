"""The accuracy of a network's predictions at each level of confidence, on labelled faces."""

from dataclasses import dataclass

import numpy as np

from fer_core.evaluation.predictions import EvaluationResult
from fer_core.networks.levels import Level, levels


@dataclass(frozen=True, slots=True)
class LevelShare:
    """Predictions of one level on one split.

    Attributes:
        n: how many there are.
        right: of these, how many name the label.
        total: predictions of all levels.
    """

    n: int
    right: int
    total: int

    @property
    def accuracy(self) -> float | None:
        """The share of correct predictions; None without predictions."""
        return self.right / self.n if self.n else None


def level_shares(result: EvaluationResult, threshold: float) -> dict[Level, LevelShare]:
    """Count the predictions of each level, and the correct ones.

    Args:
        result: a network's predictions on a split.
        threshold: its confidence in [0, 1] from which it is confident.
    """
    level = levels(result.probabilities, threshold)
    right = result.is_right
    return {
        k: LevelShare(int(np.sum(level == k)), int(np.sum(right & (level == k))), len(result))
        for k in Level
    }
