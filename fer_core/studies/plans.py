"""Studies and searches on disk: plans, and the tables of their runs.

Training writes these files; pages and reports read them. Beside the record of all runs lie

    NAME.json             the plan: what is asked, varied and measured, and the command that repeats it
    NAME.parquet          one row per run of a study, or per trial of a search
    NAME-history.parquet  one row per epoch of each run of a study
    NAME-answers.parquet  one row per clean validation face of each run: its label and the answer
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from fer_core.errors import DataError
from fer_core.files import replace_text
from fer_core.studies.runs import COLUMNS, runs_path, studies_root

#: Prefix of a search's name, before the recipe's name.
SEARCH_PREFIX: Final = "tune-"
#: The columns of a study's tables that identify a run.
RUN_KEYS: Final = ("variant", "seed")
_HISTORY_SUFFIX: Final = "-history"
_ANSWERS_SUFFIX: Final = "-answers"
_HISTORY_COLUMNS: Final = (*RUN_KEYS, "epoch", "loss", "accuracy", "val_loss", "val_accuracy")
_ANSWERS_COLUMNS: Final = (*RUN_KEYS, "data", "row", "label", "answer")
#: Of every trial of a search, beside its settings and what it is compared by.
_TRIAL_COLUMNS: Final = (
    *("trial", "val_loss", "epochs", "n_train", "parameters", "seconds", "seed"),
    *("code_commit", "hardware"),
)


class _Part(BaseModel):
    """Base of the parts of a plan: frozen, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Reference(_Part):
    """A figure published by others, shown beside a study's results with its source.

    Attributes:
        label: whose it is.
        accuracy: fraction.
        note: on what it was measured.
    """

    label: str
    accuracy: float = Field(ge=0, le=1)
    note: str


class _Plan(_Part):
    """Common fields of studies and searches.

    Attributes:
        name: of the files.
        title: a few words.
        question: what it asks, for people.
        command: runs the study, or the missing part of it.
        values: names of what is varied; columns of the table.
        seeds: of the runs.
        planned: how many runs or trials.
        measured_on: "SOURCE:SPLIT" of what each is measured on.
    """

    name: str
    title: str
    question: str
    command: str
    values: tuple[str, ...] = Field(min_length=1)
    seeds: tuple[int, ...]
    planned: int = Field(gt=0)
    measured_on: tuple[str, ...]


class StudyPlan(_Plan):
    """A planned set of runs, each variant with each seed.

    Attributes:
        variants: their names, in the order of tables and figures.
        references: published figures to show beside.
    """

    kind: Literal["study"] = "study"
    variants: tuple[str, ...]
    references: tuple[Reference, ...] = ()


class SearchPlan(_Plan):
    """A search of a recipe's settings.

    Attributes:
        objective: the column that trials are compared by.
        greater_is_better: of the objective.
        log_values: those of the values that are drawn evenly over orders of magnitude.
    """

    kind: Literal["search"] = "search"
    objective: str
    greater_is_better: bool
    log_values: tuple[str, ...] = ()


Plan: TypeAlias = Annotated[StudyPlan | SearchPlan, Field(discriminator="kind")]
_PLAN: Final[TypeAdapter[StudyPlan | SearchPlan]] = TypeAdapter(Plan)


@dataclass(frozen=True, slots=True, eq=False)
class StudyResults:
    """A study with its runs so far.

    Attributes:
        plan: of the study.
        runs: one row per finished planned run, in the order of the plan's variants, then of seeds.
            Columns as in `fer_core.studies.runs`, with `variant` and the plan's values.
    """

    plan: StudyPlan
    runs: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class SearchResults:
    """A search with the trials so far.

    Attributes:
        plan: of the search.
        trials: one row per successful trial, in the order in which they were begun.
    """

    plan: SearchPlan
    trials: pd.DataFrame


def plan_path(name: str) -> Path:
    """Return the path of a study's or search's plan."""
    return studies_root() / f"{name}.json"


def table_path(name: str) -> Path:
    """Return the path of the table with one row per run or trial."""
    return studies_root() / f"{name}.parquet"


def history_path(name: str) -> Path:
    """Return the path of the table with one row per epoch of each run of a study."""
    return studies_root() / f"{name}{_HISTORY_SUFFIX}.parquet"


def answers_path(name: str) -> Path:
    """Return the path of the table with one row per clean validation face of each run of a study."""
    return studies_root() / f"{name}{_ANSWERS_SUFFIX}.parquet"


def study_names() -> list[str]:
    """Return the names of the studies and searches that have a plan or a table.

    First those that were run, studies before searches, by name.
    """
    root = studies_root()
    plans = {path.stem for path in root.glob("*.json")}
    tables = {path.stem for path in root.glob("*.parquet")} - {runs_path().stem}
    tables = {name for name in tables if not name.endswith((_HISTORY_SUFFIX, _ANSWERS_SUFFIX))}
    return sorted(
        plans | tables,
        key=lambda name: (name not in tables, name.startswith(SEARCH_PREFIX), name),
    )


def write_plan(plan: StudyPlan | SearchPlan) -> None:
    """Write a plan to the path that `read_plan` reads."""
    replace_text(plan_path(plan.name), plan.model_dump_json(indent=2) + "\n")


def read_plan(name: str) -> StudyPlan | SearchPlan:
    """Return the plan of a study or search.

    Raises:
        DataError: there is none, or the file is no plan; says which command writes it.
    """
    path = plan_path(name)
    recipe = name.removeprefix(SEARCH_PREFIX)
    command = f"python -m training study {name}"
    if recipe != name:
        command = f"python -m training tune {recipe}"
    if not path.is_file():
        raise DataError(
            f"{path} is missing, which says what was planned. It is written by: {command}"
        )
    try:
        return _PLAN.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise DataError(
            f"{path} is not the plan of a study ({reason}). Restore it from version control, or write it "
            f"again with: {command}"
        ) from error


def read_study(plan: StudyPlan) -> StudyResults:
    """Return a study's runs so far, without rows if there is no table.

    Rows of variants and seeds that are no longer planned are left out.

    Raises:
        DataError: the table is damaged or lacks a column.
    """
    table = _read_table(plan, table_path(plan.name), (*RUN_KEYS, *plan.values, *COLUMNS))
    return StudyResults(plan, _in_order(plan, table, ["seed"]))


def read_history(plan: StudyPlan) -> pd.DataFrame:
    """Return one row per epoch of each of a study's runs so far; no rows if there is no table.

    Raises:
        DataError: the table is damaged or lacks a column.
    """
    table = _read_table(plan, history_path(plan.name), _HISTORY_COLUMNS)
    return _in_order(plan, table, ["seed", "epoch"])


def read_answers(plan: StudyPlan) -> pd.DataFrame:
    """Return what each of a study's runs said of each clean validation face; no rows without a table.

    Columns: `variant`, `seed`, `data` ("SOURCE:SPLIT"), `row` (the data set's own number of the image),
    `label` and `answer` (expressions).

    Raises:
        DataError: the table is damaged or lacks a column.
    """
    table = _read_table(plan, answers_path(plan.name), _ANSWERS_COLUMNS)
    return _in_order(plan, table, ["seed", "data", "row"])


def read_search(plan: SearchPlan) -> SearchResults:
    """Return a search's trials so far, without rows if there is no table.

    Raises:
        DataError: the table is damaged or lacks a column.
    """
    wanted = (*plan.values, plan.objective, *_TRIAL_COLUMNS)
    table = _read_table(plan, table_path(plan.name), wanted)
    return SearchResults(
        plan, table.sort_values("trial", key=lambda trial: trial.astype(int), ignore_index=True)
    )


def _read_table(plan: _Plan, path: Path, columns: Iterable[str]) -> pd.DataFrame:
    columns = list(dict.fromkeys(columns))
    if not path.is_file():
        return pd.DataFrame(columns=columns)
    mend = f"Restore it from version control, or remove it and run: {plan.command}"
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is not a readable table ({error}). {mend}") from error
    if missing := [name for name in columns if name not in table.columns]:
        raise DataError(f"{path} lacks the column {', '.join(missing)}. {mend}")
    return table


def _in_order(plan: StudyPlan, table: pd.DataFrame, then_by: list[str]) -> pd.DataFrame:
    """Return the rows of planned runs, variant by variant."""
    rows = table[table["variant"].isin(plan.variants) & table["seed"].isin(plan.seeds)]
    place = rows["variant"].map(plan.variants.index).rename("place")
    return (
        rows.assign(place=place)
        .sort_values(["place", *then_by], ignore_index=True)
        .drop(columns="place")
    )
