"""How often two networks were right where they gave the answers that they give now."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fer_core.evaluation.predictions import EvaluationResult, check_same_rows
from fer_core.expressions import Expression


@dataclass(frozen=True, slots=True)
class Trust:
    """How often two networks were right where they gave a certain pair of answers.

    Attributes:
        n: labelled faces with that pair of answers.
        right: of these, how many each network had right.
        intervals: 95 % Wilson intervals of the shares.
    """

    n: int
    right: tuple[int, int]
    intervals: tuple[tuple[float, float], tuple[float, float]]


def who_to_trust(
    pairs: Sequence[tuple[EvaluationResult, EvaluationResult]],
    answers: tuple[Expression, Expression],
) -> Trust:
    """Count, on the same stored rows, who was right where both answered as they do now.

    Args:
        pairs: the predictions of both networks on each data set; counts are summed over these.
        answers: of both networks now.

    Raises:
        DataError: the results of a pair are not of the same rows, or have other labels.
    """
    n, right = 0, np.zeros(2, int)
    for pair in pairs:
        check_same_rows(*pair)
        said = [result.probabilities.argmax(axis=1) for result in pair]
        same = np.logical_and(
            *(
                given == result.expressions.index(answer)
                for given, result, answer in zip(said, pair, answers, strict=True)
            )
        )
        n += int(same.sum())
        right += [
            int((given == result.labels)[same].sum())
            for given, result in zip(said, pair, strict=True)
        ]
    first, second = map(int, right)
    return Trust(n, (first, second), (_wilson(first, n), _wilson(second, n)))


def _wilson(successes: int, n: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share (Wilson 1927); (0, 1) without trials."""
    from scipy.stats import binomtest

    if n == 0:
        return 0.0, 1.0
    interval = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)
