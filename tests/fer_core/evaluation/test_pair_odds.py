"""Counts of stored predictions say how often a pair of them is right."""

import numpy as np
import pytest

from fer_core.errors import DataError
from fer_core.evaluation.pair_odds import pair_odds
from fer_core.evaluation.predictions import EvaluationResult
from fer_core.expressions import FER2013, FERPLUS, Expression


def result(answers, labels, *, rows=None, space=FER2013):
    return EvaluationResult(
        expressions=space.labels,
        rows=np.arange(len(labels)) if rows is None else np.array(rows),
        labels=np.array(labels),
        probabilities=np.eye(len(space), dtype=np.float32)[answers],
        found_face=np.ones(len(labels), bool),
        clean=np.ones(len(labels), bool),
    )


ANGRY, HAPPY, SAD = (FER2013.index(e) for e in ("angry", "happy", "sad"))
LABELS = [ANGRY] * 3 + [HAPPY] * 1 + [SAD] * 2 + [ANGRY]
FIRST = result([ANGRY] * 6 + [HAPPY], LABELS)
SECOND = result([HAPPY] * 6 + [HAPPY], LABELS)
PAIR = (Expression.ANGRY, Expression.HAPPY)


def test_only_faces_with_this_pair_of_predictions_count():
    found = pair_odds(FIRST, SECOND, PAIR)
    assert (found.n, found.total) == (6, 7)
    assert found.right == (3, 1)
    # Of four faces on which one of them is right, one or fewer either way: 10 of 16 outcomes.
    assert found.p_value == pytest.approx(0.625)
    low, high = found.intervals[0]
    # Wilson's interval of three in six.
    assert (low, high) == pytest.approx((0.1876, 0.8124), abs=1e-3)


def test_equal_predictions_tell_nothing_of_which_network_is_better():
    assert pair_odds(FIRST, FIRST, (Expression.ANGRY, Expression.ANGRY)).p_value == 1


def test_a_pair_that_never_occurred_has_no_odds():
    nobody = pair_odds(FIRST, SECOND, (Expression.FEAR, Expression.HAPPY))
    assert (nobody.n, nobody.right) == (0, (0, 0))
    assert nobody.intervals == ((0, 1), (0, 1))


def test_networks_with_other_rows_and_classes_are_counted_on_what_they_share():
    # The second network knows contempt as well, and has no prediction for row 0.
    second = result([HAPPY] * 6, LABELS[1:], rows=range(1, 7), space=FERPLUS)
    found = pair_odds(FIRST, second, PAIR)
    assert (found.n, found.total) == (5, 6)
    assert found.right == (2, 1)


def test_networks_without_a_common_row_or_with_other_labels_are_refused():
    with pytest.raises(DataError, match="no test face in common"):
        pair_odds(FIRST, result([HAPPY], [HAPPY], rows=[99]), PAIR)
    with pytest.raises(DataError, match="have different labels for the same rows"):
        pair_odds(FIRST, result([HAPPY] * 7, [SAD] * 7), PAIR)
