"""The template of a user's predictions, and what a table of them may leave out or say in words."""

import io

import numpy as np
import pandas as pd
import pytest

from fer_core.errors import DataError
from fer_core.evaluation.predictions import EvaluationResult
from fer_core.evaluation.user_predictions import parse_predictions, template_csv
from fer_core.expressions import FER2013


@pytest.fixture
def ours() -> EvaluationResult:
    n = 21
    rows = np.arange(100, 100 + n)[::-1].copy()
    p = np.full((n, 7), 1 / 7, np.float32)
    return EvaluationResult(
        FER2013.labels, rows, np.arange(n) % 7, p, np.arange(n) % 5 > 0, np.arange(n) % 3 > 0
    )


@pytest.fixture
def table(ours) -> pd.DataFrame:
    """The template as somebody filled it in."""
    return filled(template_csv(ours))


def filled(template: str) -> pd.DataFrame:
    table = pd.read_csv(io.StringIO(template))
    p = np.random.default_rng(0).dirichlet(np.ones(7), len(table))
    return table.assign(**{f"p_{e}": p[:, i] for i, e in enumerate(FER2013.labels)})


def as_csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def test_a_template_that_was_filled_in_is_read(ours, table):
    assert table.columns.tolist() == [
        *("row", "label", "p_angry", "p_disgust", "p_fear", "p_happy", "p_sad", "p_surprise"),
        *("p_neutral", "found_face", "clean"),
    ]
    assert table["label"].tolist()[:2] == ["angry", "disgust"]
    for content in (as_csv(table), table.to_parquet(index=False)):
        found = parse_predictions(content, "own.csv")
        for name in ("rows", "labels", "found_face", "clean"):
            np.testing.assert_array_equal(getattr(found, name), getattr(ours, name))
        np.testing.assert_allclose(found.probabilities[:, 3], table["p_happy"], atol=1e-7)


def test_an_empty_template_is_told_from_a_filled_one(ours):
    with pytest.raises(DataError, match="p_angry has empty values, the first at position 0"):
        parse_predictions(template_csv(ours).encode(), "own.csv")


def test_labels_may_be_what_other_data_sets_call_them(ours, table):
    said = {"happy": "Happiness", "angry": " ANGER", "neutral": "calm"}
    content = as_csv(table.assign(label=table["label"].replace(said)))
    np.testing.assert_array_equal(parse_predictions(content, "own.csv").labels, ours.labels)


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("bored", "own.csv: label at position 4: No expression is called 'bored'. Nearest: "),
        (
            "contempt",
            "label is 'contempt' at position 4, but there is no column p_contempt; add it",
        ),
        ("x" * 1_000_000, f"label at position 4: No expression is called '{'x' * 40}...'"),
    ],
    ids=["unknown", "no column", "long"],
)
def test_a_label_that_is_no_expression_of_the_table_is_named(table, label, said):
    table.loc[4, "label"] = label
    with pytest.raises(DataError) as error:
        parse_predictions(as_csv(table), "own.csv")
    assert said in str(error.value)
    assert len(str(error.value)) < 1_000


def test_without_a_column_for_it_every_face_was_found(table):
    found = parse_predictions(as_csv(table.drop(columns="found_face")), "own.csv")
    assert found.found_face.all()


def test_what_is_clean_is_taken_from_the_same_rows_of_ours(ours, table):
    some = table.drop(columns="clean").iloc[[7, 3, 12]]
    found = parse_predictions(as_csv(some), "own.csv", ours=ours)
    np.testing.assert_array_equal(found.clean, ours.clean[[7, 3, 12]])
    own = parse_predictions(as_csv(table.assign(clean=False)), "own.csv", ours=ours)
    assert not own.clean.any(), "what the table says counts"


def test_what_is_clean_is_not_guessed(ours, table):
    lacking = table.drop(columns="clean")
    with pytest.raises(DataError, match="lacks the column clean"):
        parse_predictions(as_csv(lacking), "own.csv")
    lacking.loc[5, "row"] = 7
    with pytest.raises(DataError, match="row is 7 at position 5, which the template does not have"):
        parse_predictions(as_csv(lacking), "own.csv", ours=ours)
    with pytest.raises(DataError, match="lacks the column row"):
        parse_predictions(as_csv(lacking.drop(columns="row")), "own.csv", ours=ours)
    with pytest.raises(DataError, match="no rows"):
        parse_predictions(as_csv(lacking[:0]), "own.csv", ours=ours)
