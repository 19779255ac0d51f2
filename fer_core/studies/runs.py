"""The record of training runs: one table with one row per run, the source of study tables and figures.

Figures stand in columns named "SOURCE:SPLIT FIGURE", recalls in "SOURCE:SPLIT recall EXPRESSION", so that a
run that was measured on another data set only adds columns.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from fer_core.errors import DataError
from fer_core.evaluation.measures import MEASURES
from fer_core.files import replace_file
from fer_core.networks.bundles import CLEAN
from fer_core.settings import models_root
from fer_core.studies.locks import lock_of

#: Of every row, whatever was measured.
COLUMNS: Final = (
    *("bundle", "recipe", "overrides", "settings_sha256", "seed", "source", "n_train"),
    *("data_sha256", "code_commit", "backend", "hardware", "parameters", "epochs", "seconds"),
    "images_per_second",
)
#: Of what `training evaluate` reports, the figures that a row keeps.
FIGURES: Final = (
    *("n", *(measure.name for measure in MEASURES)),
    *("n_clean", *(measure.name + CLEAN for measure in MEASURES)),
    *("rmse", "normalized_mean_error"),
)


def studies_root(bundles: Path | None = None) -> Path:
    """Return the folder of records: `studies` in a folder of bundles, by default in the bundle root."""
    return (bundles or models_root()) / "studies"


def runs_path(bundles: Path | None = None) -> Path:
    """Return the table of the runs that made bundles in a folder, by default the bundle root."""
    return studies_root(bundles) / "runs.parquet"


def column(data: str, figure: str) -> str:
    """Return the column name of a figure measured on `data`, "SOURCE:SPLIT"."""
    return f"{data} {figure}"


def figures_of(report: Mapping[str, Any]) -> dict[str, float]:
    """Return the columns that a row keeps from a report of `training evaluate`."""
    data = f"{report['source']}:{report['split']}"
    figures = {column(data, name): report[name] for name in FIGURES if name in report}
    recalls = report.get("per_class_recall", {})
    return figures | {column(data, f"recall {name}"): value for name, value in recalls.items()}


def read_rows(path: Path) -> pd.DataFrame:
    """Return a table of runs, without rows if the file is not there.

    Raises:
        DataError: it is no parquet file or lacks a column.
    """
    if not path.is_file():
        return pd.DataFrame(columns=list(COLUMNS))
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} is not a readable table of runs ({error}). Restore it from version control."
        ) from error
    if missing := set(COLUMNS) - set(table.columns):
        raise DataError(f"{path} lacks the column {', '.join(sorted(missing))}.")
    return table


def replace_rows(path: Path, rows: pd.DataFrame, keys: list[str]) -> None:
    """Write rows into a table, replacing rows with the same keys; create the table if needed.

    Safe for several processes at once.
    """
    with lock_of(path):
        if path.is_file():
            before = pd.read_parquet(path)
            # The rows of single runs have no study.
            before = before.reindex(columns=before.columns.union(keys, sort=False))
            stays = ~pd.MultiIndex.from_frame(before[keys]).isin(
                pd.MultiIndex.from_frame(rows[keys])
            )
            table = pd.concat([before[stays], rows], ignore_index=True)
            lacking = before.columns.difference(rows.columns)
            # What a study is no longer measured on: no row has it once all are replaced.
            rows = table.drop(columns=[name for name in lacking if table[name].isna().all()])
        replace_file(path, lambda file: rows.to_parquet(file, index=False, compression="zstd"))
