"""Shares of right predictions, level by level."""

import numpy as np

from fer_core.evaluation.level_accuracy import level_shares
from fer_core.evaluation.predictions import EvaluationResult
from fer_core.expressions import Expression
from fer_core.networks.levels import Level


def test_each_prediction_counts_at_its_level():
    probabilities = np.array(
        [[0.9, 0.05, 0.05], [0.8, 0.1, 0.1], [0.6, 0.2, 0.2], [0.4, 0.35, 0.25]], np.float32
    )
    result = EvaluationResult(
        (Expression.HAPPY, Expression.SAD, Expression.FEAR),
        np.arange(4),
        np.array([0, 1, 0, 1]),
        probabilities,
        np.ones(4, bool),
        np.ones(4, bool),
    )
    shares = level_shares(result, 0.7)
    assert [(s.n, s.right, s.total) for s in shares.values()] == [(2, 1, 4), (1, 1, 4), (1, 0, 4)]
    assert list(shares) == list(Level)
    assert shares[Level.CONFIDENT].accuracy == 0.5
    assert level_shares(result, 0.0)[Level.UNCLEAR].accuracy is None
