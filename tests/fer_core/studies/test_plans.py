"""Plans and tables of studies are listed, read in order, and explained when they are damaged."""

import pandas as pd
import pytest

from fer_core.errors import DataError
from fer_core.studies.plans import (
    answers_path,
    history_path,
    plan_path,
    read_answers,
    read_history,
    read_plan,
    read_search,
    read_study,
    study_names,
    table_path,
)
from fer_core.studies.runs import runs_path
from tests.fer_core.studies.study_tables import study_plan, write_search, write_study

STAGES = {f"{n}-stages": {"stages": n} for n in (2, 10)}


@pytest.fixture(autouse=True)
def _models(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_MODELS", str(tmp_path))


def test_studies_come_before_searches_and_other_tables_are_none():
    assert study_names() == []
    write_search()
    write_study(study_plan("widths", STAGES), STAGES)
    pd.DataFrame({"x": [1]}).to_parquet(runs_path())
    pd.DataFrame({"x": [1]}).to_parquet(table_path("older"))
    assert study_names() == ["older", "widths", "tune-cnn"]


def test_a_plan_is_read_as_it_was_written():
    plan = study_plan("widths", STAGES)
    write_study(plan, STAGES)
    assert read_plan("widths") == plan
    assert read_plan(write_search().name).log_values == ("rate",)


def test_runs_stand_in_the_order_of_the_plan_without_what_is_not_planned_any_more():
    values = STAGES | {"old": {"stages": 1}}
    write_study(study_plan("widths", values, seeds=(0, 1, 2)), values)
    plan = study_plan("widths", STAGES, seeds=(0, 1))
    runs = read_study(plan).runs
    assert list(zip(runs["variant"], runs["seed"], strict=True)) == [
        ("2-stages", 0),
        ("2-stages", 1),
        ("10-stages", 0),
        ("10-stages", 1),
    ]
    epochs = read_history(plan)
    assert epochs["epoch"].tolist() == 4 * [1, 2, 3]
    assert epochs["variant"].unique().tolist() == ["2-stages", "10-stages"]


def test_trials_stand_in_the_order_in_which_they_were_begun():
    assert read_search(write_search()).trials["trial"].tolist() == ["00", "01", "02", "03"]


def test_what_was_not_run_has_no_rows():
    plan = study_plan("widths", STAGES)
    assert read_study(plan).runs.empty
    assert read_history(plan).empty
    assert read_search(write_search(n_trials=0)).trials.empty


@pytest.mark.parametrize(
    ("name", "command"), [("widths", "study widths"), ("tune-cnn", "tune cnn")]
)
def test_a_missing_or_damaged_plan_names_the_command_that_writes_it(name, command):
    with pytest.raises(DataError, match=f"missing.*python -m training {command}$"):
        read_plan(name)
    plan_path(name).parent.mkdir()
    for text in ("{", "[]", '{"kind": "study", "name": "widths"}'):
        plan_path(name).write_text(text)
        with pytest.raises(DataError, match=f"is not the plan.*python -m training {command}$"):
            read_plan(name)


@pytest.mark.parametrize(
    ("path_of", "read"),
    [(table_path, read_study), (history_path, read_history), (answers_path, read_answers)],
)
def test_a_damaged_table_and_a_lacking_column_are_named(path_of, read):
    plan = study_plan("widths", STAGES)
    write_study(plan, STAGES)
    path = path_of("widths")
    pd.read_parquet(path).drop(columns="seed").to_parquet(path)
    with pytest.raises(DataError, match=r"lacks the column seed\. .*python -m training study"):
        read(plan)
    path.write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match=r"widths.*parquet is not a readable table"):
        read(plan)
