"""The headline measures of a classifier, each with its bootstrap interval.

All measures are functions of a few sums over rows: of how often each pair of label and answer occurs, of
losses, and of the gap between confidence and correctness in each interval of confidence. So a resample of
rows (Efron and Tibshirani 1993, chapter 13) is a row of counts, and all resamples of all sums are one
matrix product.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from threadpoolctl import threadpool_limits

from fer_core.evaluation import metrics
from fer_core.evaluation.predictions import EvaluationResult

ECE_BINS: Final = 15
#: Resamples of a small set of rows; of a larger one fewer, so that all draw about as many rows.
RESAMPLES: Final = 1000
_LEAST_RESAMPLES: Final = 200
_MOST_DRAWS: Final = 20_000_000
#: Resamples whose weights are held at once: 100,000 rows then take 20 MB.
_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measure and its 95 % bootstrap interval; all NaN where it is not defined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Sums over weighted rows, for each of B weightings.

    Attributes:
        cells: float64 (B, C, C), rows by label and answer.
        top2: float64 (B,), rows whose label is among the two likeliest classes.
        nll: float64 (B,), of -ln p(label).
        brier: float64 (B,), of the squared distances to the one-hot labels.
        gaps: float64 (B, ECE_BINS), of correctness less confidence in each interval of confidence.
    """

    cells: np.ndarray
    top2: np.ndarray
    nll: np.ndarray
    brier: np.ndarray
    gaps: np.ndarray

    @property
    def n(self) -> np.ndarray:
        """Rows of each weighting."""
        return self.cells.sum(axis=(1, 2))

    @property
    def right(self) -> np.ndarray:
        """Rows of each class that are answered right, (B, C)."""
        return np.diagonal(self.cells, axis1=1, axis2=2)

    @property
    def labelled(self) -> np.ndarray:
        """Rows of each class, (B, C)."""
        return self.cells.sum(axis=2)

    @property
    def answered(self) -> np.ndarray:
        """Rows answered with each class, (B, C)."""
        return self.cells.sum(axis=1)


Formula: TypeAlias = Callable[[Sums], np.ndarray]


@dataclass(frozen=True, slots=True)
class Measure:
    """One of the headline measures.

    Attributes:
        name: of its column in files.
        title: for people.
        better: "higher" or "lower".
        percent: whether people read it as a percentage.
        meaning: one sentence.
        of: float64 (B,) from sums.
    """

    name: str
    title: str
    better: str
    percent: bool
    meaning: str
    of: Formula


def _accuracy(sums: Sums) -> np.ndarray:
    return sums.right.sum(axis=1) / sums.n


def _over_present(values: np.ndarray, sums: Sums) -> np.ndarray:
    """Return the mean over the classes that have rows, as `metrics.macro_f1` takes it."""
    present = sums.labelled > 0
    return np.where(present, values, 0).sum(axis=1) / present.sum(axis=1)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _f1(sums: Sums) -> np.ndarray:
    return _share(2 * sums.right, sums.labelled + sums.answered)


def _weighted_f1(sums: Sums) -> np.ndarray:
    return (_f1(sums) * sums.labelled).sum(axis=1) / sums.n


def _kappa(sums: Sums) -> np.ndarray:
    by_chance = (sums.labelled * sums.answered).sum(axis=1) / sums.n**2
    beyond = _accuracy(sums) - by_chance
    room = 1 - by_chance
    return np.divide(beyond, room, out=np.full_like(beyond, np.nan), where=room > 0)


MEASURES: Final = (
    Measure(
        "accuracy",
        "Accuracy",
        "higher",
        True,
        "Share of faces whose likeliest expression is the label.",
        _accuracy,
    ),
    Measure(
        "balanced_accuracy",
        "Balanced accuracy (macro recall)",
        "higher",
        True,
        "Mean over the expressions of the share of their faces that is answered right.",
        lambda sums: _over_present(_share(sums.right, sums.labelled), sums),
    ),
    Measure(
        "macro_precision",
        "Macro precision",
        "higher",
        True,
        "Mean over the expressions of the share of answers with it that are right.",
        lambda sums: _over_present(_share(sums.right, sums.answered), sums),
    ),
    Measure(
        "macro_f1",
        "Macro F1",
        "higher",
        True,
        "Mean over the expressions of the harmonic mean of precision and recall.",
        lambda sums: _over_present(_f1(sums), sums),
    ),
    Measure(
        "weighted_f1",
        "Weighted F1",
        "higher",
        True,
        "The same mean, each expression counting as often as it is labelled.",
        _weighted_f1,
    ),
    Measure(
        "top2_accuracy",
        "Top-2 accuracy",
        "higher",
        True,
        "Share of faces whose label is one of the two likeliest expressions.",
        lambda sums: sums.top2 / sums.n,
    ),
    Measure(
        "cohen_kappa",
        "Cohen's kappa",
        "higher",
        False,
        "Agreement with the labels beyond what chance gives, 0 to 1.",
        _kappa,
    ),
    Measure(
        "nll",
        "Log loss",
        "lower",
        False,
        "Mean of -ln of the label's probability: high where the network is sure and wrong.",
        lambda sums: sums.nll / sums.n,
    ),
    Measure(
        "brier",
        "Brier score",
        "lower",
        False,
        "Mean squared distance between the probabilities and the label, 0 to 2.",
        lambda sums: sums.brier / sums.n,
    ),
    Measure(
        "ece",
        "Calibration error (ECE)",
        "lower",
        True,
        f"How far confidence is from accuracy, averaged over {ECE_BINS} intervals of confidence.",
        lambda sums: np.abs(sums.gaps).sum(axis=1) / sums.n,
    ),
)


def resamples_for(n: int) -> int:
    """Return how many resamples are drawn of `n` rows."""
    return int(np.clip(_MOST_DRAWS // max(n, 1), _LEAST_RESAMPLES, RESAMPLES))


def estimate(result: EvaluationResult, *, seed: int = 0) -> dict[str, Estimate]:
    """Return every one of MEASURES on a network's predictions, by name; NaN without rows.

    The intervals hold for other faces of the same kind, not for other networks of the same recipe.
    """
    n = len(result)
    if not n:
        return {measure.name: Estimate(*3 * (float("nan"),)) for measure in MEASURES}
    columns = _row_columns(result)
    n_classes = len(result.expressions)
    whole = _sums(columns.sum(axis=0, dtype=np.float64)[None], n_classes)
    resampled = _sums(_resample(columns, np.random.default_rng(seed)), n_classes)
    estimates = {}
    for measure in MEASURES:
        value = float(measure.of(whole)[0])
        estimates[measure.name] = Estimate(value, *_interval(measure.of(resampled), value))
    return estimates


def estimate_share(is_so: np.ndarray, *, seed: int = 0) -> Estimate:
    """Return the share of rows, bool (N,), that are True, with its interval; NaN without rows."""
    n = len(is_so)
    if not n:
        return Estimate(*3 * (float("nan"),))
    value = float(is_so.mean())
    resampled = np.random.default_rng(seed).binomial(n, value, resamples_for(n)) / n
    return Estimate(value, *_interval(resampled, value))


def _interval(resampled: np.ndarray, value: float) -> tuple[float, float]:
    """Return the bias-corrected 95 % percentile interval (Efron 1987, section 2).

    Plain percentiles mislead for a calibration error, which is larger on nearly every resample than on the
    rows themselves. Where half the resamples lie on either side of the value, both agree.
    """
    from scipy.special import ndtr, ndtri

    resampled = resampled[~np.isnan(resampled)]
    if not len(resampled):
        return float("nan"), float("nan")
    below = (resampled < value).mean() / 2 + (resampled <= value).mean() / 2
    # One resample's worth away from the ends, where the normal quantile is infinite.
    bias = ndtri(np.clip(below, 1 / len(resampled), 1 - 1 / len(resampled)))
    low, high = np.quantile(resampled, ndtr(2 * bias + ndtri([0.025, 0.975])))
    return float(low), float(high)


def _row_columns(result: EvaluationResult) -> np.ndarray:
    """Return float32 (N, C * C + 3 + ECE_BINS), what each row adds to the sums."""
    labels, p = result.labels, result.probabilities
    n, n_classes = p.shape
    rows = np.arange(n)
    answers = p.argmax(axis=1)
    confidence = p.max(axis=1)
    columns = np.zeros((n, n_classes**2 + 3 + ECE_BINS), np.float32)
    columns[rows, labels * n_classes + answers] = 1
    columns[:, n_classes**2] = metrics.in_top(labels, p, 2)
    columns[:, n_classes**2 + 1] = metrics.row_nll(labels, p)
    columns[:, n_classes**2 + 2] = metrics.row_brier(labels, p)
    intervals = metrics.confidence_interval_of(confidence, ECE_BINS)
    columns[rows, n_classes**2 + 3 + intervals] = (answers == labels) - confidence
    return columns


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


def _sums(columns: np.ndarray, n_classes: int) -> Sums:
    cells, rest = columns[:, : n_classes**2], columns[:, n_classes**2 :]
    return Sums(
        cells=cells.reshape(-1, n_classes, n_classes),
        top2=rest[:, 0],
        nll=rest[:, 1],
        brier=rest[:, 2],
        gaps=rest[:, 3:],
    )
