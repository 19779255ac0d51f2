"""The accuracy of two networks on test faces with the same pair of predictions."""

from dataclasses import dataclass

import numpy as np

from fer_core.errors import DataError
from fer_core.evaluation.metrics import mcnemar_p, wilson
from fer_core.evaluation.predictions import EvaluationResult, check_same_rows
from fer_core.expressions import Expression


@dataclass(frozen=True, slots=True)
class PairOdds:
    """The accuracy of two networks on the rows with a given pair of predictions.

    Attributes:
        n: labelled faces with that pair of predictions.
        right: of these, how many each network had right.
        intervals: 95 % Wilson intervals of the shares.
        total: labelled faces on which both networks were evaluated.
        p_value: McNemar's, exact and two-sided, that both are right equally often; 1 for equal predictions.
    """

    n: int
    right: tuple[int, int]
    intervals: tuple[tuple[float, float], tuple[float, float]]
    total: int
    p_value: float


def pair_odds(
    first: EvaluationResult, second: EvaluationResult, answers: tuple[Expression, Expression]
) -> PairOdds:
    """Count how often each network is right, on the rows of a split with this pair of predictions.

    Rows of which only one network has a prediction are left out: the other one may not know their class.

    Args:
        first: predictions of one network.
        second: of the other, on the same split.
        answers: of both networks now.

    Raises:
        DataError: they have no row in common, or other labels.
    """
    common = np.intersect1d(first.rows, second.rows)
    if not len(common):
        raise DataError("The two networks have no test face in common; evaluate both on one split.")
    pair = [result.select(np.isin(result.rows, common)) for result in (first, second)]
    check_same_rows(*pair)
    same = np.logical_and(
        *(
            result.predicted == result.expressions.index(answer)
            for result, answer in zip(pair, answers, strict=True)
        )
    )
    n = int(same.sum())
    right = [int(result.is_right[same].sum()) for result in pair]
    return PairOdds(
        n=n,
        right=(right[0], right[1]),
        intervals=(wilson(right[0], n), wilson(right[1], n)),
        total=len(common),
        # Two different predictions are never right on the same face.
        p_value=1.0 if answers[0] is answers[1] else mcnemar_p(right[0], right[1]),
    )
