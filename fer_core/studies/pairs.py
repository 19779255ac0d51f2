"""Which variants differ significantly from a study's best one: a paired bootstrap over validation faces."""

from dataclasses import dataclass
from math import comb
from typing import Final

import numpy as np
import pandas as pd

from fer_core.data_names import data_name
from fer_core.evaluation.metrics import bootstrap_mean
from fer_core.listing import listed
from fer_core.studies.numbers import labels_of, measured_on
from fer_core.studies.plans import RUN_KEYS, StudyResults, read_answers

#: Probability that some interval of a split does not hold.
_ERROR: Final = 0.05
#: Of the faces; the tails of 36 pairs take more than those of one.
_RESAMPLES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Rival:
    """A variant beside the best one.

    Attributes:
        variant: its name.
        mean: how far its accuracy, a fraction, lies below the best one's.
        low, high: interval of that; those of all pairs on these faces hold together at 95%.
    """

    variant: str
    mean: float
    low: float
    high: float

    @property
    def is_apart(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """A study's variants on the clean faces of one validation split.

    Attributes:
        data: "SOURCE:SPLIT".
        n: faces that all runs predicted.
        best: variant with the highest mean accuracy over seeds.
        rivals: the other variants, from the highest accuracy on.
    """

    data: str
    n: int
    best: str
    rivals: tuple[Rival, ...]


def compare_variants(results: StudyResults) -> list[Comparison]:
    """Compare a study's variants on the faces of each validation split that all its runs predicted.

    A run has no prediction for a face whose class its network does not know. A split is left out if some run
    predicted none of its faces, or if there is one variant. Seeds are averaged face by face. The
    intervals are of the faces alone: other seeds would widen them.

    Raises:
        DataError: the table of answers is damaged or lacks a column.
    """
    answers = read_answers(results.plan)
    found = []
    for data in measured_on(results):
        right = _right(results, answers[answers["data"] == data])
        if len(right) and len(right.columns) > 1:
            accuracy = right.mean().sort_values(ascending=False, kind="stable")
            best, *others = map(str, accuracy.index)
            # Bonferroni over all pairs, since which variant is the best is read from the same faces.
            level = 1 - _ERROR / comb(len(accuracy), 2)
            rivals = [
                Rival(
                    variant,
                    accuracy[best] - accuracy[variant],
                    *bootstrap_mean(
                        *np.unique(right[best] - right[variant], return_counts=True),
                        level=level,
                        resamples=_RESAMPLES,
                    ),
                )
                for variant in others
            ]
            found.append(Comparison(data, len(right), best, tuple(rivals)))
    return found


def _right(results: StudyResults, answers: pd.DataFrame) -> pd.DataFrame:
    """Return the share of seeds that are right, one row per face and one column per variant.

    Faces that some run did not predict are left out.
    """
    runs = pd.MultiIndex.from_frame(results.runs[list(RUN_KEYS)])
    by_run = answers.assign(right=answers["label"] == answers["answer"]).pivot(
        index="row", columns=list(RUN_KEYS), values="right"
    )
    if not runs.isin(by_run.columns).all():
        return pd.DataFrame()
    return by_run[runs].dropna().astype(float).T.groupby(level="variant", sort=False).mean().T


def told_apart(comparison: Comparison, results: StudyResults) -> str:
    """Return a sentence on which variants do not differ significantly from the best one."""
    labels = labels_of(results)
    close = [labels[rival.variant] for rival in comparison.rivals if not rival.is_apart]
    only = labels[comparison.rivals[0].variant] if len(comparison.rivals) == 1 else None
    where = f"On {comparison.n:,} clean faces of {data_name(comparison.data)}"
    best = f"the best variant, **{labels[comparison.best]}**,"
    how = "(simultaneous 95% intervals)"
    if not close:
        once = "" if len(results.plan.seeds) > 1 else " Other seeds were not tried."
        return f"{where}, {best} is better than {only or 'every other one'} {how}.{once}"
    all_close = len(close) == len(comparison.rivals) > 1
    which = "any other one" if all_close else listed(close)
    return f"{where}, {best} does not differ significantly from {which} {how}."
