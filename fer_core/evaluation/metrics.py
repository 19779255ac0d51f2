"""Measures of a classifier, as pure functions of labels and outputs.

`logits` are raw outputs (N, C); `probabilities` are float (N, C) with rows summing to 1. A function
takes the one its argument names and never guesses. `labels` are int (N,), class indices. "The answer"
is the class of highest probability, the first of several equal ones; "confidence" is its probability.
`counts` are confusion matrices (..., C, C): rows are labels, columns answers; a function of them returns
float64 (...), a value for each matrix. Which of these functions are reported is said in `measures`.

scipy is imported where it is used, so that a page starts fast.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

#: A threshold that no confidence reaches: the network always abstains.
NEVER: Final = 1.1
#: Intervals of confidence that the calibration error is averaged over.
ECE_BINS: Final = 15
#: Temperatures that `fit_temperature` considers.
TEMPERATURE_RANGE: Final = (0.05, 20.0)
#: Lower bound of probabilities in logarithms: the smallest normal float32.
_TINY: Final = float(np.finfo(np.float32).tiny)


def accuracy(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the share of rows whose prediction is the label; NaN without rows."""
    check_labels(labels, probabilities)
    return float(np.mean(probabilities.argmax(axis=1) == labels)) if len(labels) else float("nan")


def per_class_recall(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return float64 (C,), the recall of each class; NaN for an absent class."""
    matrix = confusion_matrix(labels, probabilities)
    support = matrix.sum(axis=1)
    result: np.ndarray = np.divide(
        matrix.diagonal(), support, out=np.full(len(matrix), np.nan), where=support > 0
    )
    return result


def confusion_matrix(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return int64 (C, C) counts: rows are labels, columns predictions; zeros for an absent class."""
    check_labels(labels, probabilities)
    n_classes = probabilities.shape[1]
    cells = labels * n_classes + probabilities.argmax(axis=1)
    return np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes)


def confusion_cells(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return bool (N, C, C), each row's own confusion matrix; their sum is that of all rows."""
    n, n_classes = probabilities.shape
    cells = np.zeros((n, n_classes, n_classes), bool)
    cells[np.arange(n), labels, probabilities.argmax(axis=1)] = True
    return cells


def share_right(counts: np.ndarray) -> np.ndarray:
    """Return the share of rows whose prediction is the label; NaN without rows."""
    return _ratio(_right(counts).sum(axis=-1), counts.sum(axis=(-2, -1)), otherwise=np.nan)


def balanced_accuracy(counts: np.ndarray) -> np.ndarray:
    """Return the mean recall, TP / (TP + FN), over the classes that have rows; NaN without rows."""
    return _over_present(_ratio(_right(counts), _labelled(counts)), counts)


def macro_precision(counts: np.ndarray) -> np.ndarray:
    """Return the mean of TP / (TP + FP) over the classes that have rows; NaN without rows.

    The precision of a class that is never predicted is 0.
    """
    return _over_present(_ratio(_right(counts), _predicted(counts)), counts)


def macro_f1(counts: np.ndarray) -> np.ndarray:
    """Return the mean over classes of F1 = 2 TP / (2 TP + FP + FN).

    The mean runs over the classes that have rows: a data set without neutral faces says nothing about
    them, but each neutral answer still counts against the class that it should have been. NaN without rows.
    """
    return _over_present(_f1(counts), counts)


def weighted_f1(counts: np.ndarray) -> np.ndarray:
    """Return the mean of F1 over classes, weighted by their rows; NaN without rows."""
    weighted = (_f1(counts) * _labelled(counts)).sum(axis=-1)
    return _ratio(weighted, counts.sum(axis=(-2, -1)), otherwise=np.nan)


def cohen_kappa(counts: np.ndarray) -> np.ndarray:
    """Return (accuracy - chance) / (1 - chance), where chance is sum_k P(label k) P(answer k) (Cohen 1960).

    NaN without rows, and where all labels and answers are one class.
    """
    n = counts.sum(axis=(-2, -1))
    by_chance = _ratio((_labelled(counts) * _predicted(counts)).sum(axis=-1), n**2)
    return _ratio(share_right(counts) - by_chance, 1 - by_chance, otherwise=np.nan)


def matthews_correlation(counts: np.ndarray) -> np.ndarray:
    """Return the Matthews correlation coefficient for several classes (Gorodkin 2004).

    With one-hot labels X and answers Y, cov(X, Y) / sqrt(cov(X, X) cov(Y, Y)), covariances summed over
    classes: 1 if all is right, 0 if answers say nothing about labels. 0, as in scikit-learn, where it is
    not defined: all labels are one class, or all answers are. NaN without rows.
    """
    n = counts.sum(axis=(-2, -1)).astype(np.float64)
    labelled, predicted = (
        part.astype(np.float64) for part in (_labelled(counts), _predicted(counts))
    )
    both = _right(counts).sum(axis=-1) * n - (labelled * predicted).sum(axis=-1)
    variances = (n**2 - (labelled**2).sum(axis=-1)) * (n**2 - (predicted**2).sum(axis=-1))
    return np.where(n > 0, _ratio(both, np.sqrt(variances)), np.nan)


def _right(counts: np.ndarray) -> np.ndarray:
    """Return the number of correct predictions of each class, (..., C)."""
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _labelled(counts: np.ndarray) -> np.ndarray:
    """Return the number of rows with each label, (..., C)."""
    result: np.ndarray = counts.sum(axis=-1)
    return result


def _predicted(counts: np.ndarray) -> np.ndarray:
    """Return the number of predictions of each class, (..., C)."""
    result: np.ndarray = counts.sum(axis=-2)
    return result


def _f1(counts: np.ndarray) -> np.ndarray:
    """Return F1 of each class, (..., C); 0 for a class with neither rows nor predictions."""
    return _ratio(2 * _right(counts), _labelled(counts) + _predicted(counts))


def _over_present(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the mean of values (..., C) over the classes that have rows."""
    present = _labelled(counts) > 0
    total = np.where(present, values, 0).sum(axis=-1)
    return _ratio(total, present.sum(axis=-1), otherwise=np.nan)


def _ratio(part: np.ndarray, whole: np.ndarray, *, otherwise: float = 0.0) -> np.ndarray:
    """Return part / whole, or `otherwise` where the whole is not positive."""
    result: np.ndarray = np.divide(
        part, whole, out=np.full(np.shape(whole), otherwise), where=whole > 0
    )
    return result


def ece(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the expected calibration error (Guo et al. 2017, arXiv:1706.04599, equation 3).

    Rows fall into ECE_BINS equal intervals (low, high] of confidence; the error is the mean over rows of
    |accuracy - mean confidence| of their interval. Empty intervals weigh nothing. NaN without rows.
    """
    check_labels(labels, probabilities)
    if not len(labels):
        return float("nan")
    return float(np.abs(confidence_gaps(labels, probabilities).sum(axis=0)).sum() / len(labels))


def confidence_gaps(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return float64 (N, ECE_BINS): correct (1 or 0) minus confidence, in its interval; else 0."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    gaps = np.zeros((len(labels), ECE_BINS))
    intervals = confidence_interval_of(confidence, ECE_BINS)
    gaps[np.arange(len(labels)), intervals] = (probabilities.argmax(axis=1) == labels) - confidence
    return gaps


def confidence_interval_of(confidence: np.ndarray, bins: int) -> np.ndarray:
    """Return int (N,), which of `bins` equal intervals (low, high] of [0, 1] each confidence lies in."""
    # The inner edges, with `right=True`, make the intervals (low, high].
    result: np.ndarray = np.digitize(confidence, np.linspace(0, 1, bins + 1)[1:-1], right=True)
    return result


def nll(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean of `row_nll`; NaN without rows."""
    check_labels(labels, probabilities)
    return float(row_nll(labels, probabilities).mean()) if len(labels) else float("nan")


def row_nll(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return float64 (N,), -ln p(label), with p at least the smallest normal float32."""
    p = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    result: np.ndarray = -np.log(np.maximum(p, _TINY))
    return result


def row_brier(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return float64 (N,), the squared distance of each row to its one-hot label (Brier 1950), 0 to 2."""
    difference = probabilities.astype(np.float64)
    difference[np.arange(len(labels)), labels] -= 1.0
    result: np.ndarray = (difference**2).sum(axis=1)
    return result


def in_top(labels: np.ndarray, probabilities: np.ndarray, k: int) -> np.ndarray:
    """Return bool (N,), whether fewer than `k` classes are more likely than the label.

    Of equally likely classes, the first ones come first, as in the answer.
    """
    of_label = probabilities[np.arange(len(labels)), labels][:, None]
    before = np.arange(probabilities.shape[1]) < labels[:, None]
    likelier = (probabilities > of_label) | ((probabilities == of_label) & before)
    result: np.ndarray = likelier.sum(axis=1) < k
    return result


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature whose softmax gives the labels the lowest `nll` (Guo et al. 2017, section 4.2).

    Sought on a logarithmic scale within TEMPERATURE_RANGE, where the loss has a single minimum.

    Raises:
        ValueError: there are no rows.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    check_labels(labels, logits)
    if not len(labels):
        raise ValueError("a temperature cannot be fitted without rows")
    rows = np.arange(len(labels))
    exact = logits.astype(np.float64)

    def loss(log_temperature: float) -> float:
        return float(-log_softmax(exact / np.exp(log_temperature), axis=1)[rows, labels].mean())

    low, high = np.log(TEMPERATURE_RANGE)
    found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


class ThresholdTarget(NamedTuple):
    """A network's outputs on one data set, and the accuracy required there.

    Attributes:
        labels: int (N,).
        probabilities: float (N, C).
        required_accuracy: that confident predictions must reach.
    """

    labels: np.ndarray
    probabilities: np.ndarray
    required_accuracy: float


def abstention_threshold(targets: Sequence[ThresholdTarget]) -> float:
    """Return the lowest threshold at which the covered rows reach the required accuracy on each data set.

    A row is covered if its confidence is at least the threshold. Of all thresholds that reach the
    accuracies, the lowest covers the most rows; 0 if they are reached with every row covered. Only
    thresholds that lie between two different confidences are considered, half-way, so that rounding
    cannot move a row across.

    Returns:
        NEVER (above 1) if no threshold reaches the accuracies with a covered row in each data set.
    """
    confidences = []
    for labels, probabilities, _ in targets:
        check_labels(labels, probabilities)
        confidences.append(probabilities.max(axis=1, initial=0).astype(np.float64))
    levels = np.unique(np.concatenate(confidences))
    thresholds = np.concatenate([[0.0], (levels[:-1] + levels[1:]) / 2])
    reached = np.full(len(thresholds), len(levels) > 0)
    for (labels, probabilities, required), confidence in zip(targets, confidences, strict=True):
        order = np.argsort(-confidence, kind="stable")
        n_right = np.append(0, np.cumsum((probabilities.argmax(axis=1) == labels)[order]))
        covered = len(labels) - np.searchsorted(confidence[order[::-1]], thresholds)
        reached &= (covered > 0) & (n_right[covered] >= required * covered)
    return float(thresholds[reached.argmax()]) if reached.any() else NEVER


def coverage_and_accuracy(
    labels: np.ndarray, probabilities: np.ndarray, threshold: float
) -> tuple[float, float]:
    """Return the share of rows with a confidence of at least `threshold`, and the accuracy on those.

    Both are NaN without rows; the accuracy is NaN if none is covered.
    """
    check_labels(labels, probabilities)
    if not len(labels):
        return float("nan"), float("nan")
    covered = probabilities.max(axis=1) >= threshold
    right = probabilities.argmax(axis=1) == labels
    return float(covered.mean()), float(right[covered].mean()) if covered.any() else float("nan")


def check_labels(labels: np.ndarray, outputs: np.ndarray) -> None:
    """Raise ValueError unless `labels` (N,) are class indices of `outputs` (N, C)."""
    if outputs.ndim != 2 or labels.shape != (len(outputs),):
        raise ValueError(
            f"expected labels (N,) and outputs (N, C), got {labels.shape} and {outputs.shape}"
        )
    if len(labels) and not (labels.min() >= 0 and labels.max() < outputs.shape[1]):
        raise ValueError(
            f"labels must lie in 0..{outputs.shape[1] - 1}, got {labels.min()}..{labels.max()}"
        )


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p-value of McNemar's test (1947) that two classifiers are equally good.

    Args:
        only_first: rows that only the first predicts as labelled.
        only_second: rows that only the second predicts as labelled. Under the null hypothesis it is
            binomial with probability one half; rows on which both are right or wrong say nothing.
    """
    from scipy.stats import binomtest

    disagreements = only_first + only_second
    return float(binomtest(only_second, disagreements).pvalue) if disagreements else 1.0


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share (Wilson 1927); (0, 1) without trials."""
    from scipy.stats import binomtest

    if n == 0:
        return 0.0, 1.0
    interval = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def bootstrap_mean(
    values: Sequence[float] | np.ndarray,
    counts: Sequence[int] | np.ndarray,
    *,
    level: float = 0.95,
    resamples: int = 10_000,
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a mean over rows with few distinct values.

    A resample of the rows matters only by how many of each value it draws, and these are multinomial, so
    no row is handled. Efron and Tibshirani 1993, chapter 13.

    Args:
        values: (K,), the distinct values.
        counts: (K,), rows with each of them.
        level: of the interval.
        resamples: of the rows.

    Returns:
        Low and high; NaN without rows.
    """
    values, counts = np.asarray(values), np.asarray(counts)
    n = int(counts.sum())
    if not n:
        return float("nan"), float("nan")
    drawn = np.random.default_rng(0).multinomial(n, counts / n, size=resamples)
    low, high = np.quantile(drawn @ values / n, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
