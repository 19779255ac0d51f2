"""Variants have the mean and range of their seeds, and their distance from the best one."""

import dataclasses
import math

import pytest

from fer_core.studies.numbers import findings
from fer_core.studies.pairs import compare_variants
from fer_core.studies.plans import read_study
from fer_core.studies.variants import COLUMNS, in_words, variants_table
from tests.fer_core.studies.study_tables import study_plan, write_study

STAGES = {f"{n}-stages": {"stages": n} for n in (2, 3)}


@pytest.fixture
def results(monkeypatch, tmp_path):
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    plan = study_plan("widths", STAGES, seeds=(0, 1))
    write_study(plan, STAGES)
    return read_study(plan)


def test_a_variant_has_the_mean_and_range_of_its_seeds(results):
    table = variants_table(results, ())
    assert tuple(table.columns) == COLUMNS
    assert table["variant"].tolist() == ["2-stages", "3-stages"]
    assert set(table["data"]) == {"FER2013 PublicTest (validation)"}
    assert (table["faces"] == 900).all()
    assert (table["runs"] == 2).all()
    clean = results.runs.set_index("variant")["fer2013:valid accuracy_clean"]
    for row in table.itertuples(index=False):
        low, high = sorted(100 * clean[row[0]])
        assert row[5:8] == pytest.approx(((low + high) / 2, low, high))
        assert high - low == pytest.approx(1)
    assert table["balanced accuracy, mean (%)"].isna().all()
    assert "balanced accuracy" not in in_words(table), "no run has it"
    assert table["below the best (points)"].isna().all()


def test_the_balanced_accuracy_is_that_of_variants_whose_runs_all_have_it(results):
    measured = results.runs["variant"].map({"2-stages": 0.4, "3-stages": 0.5})
    measured += results.runs["seed"] / 10
    measured[(results.runs["variant"] == "3-stages") & (results.runs["seed"] == 1)] = math.nan
    runs = results.runs.assign(**{"fer2013:valid balanced_accuracy_clean": measured})
    table = variants_table(dataclasses.replace(results, runs=runs), ())
    two, three = table["balanced accuracy, mean (%)"]
    assert two == pytest.approx(45)
    assert math.isnan(three)
    assert in_words(table)["balanced accuracy"].tolist() == ["45.0%", ""]


def test_another_variant_with_the_highest_balanced_accuracy_is_named(results):
    said = " ".join(findings(results))
    assert "balanced" not in said
    measured = results.runs["variant"].map({"2-stages": 0.4, "3-stages": 0.5})
    runs = results.runs.assign(**{"fer2013:valid balanced_accuracy_clean": measured})
    sentence = "highest for **3-stages**: 50.0%, against 40.0% for 2-stages."
    assert sentence in " ".join(findings(dataclasses.replace(results, runs=runs)))
    other_faces = runs["fer2013:valid n"] + (runs["variant"] == "3-stages")
    runs = runs.assign(**{"fer2013:valid n": other_faces})
    assert "balanced" not in " ".join(findings(dataclasses.replace(results, runs=runs)))


def test_distances_are_those_of_the_comparison(results):
    (comparison,) = compare_variants(results)
    (rival,) = comparison.rivals
    table = variants_table(results, [comparison]).set_index("variant")
    distances = table[list(COLUMNS[-3:])]
    assert distances.loc[comparison.best].isna().all()
    expected = [100 * rival.mean, 100 * rival.low, 100 * rival.high]
    assert distances.loc[rival.variant].tolist() == pytest.approx(expected)
    assert rival.low <= rival.mean <= rival.high


def test_words_have_the_range_and_the_interval_behind(results):
    table = variants_table(results, compare_variants(results))
    words = in_words(table)
    first, second = words["accuracy"]
    assert first == "45.7% (45.2 to 46.2)"
    assert second == "44.7% (44.2 to 45.2)"
    assert sorted(words["points below the best"].str.len() > 0) == [False, True]
    one_run = in_words(table.assign(runs=1))
    assert one_run["accuracy"].tolist() == ["45.7%", "44.7%"]
