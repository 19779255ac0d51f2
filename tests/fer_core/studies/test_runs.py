"""The record of runs grows by rows and columns, and says so when it is damaged."""

import pandas as pd
import pytest

from fer_core.errors import DataError
from fer_core.studies.runs import COLUMNS, figures_of, read_rows, replace_rows

ROW = dict.fromkeys(COLUMNS, 0)
REPORT = {
    "source": "fer2013",
    "split": "test",
    "n": 10,
    "accuracy": 0.5,
    "temperature": 1.0,
    "per_class_recall": {"happy": 0.75},
}


def test_a_report_becomes_columns_that_name_data_and_figure():
    assert figures_of(REPORT) == {
        "fer2013:test n": 10,
        "fer2013:test accuracy": 0.5,
        "fer2013:test recall happy": 0.75,
    }


def test_rows_with_other_figures_stand_in_one_table(tmp_path):
    path = tmp_path / "studies" / "runs.parquet"
    assert len(read_rows(path)) == 0
    for row in (
        {"seed": 1, "fer2013:test accuracy": 0.5},
        {"seed": 2, "ckplus:test accuracy": 0.25},
    ):
        replace_rows(path, pd.DataFrame([ROW | row]), ["seed"])
    table = read_rows(path)
    assert table["seed"].tolist() == [1, 2]
    assert table["fer2013:test accuracy"].tolist()[0] == 0.5
    assert table["ckplus:test accuracy"].isna().tolist() == [True, False]


def test_a_damaged_or_foreign_table_is_named(tmp_path):
    path = tmp_path / "runs.parquet"
    path.write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match=r"runs\.parquet is not a readable table"):
        read_rows(path)
    pd.DataFrame({"seed": [1]}).to_parquet(path)
    with pytest.raises(DataError, match="lacks the column backend"):
        read_rows(path)


def test_a_column_that_only_replaced_rows_had_is_gone(tmp_path):
    path = tmp_path / "study.parquet"
    replace_rows(path, pd.DataFrame({"seed": [0, 1], "test accuracy": 0.5}), ["seed"])
    replace_rows(path, pd.DataFrame({"seed": [0], "valid accuracy": 0.6}), ["seed"])
    assert set(pd.read_parquet(path)) == {"seed", "test accuracy", "valid accuracy"}
    replace_rows(path, pd.DataFrame({"seed": [1], "valid accuracy": 0.7}), ["seed"])
    assert set(pd.read_parquet(path)) == {"seed", "valid accuracy"}


def test_a_study_begins_where_single_runs_were_recorded_before(tmp_path):
    path = tmp_path / "runs.parquet"
    replace_rows(path, pd.DataFrame([ROW]), ["settings_sha256", "seed"])
    row = pd.DataFrame([{"study": "width", **ROW}])
    for _ in range(2):
        replace_rows(path, row, ["study", "settings_sha256", "seed"])
    assert pd.read_parquet(path)["study"].fillna("none").tolist() == ["none", "width"]
