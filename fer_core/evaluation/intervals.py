"""The bootstrap interval of every measure.

All measures are formulas of sums over rows (`fer_core.evaluation.measures`). So a resample of rows (Efron and
Tibshirani 1993, chapter 13) is a row of counts, and all resamples of all sums are one matrix product.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from threadpoolctl import threadpool_limits

from fer_core.evaluation import metrics
from fer_core.evaluation.measures import MEASURES, Addends
from fer_core.evaluation.predictions import EvaluationResult

#: Resamples of a small set of rows; of a larger one fewer, so that all draw about as many rows.
RESAMPLES: Final = 1000
_LEAST_RESAMPLES: Final = 200
_MOST_DRAWS: Final = 20_000_000
#: Bias, in standard deviations, that is corrected at most; an interval is shifted by twice as much.
_MOST_BIAS: Final = 1.5
#: Resamples whose weights are held at once: 100,000 rows then take 20 MB.
_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measure and its 95 % interval: bootstrap, or Wilson for a share of 0 or 1; NaN where undefined."""

    value: float
    low: float
    high: float


def resamples_for(n: int) -> int:
    """Return the number of resamples for `n` rows."""
    return int(np.clip(_MOST_DRAWS // max(n, 1), _LEAST_RESAMPLES, RESAMPLES))


def estimate(result: EvaluationResult, *, seed: int = 0) -> dict[str, Estimate]:
    """Return all measures of a network's predictions with intervals, by name; NaN without rows.

    The intervals hold for other faces of the same kind, not for other networks of the same recipe.
    """
    n = len(result)
    if not n:
        return {measure.name: Estimate(*3 * (float("nan"),)) for measure in MEASURES}
    sums = _sums(result, np.random.default_rng(seed))
    estimates = {}
    for measure in MEASURES:
        addends, value_of = measure.formula
        whole, resampled = sums[addends]
        value = float(value_of(whole, n)[0])
        estimates[measure.name] = Estimate(value, *_interval(value_of(resampled, n), value))
    if estimates["accuracy"].value in (0.0, 1.0):
        estimates["accuracy"] = estimate_share(result.is_right)
    return estimates


def estimate_share(is_so: np.ndarray) -> Estimate:
    """Return the share of rows, bool (N,), that are True, with its interval; NaN without rows."""
    n = len(is_so)
    if not n:
        return Estimate(*3 * (float("nan"),))
    value = float(is_so.mean())
    if value in (0.0, 1.0):
        # All resamples are equal, which is no certainty.
        return Estimate(value, *metrics.wilson(int(is_so.sum()), n))
    resampled = np.random.default_rng(0).binomial(n, value, resamples_for(n)) / n
    return Estimate(value, *_interval(resampled, value))


def _interval(resampled: np.ndarray, value: float) -> tuple[float, float]:
    """Return the bias-corrected 95 % percentile interval (Efron 1987, section 2).

    Plain percentiles mislead for a calibration error, which is larger on nearly every resample than on the
    rows themselves. Where half the resamples lie on either side of the value, both agree. If nearly none lies
    on one side, the correction is limited and the interval widened to hold the value: without that, both ends
    would be the resample next to it.
    """
    from scipy.special import ndtr, ndtri

    resampled = resampled[~np.isnan(resampled)]
    if not len(resampled):
        return float("nan"), float("nan")
    below = (resampled < value).mean() / 2 + (resampled <= value).mean() / 2
    bias = np.clip(ndtri(below), -_MOST_BIAS, _MOST_BIAS)
    low, high = np.quantile(resampled, ndtr(2 * bias + ndtri([0.025, 0.975])))
    return min(float(low), value), max(float(high), value)


def _sums(
    result: EvaluationResult, rng: np.random.Generator
) -> dict[Addends, tuple[np.ndarray, np.ndarray]]:
    """Return the sums of the measures' addends over all rows and over resamples of the rows.

    These are float64 (1, ...) and (B, ...). What a row adds is drawn in float32, so that memory and time
    are halved.
    """
    n = len(result)
    added = {
        addends: addends(result.labels, result.probabilities)
        for addends in dict.fromkeys(measure.formula.addends for measure in MEASURES)
    }
    columns = [values.reshape(n, -1) for values in added.values()]
    resampled = _resample(np.concatenate(columns, axis=1, dtype=np.float32), rng)
    parts = np.split(resampled, np.cumsum([part.shape[1] for part in columns])[:-1], axis=1)
    return {
        addends: (
            values.sum(axis=0, dtype=np.float64)[None],
            part.reshape(-1, *values.shape[1:]),
        )
        for (addends, values), part in zip(added.items(), parts, strict=True)
    }


def _resample(columns: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return float64 (B, K), the columns' sums over resamples of the rows, drawn with replacement."""
    n = len(columns)
    parts = []
    weights = np.empty((_AT_ONCE, n), np.float32)
    # Several threads of BLAS wait for each other on a busy server, ten times longer than they compute.
    with threadpool_limits(limits=1, user_api="blas"):
        for start in range(0, resamples_for(n), _AT_ONCE):
            drawn = weights[: resamples_for(n) - start]
            for row in drawn:
                row[:] = np.bincount(rng.integers(0, n, n), minlength=n)
            parts.append(drawn @ columns)
    return np.concatenate(parts).astype(np.float64)
