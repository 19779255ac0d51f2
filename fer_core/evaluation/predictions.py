"""A network's predictions on a data set: the predictions file, and the measures computed from it.

Every figure about a network is computed from its predictions file, so a new metric needs no new run and
cannot disagree with the stored numbers.
"""

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fer_core.errors import DataError, UnknownNameError
from fer_core.evaluation import metrics
from fer_core.evaluation.measures import MEASURES
from fer_core.expressions import Expression, parse_expression
from fer_core.files import replace_file
from fer_core.listing import listed
from fer_core.networks.bundles import CLEAN, PREDICTIONS_FOLDER, LandmarkMetrics, SplitMetrics
from fer_core.percent import p_in_words

#: Before an expression in the name of its column.
PROBABILITY: Final = "p_"
#: Beside the probabilities.
COLUMNS: Final = ("row", "label", "found_face", "clean")
#: How far a row of probabilities may be from summing to 1.
SUM_TOLERANCE: Final = 1e-4
#: Digits kept of a measure: finer than any decision, coarser than the last bits of another machine.
_DIGITS: Final = 7


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationResult:
    """One network's predictions on one split, in the split's order.

    Attributes:
        expressions: the network's classes, in the order of the columns of `probabilities`.
        rows: int64 (N,), the data set's own number of each image.
        labels: int64 (N,), indices into `expressions`.
        probabilities: float32 (N, C), calibrated, rows summing to 1.
        found_face: bool (N,), whether a face was found in the image. True throughout for a network
            that takes the data set's crops as they are, since no finder ran that could have missed
            one; for a network that sees landmarks, False where it answered without them.
        clean: bool (N,), False where the network's training data holds a copy of the image.
    """

    expressions: tuple[Expression, ...]
    rows: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    found_face: np.ndarray
    clean: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.rows)
        if self.probabilities.shape != (n, len(self.expressions)):
            raise ValueError(
                f"probabilities must have shape ({n}, {len(self.expressions)}), "
                f"got {self.probabilities.shape}"
            )
        for name in ("rows", "labels", "found_face", "clean"):
            if getattr(self, name).shape != (n,):
                raise ValueError(f"{name} must have shape ({n},), got {getattr(self, name).shape}")

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def predicted(self) -> np.ndarray:
        """The class of highest probability of each row, int64 (N,), indices into `expressions`."""
        result: np.ndarray = self.probabilities.argmax(axis=1)
        return result

    @property
    def confidence(self) -> np.ndarray:
        """The highest probability of each row, float32 (N,)."""
        result: np.ndarray = self.probabilities.max(axis=1)
        return result

    @property
    def is_right(self) -> np.ndarray:
        """Whether each row is predicted as labelled, bool (N,)."""
        result: np.ndarray = self.predicted == self.labels
        return result

    def select(self, keep: np.ndarray) -> "EvaluationResult":
        """Return the rows where the boolean mask `keep` (N,) is True, in the same order."""
        return EvaluationResult(
            expressions=self.expressions,
            rows=self.rows[keep],
            labels=self.labels[keep],
            probabilities=self.probabilities[keep],
            found_face=self.found_face[keep],
            clean=self.clean[keep],
        )

    def within(self, expressions: tuple[Expression, ...]) -> "EvaluationResult":
        """Return the rows labelled as one of `expressions`, with predictions among these only.

        The remaining probabilities are rescaled to sum to 1. If all of them are 0, they become uniform.
        """
        columns = [self.expressions.index(expression) for expression in expressions]
        places = np.full(len(self.expressions), -1)
        places[columns] = np.arange(len(columns))
        kept = self.select(places[self.labels] >= 0)
        said = kept.probabilities[:, columns]
        total = said.sum(axis=1, keepdims=True)
        return dataclasses.replace(
            kept,
            expressions=expressions,
            labels=places[kept.labels],
            probabilities=np.divide(
                said, total, out=np.full_like(said, 1 / len(columns)), where=total > 0
            ),
        )


def on_common_ground(results: Mapping[str, EvaluationResult]) -> dict[str, EvaluationResult]:
    """Restrict networks' predictions to the expressions that all of them know, in the first one's order.

    An accuracy over five expressions says nothing beside one over seven.

    Raises:
        DataError: they share fewer than two expressions.
    """
    if len({result.expressions for result in results.values()}) < 2:
        return dict(results)
    first, *others = (result.expressions for result in results.values())
    common = tuple(e for e in first if all(e in expressions for expressions in others))
    if len(common) < 2:
        raise DataError(
            f"{listed(results)} share fewer than two expressions, so they cannot be compared. Select one at "
            "a time."
        )
    return {name: result.within(common) for name, result in results.items()}


def predictions_path(bundle_folder: Path, source: str, split: str) -> Path:
    """Return the path of a bundle's predictions on a split."""
    return bundle_folder / PREDICTIONS_FOLDER / f"{source}-{split}.parquet"


def write_predictions(result: EvaluationResult, path: Path) -> None:
    """Write a predictions file atomically; equal results give equal bytes."""
    columns: dict[str, pa.Array] = {
        "row": pa.array(result.rows, pa.int64()),
        "label": pa.array(result.labels, pa.int64()),
    }
    for expression, column in zip(result.expressions, result.probabilities.T, strict=True):
        columns[PROBABILITY + expression] = pa.array(column, pa.float32())
    columns["found_face"] = pa.array(result.found_face, pa.bool_())
    columns["clean"] = pa.array(result.clean, pa.bool_())
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, lambda file: pq.write_table(pa.table(columns), file, compression="zstd"))


def predictions_of(bundle_folder: Path) -> dict[str, Path]:
    """Return the predictions files of a bundle, by "SOURCE:SPLIT"."""
    files = sorted((bundle_folder / PREDICTIONS_FOLDER).glob("*.parquet"))
    parts = [(*file.stem.rpartition("-"), file) for file in files]
    return {f"{source}:{split}": file for source, _, split, file in parts}


def read_predictions(path: Path) -> EvaluationResult:
    """Read and check a predictions file.

    Raises:
        DataError: the file is missing, is no parquet file, lacks a column, or holds values that no
            evaluation writes; the message names the column.
    """
    mend = "Write it again with: python -m training evaluate BUNDLE --data SOURCE:SPLIT"
    try:
        table = pq.read_table(path)
    except FileNotFoundError as error:
        raise DataError(f"There is no predictions file {path}. {mend}") from error
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path} is not a readable parquet file ({error}). {mend}") from error
    return result_of(table, str(path), mend)


def check_columns(
    table: pa.Table, where: str, mend: str, *, optional: Collection[str] = ()
) -> None:
    """Raise DataError unless a table has our columns, each once, at least one row, and no gaps.

    Args:
        table: of predictions.
        where: its file, for messages.
        mend: the sentence that says how to make it right.
        optional: columns that may be missing.
    """
    names = [name for name in table.column_names if name.startswith(PROBABILITY)]
    missing = set(COLUMNS) - set(table.column_names) - set(optional)
    if not names:
        missing.add(f"{PROBABILITY}<expression>")
    if missing:
        raise DataError(f"{where} lacks the column {', '.join(sorted(missing))}. {mend}")
    if len(set(table.column_names)) < len(table.column_names):
        raise DataError(f"{where} has two columns of the same name. {mend}")
    if not table.num_rows:
        raise DataError(f"{where} has no rows. {mend}")
    for name in table.column_names:
        if table[name].null_count:
            position = int(table[name].is_null().to_numpy().argmax())
            raise DataError(
                f"{where}: the column {name} has empty values, the first at position {position}. {mend}"
            )


def result_of(table: pa.Table, where: str, mend: str) -> EvaluationResult:
    """Return the predictions in a table; raise DataError with the place of the fault.

    `where` and `mend` are those of `check_columns`.
    """
    check_columns(table, where, mend)
    names = [name for name in table.column_names if name.startswith(PROBABILITY)]
    try:
        expressions = tuple(parse_expression(name.removeprefix(PROBABILITY)) for name in names)
        result = EvaluationResult(
            expressions=expressions,
            rows=_column(table, "row", np.int64),
            labels=_column(table, "label", np.int64),
            probabilities=np.stack([_column(table, name, np.float32) for name in names], axis=1),
            found_face=_column(table, "found_face", np.bool_),
            clean=_column(table, "clean", np.bool_),
        )
    except UnknownNameError as error:
        raise DataError(f"{where}: {error}") from error
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{where}: a column has values of the wrong kind ({error}). {mend}"
        ) from error
    if len(set(expressions)) < len(expressions):
        raise DataError(f"{where} has two columns for the same expression. {mend}")
    if problem := _problem(result, names):
        raise DataError(f"{where}: {problem}. {mend}")
    return result


def _column(table: pa.Table, name: str, kind: type[np.generic]) -> np.ndarray:
    values = table[name].to_numpy()
    if not np.can_cast(values.dtype, kind, casting="same_kind"):
        raise TypeError(f"{name} is {values.dtype}, expected {np.dtype(kind)}")
    # A value that is too large for the type becomes infinite, which is not a probability.
    with np.errstate(over="ignore"):
        result: np.ndarray = values.astype(kind)
        return result


def _problem(result: EvaluationResult, names: list[str]) -> str | None:
    """Return the fault in the values, with column and row; None if there is none."""
    p, labels = result.probabilities, result.labels
    for name, column in zip(names, p.T, strict=True):
        bad = np.flatnonzero(~((column >= 0) & (column <= 1 + SUM_TOLERANCE)))
        if len(bad):
            return f"{name} is {column[bad[0]]} at position {bad[0]}, not a probability"
    sums = p.sum(axis=1, dtype=np.float64)
    off = np.flatnonzero(np.abs(sums - 1) > SUM_TOLERANCE)
    if len(off):
        return (
            f"{names[0]} ... {names[-1]} sum to {sums[off[0]]:.6f} at position {off[0]}, not to 1"
        )
    outside = np.flatnonzero((labels < 0) | (labels >= len(names)))
    if len(outside):
        return f"label is {labels[outside[0]]} at position {outside[0]}, not in 0..{len(names) - 1}"
    return None


def measure(result: EvaluationResult, abstention_threshold: float) -> SplitMetrics:
    """Return all measures of a split, on all and on clean rows, rounded to seven digits.

    Classes without rows are left out of `per_class_recall`, and so are undefined measures. An accuracy
    without rows is 0; then `n_clean`, or `coverage` for covered rows, is 0 too.

    Raises:
        DataError: there are no rows at all.
    """
    if not len(result):
        raise DataError("There are no rows to measure.")
    clean = result.select(result.clean)
    y, p = result.labels, result.probabilities
    coverage, selective_accuracy = metrics.coverage_and_accuracy(y, p, abstention_threshold)
    recall = metrics.per_class_recall(y, p)
    return SplitMetrics.model_validate(
        {
            "n": len(result),
            "n_clean": len(clean),
            "accuracy_clean": 0.0,
            **_measures(result),
            **{f"{name}{CLEAN}": value for name, value in _measures(clean).items()},
            "coverage": _rounded(coverage),
            "selective_accuracy": _rounded(selective_accuracy),
            "per_class_recall": {
                expression: _rounded(value)
                for expression, value in zip(result.expressions, recall.tolist(), strict=True)
                if not np.isnan(value)
            },
        }
    )


def _measures(result: EvaluationResult) -> dict[str, float]:
    """Return the measures that are defined on these rows, by name."""
    values = {m.name: m.of(result.labels, result.probabilities) for m in MEASURES}
    return {name: _rounded(value) for name, value in values.items() if not np.isnan(value)}


def measure_landmarks(result: EvaluationResult, withheld: EvaluationResult) -> LandmarkMetrics:
    """Return the effect of landmarks on a network's accuracy, rounded to seven digits.

    Args:
        result: its answers.
        withheld: its answers to the same rows as if no landmarks had been found in any.
    """
    found = result.found_face

    def accuracy(rows: EvaluationResult) -> float | None:
        return _rounded(metrics.accuracy(rows.labels, rows.probabilities)) if len(rows) else None

    return LandmarkMetrics(
        n_found=int(found.sum()),
        accuracy_found=accuracy(result.select(found)),
        n_not_found=int((~found).sum()),
        accuracy_not_found=accuracy(result.select(~found)),
        accuracy_withheld=_rounded(metrics.accuracy(withheld.labels, withheld.probabilities)),
    )


def _rounded(value: float) -> float:
    return 0.0 if np.isnan(value) else round(value, _DIGITS)


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """The comparison of two networks on the same rows.

    Attributes:
        n: rows.
        both, only_first, only_second, neither: rows by who answers as labelled; they sum to `n`.
        p_value: McNemar's, exact and two-sided.
        interval: 95 % bootstrap interval of `difference`.
    """

    n: int
    both: int
    only_first: int
    only_second: int
    neither: int
    p_value: float
    interval: tuple[float, float]

    @property
    def accuracies(self) -> tuple[float, float]:
        """Accuracy of the first and of the second network; NaN without rows."""
        if not self.n:
            return float("nan"), float("nan")
        return (self.both + self.only_first) / self.n, (self.both + self.only_second) / self.n

    @property
    def difference(self) -> float:
        """The second accuracy minus the first."""
        first, second = self.accuracies
        return second - first

    @property
    def p_in_words(self) -> str:
        """The p-value as tables have it."""
        return p_in_words(self.p_value)

    def in_points(self, *, digits: int) -> str:
        """Return the difference with its interval in percentage points: "+1.8 (+1.3 to +2.3)"."""
        low, high = (f"{100 * bound:+.{digits}f}" for bound in self.interval)
        return f"{100 * self.difference:+.{digits}f} ({low} to {high})"


def check_same_rows(first: EvaluationResult, second: EvaluationResult) -> None:
    """Raise DataError unless two networks' predictions have the same rows with the same labels."""
    if not np.array_equal(first.rows, second.rows):
        raise DataError("The two predictions are not of the same rows; evaluate both on one split.")
    names_first, names_second = (np.array(r.expressions)[r.labels] for r in (first, second))
    if not np.array_equal(names_first, names_second):
        raise DataError(
            "The two predictions have different labels for the same rows. Evaluate both networks again on "
            "one data set."
        )


def compare(first: EvaluationResult, second: EvaluationResult) -> PairedComparison:
    """Compare two networks' predictions on the same split, row by row.

    Raises:
        DataError: they are not of the same rows, or have other labels.
    """
    check_same_rows(first, second)
    right, also_right = first.is_right, second.is_right
    n = len(first)
    only_first, only_second = int((right & ~also_right).sum()), int((also_right & ~right).sum())
    equal = n - only_first - only_second
    return PairedComparison(
        n=n,
        both=int((right & also_right).sum()),
        only_first=only_first,
        only_second=only_second,
        neither=int((~right & ~also_right).sum()),
        p_value=metrics.mcnemar_p(only_first, only_second),
        interval=metrics.bootstrap_mean([-1, 1, 0], [only_first, only_second, equal]),
    )


def compare_clean(first: EvaluationResult, second: EvaluationResult) -> PairedComparison:
    """Compare two networks' predictions on the rows that are clean for both.

    Raises:
        DataError: as `compare`.
    """
    check_same_rows(first, second)
    clean = first.clean & second.clean
    return compare(first.select(clean), second.select(clean))
