"""The headline measures agree with scikit-learn, and their intervals cover the truth as often as they say."""

import numpy as np
import pytest
import sklearn.metrics

from fer_core.evaluation import metrics
from fer_core.evaluation.intervals import estimate, resamples_for
from fer_core.evaluation.measures import MEASURES
from fer_core.evaluation.predictions import EvaluationResult
from fer_core.expressions import FER2013
from fer_core.networks.softmax import softmax


def result_of(labels: np.ndarray, probabilities: np.ndarray) -> EvaluationResult:
    n = len(labels)
    return EvaluationResult(
        expressions=FER2013.labels,
        rows=np.arange(n),
        labels=labels,
        probabilities=probabilities,
        found_face=np.ones(n, bool),
        clean=np.ones(n, bool),
    )


def random_result(seed: int, n: int = 400) -> EvaluationResult:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 7, n)
    logits = rng.normal(0, 2, (n, 7))
    logits[np.arange(n), labels] += 2.0
    return result_of(labels, softmax(logits))


def test_faces_that_are_all_right_leave_some_doubt():
    labels = np.arange(5)
    for probabilities, value in ((np.eye(7)[labels], 1.0), (np.eye(7)[labels + 1], 0.0)):
        found = estimate(result_of(labels, probabilities))["accuracy"]
        assert found.value == value
        assert found.high - found.low == pytest.approx(0.434, abs=0.001)


@pytest.mark.parametrize("seed", range(5))
def test_every_measure_agrees_with_an_independent_implementation(seed):
    result = random_result(seed)
    y, p = result.labels, result.probabilities
    answers = p.argmax(axis=1)
    averages = {"average": "macro", "zero_division": 0}
    expected = {
        "accuracy": sklearn.metrics.accuracy_score(y, answers),
        "balanced_accuracy": sklearn.metrics.balanced_accuracy_score(y, answers),
        "macro_precision": sklearn.metrics.precision_score(y, answers, **averages),
        "macro_f1": sklearn.metrics.f1_score(y, answers, **averages),
        "weighted_f1": sklearn.metrics.f1_score(y, answers, average="weighted"),
        "top2_accuracy": sklearn.metrics.top_k_accuracy_score(y, p, k=2),
        "mcc": sklearn.metrics.matthews_corrcoef(y, answers),
        "cohen_kappa": sklearn.metrics.cohen_kappa_score(y, answers),
        "nll": metrics.nll(y, p),
        "brier": sklearn.metrics.brier_score_loss(y, p.astype(np.float64), scale_by_half=False),
        "ece": metrics.ece(y, p),
    }
    found = estimate(result)
    assert set(found) == {measure.name for measure in MEASURES}
    assert set(found) == set(expected), "Add what another implementation says of each measure."
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, abs=1e-5), name
        assert found[name].low < found[name].high, name


def test_a_class_without_rows_is_left_out_of_the_means_as_elsewhere():
    full = random_result(0)
    result = full.select(full.labels != 6)
    found = estimate(result)
    y, p = result.labels, result.probabilities
    counts = metrics.confusion_matrix(y, p)
    assert found["balanced_accuracy"].value == pytest.approx(metrics.balanced_accuracy(counts))
    assert found["macro_f1"].value == pytest.approx(metrics.macro_f1(counts))


def test_the_accuracys_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        right = rng.random(150) < 0.7
        labels = np.zeros(150, np.int64)
        p = np.where(right[:, None], [0.9, 0.1], [0.1, 0.9])
        probabilities = np.zeros((150, 7), np.float32)
        probabilities[:, :2] = p
        interval = estimate(result_of(labels, probabilities))["accuracy"]
        covered += interval.low <= 0.7 <= interval.high
    assert 90 <= covered <= 99


def test_the_calibration_errors_interval_holds_its_value():
    # Plain percentiles lie above it: each resample adds noise, and the error counts noise as gaps.
    for seed in range(3):
        found = estimate(random_result(seed, n=3000))["ece"]
        assert found.low <= found.value <= found.high


@pytest.mark.parametrize("seed", range(5))
def test_a_calibrated_networks_interval_holds_its_error_and_has_a_width(seed):
    """Nearly all resamples lie above the error of such a network, which is noise alone."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(7, 0.3), 2800).astype(np.float32)
    labels = (rng.random((2800, 1)) > probabilities.cumsum(axis=1)).sum(axis=1).clip(max=6)
    found = estimate(result_of(labels, probabilities))["ece"]
    assert found.low <= found.value < found.high
    assert found.high - found.low > 0.002


def test_equal_seeds_give_equal_intervals_and_no_rows_give_nan():
    result = random_result(1)
    assert estimate(result) == estimate(result)
    assert estimate(result, seed=1) != estimate(result)
    empty = estimate(result.select(np.zeros(len(result), bool)))
    assert all(np.isnan(e.value) and np.isnan(e.low) for e in empty.values())


def test_large_sets_draw_fewer_resamples_but_never_a_handful():
    assert resamples_for(3589) == 1000
    assert resamples_for(100_000) == 200
    assert resamples_for(10_000_000) == 200
