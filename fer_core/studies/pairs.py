"""Which of a study's variants are told apart from its best one: a paired bootstrap over validation faces."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from fer_core.data_names import data_name, source_of, split_of
from fer_core.evaluation.predictions import read_predictions
from fer_core.studies.numbers import labels_of, measured_on
from fer_core.studies.plans import StudyResults, predictions_folder

_RESAMPLES: Final = 10_000
_LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Rival:
    """A variant beside the best one.

    Attributes:
        variant: its name.
        low, high: 95% interval of how far its accuracy, a fraction, lies below the best one's.
    """

    variant: str
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
        n: faces.
        best: variant with the highest mean accuracy over seeds.
        rivals: the other variants, from the highest accuracy on.
    """

    data: str
    n: int
    best: str
    rivals: tuple[Rival, ...]


def compare_variants(results: StudyResults) -> list[Comparison]:
    """Compare a study's variants on each validation split of whose same faces all runs have predictions.

    Seeds are averaged face by face. The intervals are of the faces alone: other seeds would widen them.

    Raises:
        DataError: predictions are damaged.
    """
    found = []
    for data in measured_on(results):
        if split_of(data) == "valid" and (right := _right(results, data)):
            accuracy = {variant: float(rows.mean()) for variant, rows in right.items()}
            best, *others = sorted(accuracy, key=lambda variant: -accuracy[variant])
            rivals = [Rival(v, *_interval(right[best] - right[v])) for v in others]
            found.append(Comparison(data, len(right[best]), best, tuple(rivals)))
    return found


def _right(results: StudyResults, data: str) -> dict[str, np.ndarray]:
    """Return the share of each variant's seeds that are right, float (faces,); empty without such faces."""
    shares: dict[str, list[np.ndarray]] = {}
    rows = None
    for variant, seed in zip(results.runs["variant"], results.runs["seed"], strict=True):
        folder = predictions_folder(results.plan.name, str(variant), int(seed))
        path = folder / f"{source_of(data)}-{split_of(data)}.parquet"
        if not path.is_file():
            return {}
        stored = read_predictions(path)
        clean = stored.select(stored.clean)
        if rows is not None and not np.array_equal(rows, clean.rows):
            # Variants that learn other labels may be measured on other faces.
            return {}
        rows = clean.rows
        shares.setdefault(str(variant), []).append(
            clean.probabilities.argmax(axis=1) == clean.labels
        )
    return {variant: np.mean(seeds, axis=0) for variant, seeds in shares.items()}


def _interval(differences: np.ndarray) -> tuple[float, float]:
    """Return the percentile interval of a mean over resampled faces."""
    values, counts = np.unique(differences, return_counts=True)
    n = len(differences)
    drawn = np.random.default_rng(0).multinomial(n, counts / n, size=_RESAMPLES)
    tail = (1 - _LEVEL) / 2
    low, high = np.quantile(drawn @ values / n, [tail, 1 - tail])
    return float(low), float(high)


def told_apart(comparison: Comparison, results: StudyResults) -> str:
    """Return sentences on which variants cannot be told apart from the best one."""
    labels = labels_of(results)
    close = [labels[rival.variant] for rival in comparison.rivals if not rival.is_apart]
    where = f"On {comparison.n:,} clean faces of {data_name(comparison.data)}"
    best = f"**{labels[comparison.best]}**"
    if not close:
        return f"{where}, {best} is better than every other variant (paired bootstrap, 95%)."
    if len(close) == len(comparison.rivals):
        which = "no other variant"
        return f"{where}, {which} is told apart from {best} (paired bootstrap, 95%)."
    return f"{where}, {best} is not told apart from {_listed(close)} (paired bootstrap, 95%)."


def _listed(names: Sequence[object]) -> str:
    *others, last = map(str, names)
    return f"{', '.join(others)} and {last}" if others else last
