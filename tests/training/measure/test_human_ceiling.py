"""The agreement of annotators is what one counts by hand, and what a simulation of them gives."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from fer_core.errors import DataError
from fer_core.evaluation.human_agreement import FER2013_LABEL, OTHERS, agreement_of, read_annotators
from fer_core.expressions import FER2013, FERPLUS
from fer_core.settings import shipped_models
from training.__main__ import app
from training.measure.human_ceiling import agreeing_with_others, agreement
from training.sources import VOTES
from training.sources.ferplus import majority_labels


def votes(**chosen):
    """Ten votes by answer; "not a face" and "unknown" by `nf` and `unknown`."""
    names = {"nf": "not a face"}
    counts = np.zeros(len(VOTES), np.int64)
    for answer, n in chosen.items():
        counts[VOTES.index(names.get(answer, answer))] = n
    return counts


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ([10, 0, 0], 10),
        # Nine agree with the eight or nine others; the tenth does not.
        ([9, 1, 0], 9),
        ([6, 4, 0], 6),
        # Without one of five, the five of the other kind are the most.
        ([5, 5, 0], 0),
        # Without one of the five, the two kinds tie at four: half. Without one of the four, five are most.
        ([5, 4, 1], 2.5),
        # Each of the fours sees 3, 4, 2; each of the twos sees 4, 4, 1.
        ([4, 4, 2], 0),
        # Everybody alone: two others, one vote each, and none for the own choice.
        ([1, 1, 1], 0),
        # Two of one kind see 1, 1, 1 and a tie of three; the single ones see two against them.
        ([2, 1, 1], 2 / 3),
    ],
)
def test_one_face_is_counted_as_by_hand(chosen, expected):
    assert agreeing_with_others(np.array([chosen]))[0] == pytest.approx(expected)


def test_it_is_what_leaving_each_annotator_out_in_turn_gives():
    rng = np.random.default_rng(0)
    many = rng.multinomial(10, [0.5, 0.3, 0.1, 0.1], size=50)
    for counts, found in zip(many, agreeing_with_others(many), strict=True):
        answers = np.repeat(np.arange(4), counts)
        total = 0.0
        for i, own in enumerate(answers):
            others = np.bincount(np.delete(answers, i), minlength=4)
            winners = np.flatnonzero(others == others.max())
            total += (own in winners) / len(winners)
        assert found == pytest.approx(total)


#: Six faces: plain, mixed, contempt, mostly no face, half unknown, contempt by half.
FACES = np.stack(
    [
        votes(happy=10),
        votes(sad=6, neutral=3, unknown=1),
        votes(contempt=6, neutral=2, happy=2),
        votes(nf=6, angry=4),
        votes(unknown=5, fear=5),
        votes(contempt=5, neutral=3, happy=2),
    ]
)
LABELS = np.array(
    [FER2013.labels.index(name) for name in ("happy", "neutral", "happy", "sad", "fear", "sad")]
)


def test_faces_and_answers_outside_the_classes_are_left_out_and_counted():
    eight = agreement(FACES, FERPLUS, split="test")
    assert (eight.n_faces, eight.n_faces_left_out) == (3, 3)
    assert (eight.n_judgements, eight.n_judgements_left_out) == (29, 1)
    # 10 of 10, 6 of 9, 6 of 10.
    assert eight.agreement == pytest.approx(22 / 29)
    assert (eight.source, eight.split, eight.label_space) == ("ferplus", "test", "ferplus")
    assert eight.agreement_with == OTHERS
    # Without contempt; and FER+ gives no label to half of the votes.
    seven = agreement(FACES, FER2013, split="test")
    assert (seven.n_faces, seven.n_faces_left_out) == (2, 4)
    assert (seven.n_judgements, seven.n_judgements_left_out) == (19, 1)
    assert seven.agreement == pytest.approx(16 / 19)


def test_against_fer2013s_label_each_vote_for_it_agrees():
    found = agreement(FACES, FER2013, split="valid", labels=LABELS)
    assert found.agreement_with == FER2013_LABEL
    # 10 of 10 happy, 3 of 9 neutral; on the other faces half or more chose no such class.
    assert found.agreement == pytest.approx(13 / 19)


def test_faces_of_which_none_counts_are_refused():
    with pytest.raises(DataError, match="None of the 1 faces of the test split"):
        agreement(FACES[3:4], FERPLUS, split="test")


def test_the_interval_is_that_of_resampled_faces():
    rng = np.random.default_rng(1)
    many = np.zeros((400, len(VOTES)), np.int64)
    many[:, :3] = rng.multinomial(10, [0.6, 0.3, 0.1], size=400)
    found = agreement(many, FERPLUS, split="test")
    agreeing = agreeing_with_others(many[majority_labels(many) >= 0])
    n = len(agreeing)
    resampled = [agreeing[rng.integers(0, n, n)].sum() / (10 * n) for _ in range(4000)]
    low, high = np.quantile(resampled, [0.025, 0.975])
    assert (found.low, found.high) == (
        pytest.approx(low, abs=0.003),
        pytest.approx(high, abs=0.003),
    )
    assert found.low < found.agreement < found.high


def test_the_command_writes_a_table_that_is_read_back(generated_data, tmp_path, monkeypatch):
    monkeypatch.setenv("FER_DATA", str(generated_data))
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    result = CliRunner().invoke(app, ["human-ceiling"])
    assert result.exit_code == 0, result.stderr
    rows = read_annotators()
    assert [json.loads(line)["agreement"] for line in result.stdout.splitlines()] == [
        row.agreement for row in rows
    ]
    # Nine votes of ten for each face's own label, the tenth for unknown.
    assert len(rows) == 6
    for row in rows:
        assert (row.agreement, row.n_faces, row.n_judgements) == (1, 42, 378)
        assert row.n_judgements_left_out == 42


def test_without_votes_the_command_says_so(rings, kaggle_csv, tmp_path, monkeypatch):
    parts = {usage: rings(1, 3) for usage in ("Training", "PublicTest", "PrivateTest")}
    kaggle_csv(tmp_path / "fer2013" / "fer2013.csv", parts)
    monkeypatch.setenv("FER_DATA", str(tmp_path))
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    result = CliRunner().invoke(app, ["human-ceiling"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "fer2013new.csv" in result.stderr


def test_the_shipped_table_has_every_comparison_of_both_splits():
    rows = read_annotators(shipped_models() / "annotators.parquet")
    for split in ("valid", "test"):
        for space, other in (("ferplus", OTHERS), ("fer2013", OTHERS), ("fer2013", FER2013_LABEL)):
            row = agreement_of(rows, split=split, label_space=space, agreement_with=other)
            assert row.n_faces + row.n_faces_left_out == 3589
            assert 0.5 < row.low < row.agreement < row.high < 1
    assert agreement_of(rows, split="train", label_space="fer2013", agreement_with=OTHERS) is None
