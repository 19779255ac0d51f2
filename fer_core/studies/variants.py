"""A study's variants on validation faces: mean and range over seeds, and the distance from the best one."""

import math
from collections.abc import Iterable
from typing import Final

import pandas as pd

from fer_core.data_names import data_name, split_of
from fer_core.studies.numbers import accuracies, balanced_accuracies, labels_of
from fer_core.studies.pairs import Comparison
from fer_core.studies.plans import StudyResults

_BALANCED: Final = "balanced accuracy"
#: Columns of `variants_table`; the last three are of the faces that all runs predicted, and empty for
#: the best variant.
COLUMNS: Final = (
    *("variant", "data", "faces", "runs", "epochs"),
    *("accuracy, mean (%)", "accuracy, lowest (%)", "accuracy, highest (%)"),
    "balanced accuracy, mean (%)",
    *("below the best (points)", "below, from (points)", "below, to (points)"),
)


def variants_table(results: StudyResults, comparisons: Iterable[Comparison]) -> pd.DataFrame:
    """Return one row per validation split and variant, in the plan's order, with COLUMNS.

    Accuracies are of clean faces where these are known: the mean over the runs of a variant, which differ in
    their seeds, and the range. The balanced accuracy is NaN where a run lacks it. The intervals of the
    distances are simultaneous at 95%, see `Comparison`.

    Args:
        results: of the study.
        comparisons: of its variants, by `compare_variants`; without one for a split, distances are empty.
    """
    table = accuracies(results, clean=True)
    compared = {comparison.data: comparison for comparison in comparisons}
    labels = labels_of(results)
    epochs = results.runs.groupby("variant", sort=False)["epochs"].mean()
    balanced = {data: balanced_accuracies(results, data) for data in table["data"].unique()}
    rows = []
    for (data, variant), runs in table.groupby(["data", "variant"], sort=False):
        if split_of(str(data)) == "valid":
            share = 100 * runs["accuracy"]
            measured = (labels[str(variant)], data_name(str(data)), int(runs["n"].iloc[0]))
            spread = (len(runs), epochs[str(variant)], share.mean(), share.min(), share.max())
            rows.append(
                (
                    *measured,
                    *spread,
                    100 * balanced[str(data)][str(variant)],
                    *_below(compared.get(str(data)), str(variant)),
                )
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def in_words(table: pd.DataFrame) -> pd.DataFrame:
    """Return `variants_table` for people: each mean with its range, each distance with its interval.

    Without the column of balanced accuracy if no variant has one.
    """
    rows = []
    for variant, data, faces, runs, epochs, *figures in table.itertuples(index=False):
        mean, lowest, highest, balanced, below, low, high = figures
        accuracy = f"{mean:.1f}%" + (f" ({lowest:.1f} to {highest:.1f})" if runs > 1 else "")
        distance = "" if math.isnan(below) else f"{below:.1f} ({low:.1f} to {high:.1f})"
        of_classes = "" if math.isnan(balanced) else f"{balanced:.1f}%"
        spread = (runs, round(epochs), f"{faces:,}")
        rows.append((variant, accuracy, distance, of_classes, *spread, data))
    heads = ("variant", "accuracy", "points below the best", _BALANCED)
    words = pd.DataFrame(rows, columns=[*heads, "runs", "epochs", "faces", "data"])
    return words if words[_BALANCED].any() else words.drop(columns=_BALANCED)


def _below(comparison: Comparison | None, variant: str) -> tuple[float, float, float]:
    """Return how many points a variant lies below the best one, with the interval; NaN if it is the best."""
    for rival in comparison.rivals if comparison else ():
        if rival.variant == variant:
            return 100 * rival.mean, 100 * rival.low, 100 * rival.high
    return math.nan, math.nan, math.nan
