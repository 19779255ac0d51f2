"""The table of annotators comes back as it was written; what is wrong with it is said."""

import pandas as pd
import pytest

from fer_core.errors import DataError
from fer_core.evaluation.human_agreement import OTHERS, Agreement, read_annotators, write_annotators

ROW = Agreement("ferplus", "test", "fer2013", OTHERS, 90, 10, 850, 50, 0.75, 0.7, 0.8)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "annotators.parquet"
    write_annotators([ROW], path)
    return path


def test_rows_come_back(path):
    assert read_annotators(path) == [ROW]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.unlink(), "no table of annotators"),
        (lambda path: path.write_bytes(b"cut short"), "not a readable table"),
        (lambda path: _changed(path, agreement=None), "lacks the column agreement"),
        (lambda path: _changed(path, agreement=0.9), "not shares in this order"),
        (lambda path: _changed(path, high=float("nan")), "not shares in this order"),
        (lambda path: _changed(path, low="much"), "not shares in this order"),
    ],
)
def test_a_bad_table_is_explained_with_the_mend(path, spoil, message):
    spoil(path)
    with pytest.raises(DataError, match=message) as caught:
        read_annotators(path)
    assert "python -m training human-ceiling" in str(caught.value)


def _changed(path, **columns):
    table = pd.read_parquet(path)
    for name, value in columns.items():
        table = table.drop(columns=name) if value is None else table.assign(**{name: value})
    table.to_parquet(path)
