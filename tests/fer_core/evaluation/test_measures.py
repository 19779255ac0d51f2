"""Every entry of the registry of measures keeps what the registry promises."""

import numpy as np
import pytest

from fer_core.evaluation.headline import MARKDOWN, headline_data, headline_table
from fer_core.evaluation.intervals import estimate
from fer_core.evaluation.measures import MEASURES
from fer_core.evaluation.predictions import EvaluationResult
from fer_core.evaluation.predictions import measure as measure_split
from fer_core.expressions import FER2013
from fer_core.networks.bundles import SplitMetrics
from fer_core.networks.softmax import softmax
from fer_core.studies.runs import figures_of

CLASSES = len(FER2013.labels)
every_measure = pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.name)


def answers(seed, *, skill=2.0, n=400):
    """Labels, and probabilities that favour the label the more, the greater the skill."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, n)
    logits = rng.normal(0, 2, (n, CLASSES))
    logits[np.arange(n), labels] += skill
    return labels, softmax(logits)


def result_of(labels, probabilities):
    n = len(labels)
    return EvaluationResult(
        expressions=FER2013.labels,
        rows=np.arange(n),
        labels=labels,
        probabilities=probabilities,
        found_face=np.ones(n, bool),
        clean=np.arange(n) % 3 > 0,
    )


def test_no_two_measures_share_a_name_or_a_title():
    for texts in (
        [m.name for m in MEASURES],
        [m.title for m in MEASURES],
        [m.short for m in MEASURES],
    ):
        assert len(set(texts)) == len(texts)
    # The keys are fields of specs, which must not be taken by anything else.
    others = set(SplitMetrics.model_fields) - {"accuracy", "accuracy_clean"}
    assert not others & {key for m in MEASURES for key in (m.name, f"{m.name}_clean")}


@every_measure
def test_it_is_named_and_defined_in_one_sentence_with_a_source(measure):
    assert measure.name.isidentifier()
    assert measure.title
    assert measure.short
    assert measure.meaning[0].isupper()
    assert measure.meaning.endswith(".")
    assert ". " not in measure.meaning
    assert measure.source
    assert measure.definition == f"{measure.meaning[:-1]} ({measure.source})."


@every_measure
def test_it_is_finite_and_does_not_change_with_the_order_of_rows_or_classes(measure):
    for seed in range(5):
        labels, p = answers(seed)
        value = measure.of(labels, p)
        assert np.isfinite(value)
        order = np.random.default_rng(seed).permutation(len(labels))
        assert measure.of(labels[order], p[order]) == pytest.approx(value, abs=1e-12)
        renaming = np.random.default_rng(seed).permutation(CLASSES)
        renamed = np.empty_like(p)
        renamed[:, renaming] = p
        assert measure.of(renaming[labels], renamed) == pytest.approx(value, abs=1e-6)


@every_measure
def test_perfect_answers_are_best_and_worse_ones_worse(measure):
    sign = 1 if measure.better == "higher" else -1
    labels, p = answers(0)
    assert measure.of(labels, np.eye(CLASSES)[labels]) == pytest.approx(measure.best, abs=1e-12)
    assert sign * measure.of(labels, p) < sign * measure.best
    # As sure as before, and more often wrong.
    spoilt = p.copy()
    spoilt[: len(p) // 2] = np.roll(p[: len(p) // 2], 1, axis=1)
    assert sign * measure.of(labels, spoilt) < sign * measure.of(labels, p)


@every_measure
def test_without_rows_it_is_nan_and_labels_that_do_not_fit_are_refused(measure):
    assert np.isnan(measure.of(np.zeros(0, int), np.zeros((0, CLASSES), np.float32)))
    with pytest.raises(ValueError, match="labels must lie in"):
        measure.of(np.array([CLASSES]), np.full((1, CLASSES), 1 / CLASSES))


@every_measure
def test_it_is_in_the_headline_with_an_interval_around_the_same_value(measure):
    labels, p = answers(1)
    found = {"cnn": estimate(result_of(labels, p))}
    interval = found["cnn"][measure.name]
    assert interval.value == pytest.approx(measure.of(labels, p), abs=1e-9)
    assert interval.low < interval.high
    lines = headline_table(found, {"cnn": 400}, MARKDOWN).splitlines()
    assert any(measure.title in line for line in lines)
    assert measure.name in set(headline_data(found, {"cnn": 400})["measure"])


@every_measure
def test_it_is_in_the_spec_whole_and_clean_and_in_the_record_of_runs(measure):
    labels, p = answers(2)
    result = result_of(labels, p)
    measured = measure_split(result, 0.5)
    kept = SplitMetrics.model_validate_json(measured.model_dump_json())
    assert kept.value(measure.name) == pytest.approx(measure.of(labels, p), abs=1e-7)
    assert kept.value(measure.name, clean=True) == pytest.approx(
        measure.of(labels[result.clean], p[result.clean]), abs=1e-7
    )
    report = {"source": "fer2013", "split": "test", **measured.model_dump(mode="json")}
    assert figures_of(report)[f"fer2013:test {measure.name}"] == kept.value(measure.name)
    assert f"fer2013:test {measure.name}_clean" in figures_of(report)


@every_measure
def test_its_text_is_a_percentage_only_where_people_read_one(measure):
    assert measure.text(0.12345, digits=4) == ("12.35%" if measure.percent else "0.1235")
