"""The measures agree with independent implementations and keep their invariances."""

import numpy as np
import pytest
import scipy.special
import sklearn.metrics

from fer_core.evaluation import metrics
from fer_core.networks.softmax import softmax

SEEDS = range(5)


def random_case(seed, n=400, classes=7, scale=2.0):
    """Labels, logits and probabilities of a classifier that is right about half the time."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    logits = rng.normal(0, scale, (n, classes))
    logits[np.arange(n), labels] += 2.0
    return labels, logits.astype(np.float32), softmax(logits)


@pytest.mark.parametrize("seed", SEEDS)
def test_functions_of_rows_agree_with_sklearn(seed):
    labels, _, p = random_case(seed)
    answers = p.argmax(axis=1)
    exact = p / p.sum(axis=1, keepdims=True, dtype=np.float64)
    assert metrics.accuracy(labels, p) == sklearn.metrics.accuracy_score(labels, answers)
    assert metrics.nll(labels, p) == pytest.approx(
        sklearn.metrics.log_loss(labels, exact, labels=range(7)), abs=1e-6
    )
    np.testing.assert_allclose(
        metrics.per_class_recall(labels, p),
        sklearn.metrics.recall_score(labels, answers, average=None),
    )
    counts = metrics.confusion_matrix(labels, p)
    np.testing.assert_array_equal(counts, sklearn.metrics.confusion_matrix(labels, answers))
    np.testing.assert_array_equal(counts, metrics.confusion_cells(labels, p).sum(axis=0))


def test_a_class_without_rows_has_no_recall_and_does_not_lower_the_means():
    labels = np.array([0, 0, 1, 1])
    p = np.array([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1]], np.float32)
    np.testing.assert_array_equal(metrics.per_class_recall(labels, p), [0.5, 1.0, np.nan])
    counts = metrics.confusion_matrix(labels, p)
    assert counts.tolist() == [[1, 0, 1], [0, 2, 0], [0, 0, 0]]
    assert metrics.balanced_accuracy(counts) == pytest.approx(0.75)
    # F1 of class 0 is 2*1/(2*1+0+1), of class 1 it is 1; class 2 has no rows.
    assert metrics.macro_f1(counts) == pytest.approx((2 / 3 + 1) / 2)


def test_functions_of_counts_take_any_number_of_matrices():
    counts = np.random.default_rng(0).integers(0, 50, (3, 2, 7, 7))
    for function in (
        metrics.share_right,
        metrics.balanced_accuracy,
        metrics.macro_precision,
        metrics.macro_f1,
        metrics.weighted_f1,
        metrics.cohen_kappa,
        metrics.matthews_correlation,
    ):
        values = function(counts)
        assert values.shape == (3, 2)
        assert values[2, 1] == pytest.approx(float(function(counts[2, 1])))


def test_matthews_correlation_agrees_with_sklearn_also_where_it_is_not_defined():
    rng = np.random.default_rng(0)
    cases = [rng.integers(0, 7, (2, 300)) for _ in range(5)]
    # All labels of one class, all answers of one class, both.
    cases += [np.array([[2, 2, 2], [0, 1, 2]]), np.array([[0, 1, 2], [2, 2, 2]])]
    cases += [np.array([[2, 2, 2], [2, 2, 2]])]
    for labels, answers in cases:
        counts = metrics.confusion_matrix(labels, np.eye(7)[answers])
        expected = sklearn.metrics.matthews_corrcoef(labels, answers)
        assert metrics.matthews_correlation(counts) == pytest.approx(expected, abs=1e-12)


def test_matthews_correlation_of_many_rows_does_not_overflow():
    counts = np.full((7, 7), 10_000_000)
    np.fill_diagonal(counts, 100_000_000)
    assert metrics.matthews_correlation(counts) == pytest.approx(
        metrics.matthews_correlation(counts / 1e7)
    )


def plain_ece(labels, p, bins):
    """Guo et al.'s equation 3, written as it stands there."""
    confidence, right = p.max(axis=1).astype(np.float64), p.argmax(axis=1) == labels
    total = 0.0
    for m in range(bins):
        inside = (confidence > m / bins) & (confidence <= (m + 1) / bins)
        if inside.any():
            total += (
                inside.sum() / len(labels) * abs(right[inside].mean() - confidence[inside].mean())
            )
    return total


@pytest.mark.parametrize("seed", SEEDS)
def test_ece_agrees_with_its_definition(seed):
    labels, _, p = random_case(seed)
    expected = plain_ece(labels, p, metrics.ECE_BINS)
    assert metrics.ece(labels, p) == pytest.approx(expected, abs=1e-9)


def test_ece_is_zero_for_the_certain_and_right_and_one_for_the_certain_and_wrong():
    certain = np.eye(3, dtype=np.float32)
    assert metrics.ece(np.arange(3), certain) == pytest.approx(0)
    assert metrics.ece((np.arange(3) + 1) % 3, certain) == pytest.approx(1)


def test_brier_is_zero_when_right_two_when_wrong_and_known_for_the_uniform():
    labels = np.arange(3)
    np.testing.assert_allclose(metrics.row_brier(labels, np.eye(3)), 0)
    np.testing.assert_allclose(metrics.row_brier((labels + 1) % 3, np.eye(3)), 2)
    # One class is missed by 2/3, two by 1/3.
    np.testing.assert_allclose(metrics.row_brier(labels, np.full((3, 3), 1 / 3)), 6 / 9)


def test_nll_of_an_impossible_label_is_finite():
    value = metrics.nll(np.array([1]), np.array([[1.0, 0.0]], np.float32))
    assert 80 < value < 100


@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_fit_temperature_finds_the_factor_that_logits_were_multiplied_with(factor):
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (4000, 7))
    p = scipy.special.softmax(logits, axis=1)
    labels = np.array([rng.choice(7, p=row) for row in p])
    found = metrics.fit_temperature(logits * factor, labels)
    assert found == pytest.approx(factor, rel=0.05)
    best = metrics.nll(labels, softmax(logits * factor, temperature=found))
    for other in (0.97 * found, 1.03 * found):
        assert best <= metrics.nll(labels, softmax(logits * factor, temperature=other))


def threshold_for(labels, probabilities, accuracy=0.85):
    return metrics.abstention_threshold([metrics.ThresholdTarget(labels, probabilities, accuracy)])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("target", [0.5, 0.7, 0.85, 0.99])
def test_abstention_threshold_answers_the_most_rows_that_reach_the_accuracy(seed, target):
    labels, _, p = random_case(seed)
    threshold = threshold_for(labels, p, accuracy=target)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    reaching = [
        (confidence >= c).sum() for c in confidence if right[confidence >= c].mean() >= target
    ]
    assert (confidence >= threshold).sum() == max(reaching, default=0)
    coverage, accuracy = metrics.coverage_and_accuracy(labels, p, threshold)
    assert coverage == pytest.approx(max(reaching, default=0) / len(labels))
    assert accuracy >= target or not reaching


@pytest.mark.parametrize("seed", range(8))
def test_a_common_threshold_is_the_lowest_that_is_high_enough_for_every_data_set(seed):
    cases = []
    for part, target in ((2 * seed, 0.5), (2 * seed + 1, 0.7)):
        labels, _, p = random_case(part)
        cases.append(metrics.ThresholdTarget(labels, p, target))
    threshold = metrics.abstention_threshold(cases)

    def reaches(limit):
        for labels, p, target in cases:
            answered = p.max(axis=1) >= limit
            right = (p.argmax(axis=1) == labels)[answered]
            if not answered.any() or right.mean() < target:
                return False
        return True

    levels = np.unique(np.concatenate([case.probabilities.max(axis=1) for case in cases]))
    lower = [level for level in levels if level <= threshold]
    assert not any(reaches(level) for level in lower)
    assert reaches(threshold) or (threshold == metrics.NEVER and not any(map(reaches, levels)))


def test_abstention_threshold_at_its_ends():
    labels = np.arange(3)
    assert threshold_for(labels, np.eye(3)) == 0.0
    assert threshold_for((labels + 1) % 3, np.eye(3)) == metrics.NEVER > 1
    assert threshold_for(np.zeros(0, int), np.zeros((0, 3))) == metrics.NEVER


def test_abstention_threshold_does_not_part_rows_of_equal_confidence():
    # Four rows of confidence 0.9, three of them right: 0.75, whatever their order.
    p = np.tile([0.9, 0.1], (4, 1))
    labels = np.array([0, 0, 0, 1])
    assert threshold_for(labels, p, accuracy=0.8) == metrics.NEVER
    assert threshold_for(labels, p, accuracy=0.75) == 0.0


def test_measures_without_rows_are_nan():
    nothing = np.zeros(0, int), np.zeros((0, 7), np.float32)
    for measure in (metrics.accuracy, metrics.ece, metrics.nll):
        assert np.isnan(measure(*nothing)), measure.__name__
    assert np.isnan(metrics.coverage_and_accuracy(*nothing, 0.5)).all()


@pytest.mark.parametrize("labels", [np.array([0, 7]), np.array([-1, 0]), np.array([0, 1, 2])])
def test_labels_that_do_not_fit_the_probabilities_raise(labels):
    with pytest.raises(ValueError, match="labels"):
        metrics.accuracy(labels, np.full((2, 7), 1 / 7))
