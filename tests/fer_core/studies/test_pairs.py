"""Variants are told apart by a paired bootstrap over the clean validation faces, seeds averaged."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from fer_core.expressions import FER2013
from fer_core.studies.pairs import compare_variants, told_apart
from fer_core.studies.plans import RUN_KEYS, answers_path, read_study
from fer_core.studies.runs import replace_rows
from tests.fer_core.studies.study_tables import study_plan, write_study

SHARES = {"good": 0.7, "alike": 0.69, "bad": 0.4}
VALUES = {name: {"variant of": name} for name in SHARES}
N = 350


@pytest.fixture
def results(monkeypatch, tmp_path):
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    (tmp_path / "studies").mkdir()
    plan = study_plan("trial", VALUES, seeds=(0, 1))
    write_study(plan, VALUES)
    for name in SHARES:
        write_runs(name)
    return read_study(plan)


def right_faces(name: str, share: float, seed: int, n: int = N) -> np.ndarray:
    return np.random.default_rng([seed, len(name)]).random(n) < share


def write_runs(name: str, share: float | None = None, *, n: int = N) -> None:
    """Write what a variant says with two seeds, in place of what it said before."""
    for seed in (0, 1):
        labels = np.arange(n) % 7
        right = right_faces(name, SHARES[name] if share is None else share, seed, n)
        names = np.array(FER2013.labels)
        answers = pd.DataFrame(
            {
                "variant": name,
                "seed": seed,
                "data": "fer2013:valid",
                "row": np.arange(n),
                "label": names[labels],
                "answer": names[np.where(right, labels, (labels + 1) % 7)],
            }
        )
        replace_rows(answers_path("trial"), answers, list(RUN_KEYS))


def test_a_worse_variant_is_told_apart_and_an_equal_one_is_not(results):
    (found,) = compare_variants(results)
    assert (found.data, found.n, found.best) == ("fer2013:valid", N, "good")
    alike, bad = found.rivals
    assert (alike.variant, bad.variant) == ("alike", "bad")
    assert alike.low <= 0 <= alike.high
    assert not alike.is_apart
    assert 0.1 < bad.low < bad.high < 0.5
    assert told_apart(found, results) == (
        "On 350 clean faces of FER2013 PublicTest (validation), the best variant, **good**, does not "
        "differ significantly from alike (simultaneous 95% intervals)."
    )


def test_the_interval_is_that_of_resampled_faces(results):
    (found,) = compare_variants(results)
    good, bad = (
        np.mean([right_faces(name, SHARES[name], seed) for seed in (0, 1)], axis=0)
        for name in ("good", "bad")
    )
    rng = np.random.default_rng(5)
    means = [(good - bad)[rng.integers(0, N, N)].mean() for _ in range(4000)]
    # Three pairs hold together at 95%.
    expected = np.quantile(means, [0.025 / 3, 1 - 0.025 / 3])
    rival = found.rivals[1]
    np.testing.assert_allclose((rival.low, rival.high), expected, atol=0.01)


def test_all_or_none_are_told_apart(results):
    write_runs("alike", 0.2)
    (found,) = compare_variants(results)
    assert "**good**, is better than every other one" in told_apart(found, results)
    write_runs("alike", 0.7)
    write_runs("bad", 0.7)
    (found,) = compare_variants(results)
    assert f"**{found.best}**, does not differ significantly from any other one" in told_apart(
        found, results
    )


@pytest.mark.parametrize(
    ("share", "words"), [(0.2, "is better than"), (0.69, "does not differ significantly from")]
)
def test_a_single_rival_is_named(results, share, words):
    write_runs("alike", share)
    (found,) = compare_variants(results)
    rival = next(rival for rival in found.rivals if rival.variant == "alike")
    alone = dataclasses.replace(found, best="good", rivals=(rival,))
    assert f"**good**, {words} alike (simultaneous" in told_apart(alone, results)


def test_variants_are_compared_on_the_faces_that_all_predicted(results):
    write_runs("bad", n=N - 7)
    (found,) = compare_variants(results)
    assert (found.n, found.best) == (N - 7, "good")
    # Both seeds of the rest, face by face.
    shares = {
        name: np.mean([right_faces(name, SHARES[name], seed)[: N - 7] for seed in (0, 1)])
        for name in ("good", "alike")
    }
    assert found.rivals[0].mean == pytest.approx(shares["good"] - shares["alike"])


def test_a_variant_alone_is_compared_with_none(results):
    alone = dataclasses.replace(results, runs=results.runs[results.runs["variant"] == "good"])
    assert compare_variants(alone) == []


def test_missing_predictions_are_not_compared(results):
    answers_path("trial").unlink()
    assert compare_variants(results) == []
