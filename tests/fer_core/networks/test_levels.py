"""Three levels of confidence: where each begins, and how it is said."""

import numpy as np
import pytest

from fer_core.expressions import Expression
from fer_core.networks.classifier import Prediction
from fer_core.networks.levels import CLEAR_LEAD, Level, in_words, level_of, levels

LABELS = (Expression.ANGRY, Expression.SAD, Expression.HAPPY)


def said(*probabilities: float, doubtful: bool = False) -> Prediction:
    return Prediction(LABELS, np.array(probabilities, np.float32), 0.7, doubtful)


@pytest.mark.parametrize(
    ("prediction", "level", "words"),
    [
        (said(0.1, 0.1, 0.8), Level.CONFIDENT, "happy"),
        (said(0.1, 0.3, 0.6), Level.PROBABLE, "probably happy"),
        (said(0.45, 0.4, 0.15), Level.UNCLEAR, "unclear: angry or sad"),
        (said(0.1, 0.5, 0.4), Level.UNCLEAR, "unclear: sad or happy"),
        (said(0.1, 0.3, 0.6, doubtful=True), Level.UNCLEAR, "unclear: perhaps happy"),
        (said(0.1, 0.1, 0.8, doubtful=True), Level.UNCLEAR, "unclear: perhaps happy"),
    ],
)
def test_a_prediction_has_a_level_and_words_for_it(prediction, level, words):
    assert level_of(prediction) is prediction.level is level
    assert in_words(prediction) == words


def test_many_predictions_have_the_levels_that_each_has_alone():
    rng = np.random.default_rng(0)
    rows = rng.dirichlet([0.5] * 3, size=200).astype(np.float32)
    alone = [level_of(said(*row)) for row in rows]
    assert list(levels(rows, 0.7)) == alone
    assert set(alone) == set(Level)


def test_a_lead_just_large_enough_is_clear():
    second = 0.3
    assert (
        level_of(said(0.7 - second - CLEAR_LEAD, second, second + CLEAR_LEAD + 0.01))
        is Level.PROBABLE
    )
    assert (
        level_of(said(0.7 - second - CLEAR_LEAD, second, second + CLEAR_LEAD - 0.01))
        is Level.UNCLEAR
    )


def test_of_equal_probabilities_the_words_name_the_predicted_expression():
    equal = said(0.4, 0.2, 0.4)
    assert in_words(equal) == f"unclear: {equal.expression} or happy"
    assert equal.expression is Expression.ANGRY
