"""Counts of stored answers say whom to trust."""

import numpy as np
import pytest

from fer_core.evaluation.predictions import EvaluationResult
from fer_core.evaluation.trust import who_to_trust
from fer_core.expressions import FER2013, Expression


def result(answers, labels):
    return EvaluationResult(
        expressions=FER2013.labels,
        rows=np.arange(len(labels)),
        labels=np.array(labels),
        probabilities=np.eye(7, dtype=np.float32)[answers],
        found_face=np.ones(len(labels), bool),
        clean=np.ones(len(labels), bool),
    )


def test_who_to_trust_counts_only_faces_with_this_pair_of_answers():
    angry, happy, sad = (FER2013.index(e) for e in ("angry", "happy", "sad"))
    labels = [angry] * 3 + [happy] * 1 + [sad] * 2 + [angry]
    first = result([angry] * 6 + [happy], labels)
    second = result([happy] * 6 + [happy], labels)
    found = who_to_trust([(first, second)], (Expression.ANGRY, Expression.HAPPY))
    assert found.n == 6
    assert found.right == (3, 1)
    low, high = found.intervals[0]
    # Wilson's interval of three in six.
    assert (low, high) == pytest.approx((0.1876, 0.8124), abs=1e-3)
    nobody = who_to_trust([(first, second)], (Expression.FEAR, Expression.HAPPY))
    assert (nobody.n, nobody.right) == (0, (0, 0))
    assert nobody.intervals == ((0, 1), (0, 1))
    other = result([angry] * 2, [happy] * 2), result([happy] * 2, [happy] * 2)
    both = who_to_trust([(first, second), other], (Expression.ANGRY, Expression.HAPPY))
    assert (both.n, both.right) == (8, (3, 3)), "the counts of both data sets"
