"""The tables of a study's runs, and runs that two studies share.

Several studies have one textbook network as their common variant: the same settings and seed, measured on the
same data. The first of them trains it.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from fer_core.studies import plans
from fer_core.studies.plans import RUN_KEYS, StudyPlan
from fer_core.studies.runs import column, replace_rows

log = logging.getLogger(__name__)


def take_over(
    study: str, planned: Mapping[str, Any], settings_sha256: str, measured_on: Sequence[str]
) -> bool:
    """Copy a run into the tables of a study if another study has it.

    The record of all runs stays as it is, since the run is there already.

    Args:
        study: name of the study that lacks the run.
        planned: the columns that only this study has, with "variant".
        settings_sha256: of the run's recipe, the seed included.
        measured_on: "SOURCE:SPLIT" of what the run must have been measured on.

    Returns:
        Whether there was one.

    Raises:
        DataError: a plan or table of another study is damaged.
    """
    for name in plans.study_names():
        plan = plans.read_plan(name)
        if name != study and isinstance(plan, StudyPlan):
            run = _find(plan, settings_sha256, measured_on)
            if len(run):
                _copy(plan, run, study, planned, measured_on)
                return True
    return False


def write_run(
    study: str,
    planned: Mapping[str, Any],
    row: pd.DataFrame,
    *,
    history: pd.DataFrame,
    answers: pd.DataFrame,
) -> None:
    """Write the rows of a run into the tables of a study; that of the run comes last, and says it is done.

    Args:
        study: name of the study.
        planned: the columns that only this study has, with "variant".
        row: the other columns of the run, with "seed".
        history: a row per epoch.
        answers: a row per validation face.
    """
    own = {"variant": planned["variant"], "seed": row["seed"].item()}
    for path, table in (
        (plans.history_path(study), history),
        (plans.answers_path(study), answers),
    ):
        replace_rows(path, table.assign(**own), list(RUN_KEYS))
    whole = pd.concat([pd.DataFrame([planned], index=row.index), row], axis="columns")
    replace_rows(plans.table_path(study), whole, list(RUN_KEYS))


def with_settings(
    rows: pd.DataFrame, settings_sha256: str, measured_on: Sequence[str]
) -> pd.DataFrame:
    """Return the rows of runs that have these settings and were measured on each "SOURCE:SPLIT"."""
    measured = rows.reindex(columns=[column(data, "accuracy") for data in measured_on])
    same = rows["settings_sha256"] == settings_sha256
    return rows[same & measured.notna().all(axis="columns")]


def _find(plan: StudyPlan, settings_sha256: str, measured_on: Sequence[str]) -> pd.DataFrame:
    """Return the row of a study's planned run with these settings; no row if there is none."""
    return with_settings(plans.read_study(plan).runs, settings_sha256, measured_on).head(1)


def _copy(
    plan: StudyPlan,
    run: pd.DataFrame,
    study: str,
    planned: Mapping[str, Any],
    measured_on: Sequence[str],
) -> None:
    """Write the rows of a run of `plan` into the tables of `study`."""
    variant, seed = run["variant"].item(), run["seed"].item()
    answers = plans.read_answers(plan)
    history, answers = (
        table[(table["variant"] == variant) & (table["seed"] == seed)]
        for table in (plans.read_history(plan), answers[answers["data"].isin(measured_on)])
    )
    row = run.drop(columns=["variant", *plan.values]).assign(study=study)
    write_run(study, planned, row, history=history, answers=answers)
    log.info("%s: %s with seed %d is %s of %s", study, planned["variant"], seed, variant, plan.name)
