"""A user's predictions on a data set: the template of their table, and what may be in it."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fer_core.errors import DataError, UnknownNameError
from fer_core.evaluation.predictions import (
    COLUMNS,
    PROBABILITY,
    SUM_TOLERANCE,
    EvaluationResult,
    check_columns,
    result_of,
)
from fer_core.evaluation.user_tables import (
    booleans,
    numbers,
    read_user_table,
    rounding_errors,
    whole_numbers,
)
from fer_core.expressions import Expression, parse_expression

_MOST_ROWS: Final = 1_000_000
#: Twice the expressions that there are: a column too many is then named, a thousand are not read.
_MOST_COLUMNS: Final = 2 * len(Expression) + len(COLUMNS)
#: Deviation of a sum from 1 that is ignored.
_SUM_EXACT: Final = 1e-6
#: Characters of a label of which an error says more than the first: finding the nearest name takes long.
_LONGEST_LABEL: Final = 40
_MEND: Final = (
    "The columns are row (the number of the image in its data set), label (an expression, or its index among "
    f"the columns that follow), {PROBABILITY}<expression> for each expression (a probability), found_face "
    "and clean (true or false). found_face may be left out."
)


def template_csv(result: EvaluationResult) -> str:
    """Return a CSV for predictions on the rows of a result; its columns of probabilities are empty."""
    import pandas as pd

    columns = {
        "row": result.rows,
        "label": [str(result.expressions[label]) for label in result.labels],
        **{f"{PROBABILITY}{expression}": "" for expression in result.expressions},
        "found_face": result.found_face,
        "clean": result.clean,
    }
    return pd.DataFrame(columns).to_csv(index=False)


def parse_predictions(
    content: bytes, name: str, *, ours: EvaluationResult | None = None
) -> EvaluationResult:
    """Read and check a user's predictions, a CSV or parquet file with the columns of our files.

    Any usual separator, decimal commas and words for true and false are understood, and labels may be words.
    Rows that do not sum to 1 because their numbers are rounded are made to. Without the column found_face,
    a face was found in every image.

    Args:
        content: of the file.
        name: of the file, for messages.
        ours: a network's predictions on the same data set, to take the column clean from if it is missing.

    Raises:
        DataError: as `read_predictions`; the message names column and position.
    """
    try:
        table = read_user_table(content, _is_ours, most_rows=_MOST_ROWS, most_columns=_MOST_COLUMNS)
    except (pa.ArrowException, ValueError, OSError) as error:
        raise DataError(f"{name} cannot be read as CSV or parquet ({error}). {_MEND}") from error
    optional = ("found_face",) if ours is None else ("found_face", "clean")
    check_columns(table, name, _MEND, optional=optional)
    try:
        table = _as_written(table, ours)
    except UnknownNameError as error:
        raise DataError(f"{name}: {error}") from error
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"{name}: {error}. {_MEND}") from error
    return result_of(table, name, _MEND)


def _is_ours(column: str) -> bool:
    return column.startswith(PROBABILITY) or column in COLUMNS


def _as_written(table: pa.Table, ours: EvaluationResult | None) -> pa.Table:
    """Convert a user's table to our types; rows that differ by rounding are made to sum to 1.

    Raises:
        ValueError: a column cannot be had in its type; the message says where.
        UnknownNameError: a column or a label names no expression.
    """
    names = [name for name in table.column_names if name.startswith(PROBABILITY)]
    rows = whole_numbers(table["row"], "row")
    columns = {"row": rows, "label": _labels(table["label"], names)}
    p = _normalized(np.stack([numbers(table[name], name) for name in names], axis=1))
    columns |= dict(zip(names, p.T, strict=True))
    columns["found_face"] = np.ones(len(rows), np.bool_)
    columns |= {
        name: booleans(table[name], name)
        for name in ("found_face", "clean")
        if name in table.column_names
    }
    if ours is not None and "clean" not in columns:
        columns["clean"] = _clean_of(rows, ours)
    return pa.table(columns)


def _labels(column: pa.ChunkedArray, names: Sequence[str]) -> np.ndarray:
    """Return labels, numbers or words, as indices of the columns `names` of probabilities, int64 (N,)."""
    if not pa.types.is_string(column.type):
        return whole_numbers(column, "label")
    expressions = [parse_expression(name.removeprefix(PROBABILITY)) for name in names]
    words = pc.unique(column)
    indices = []
    for word in words.to_pylist():
        short = word if len(word) <= _LONGEST_LABEL else f"{word[:_LONGEST_LABEL]}..."
        try:
            label = parse_expression(short)
        except UnknownNameError as error:
            position = pc.index(column, word).as_py()
            raise UnknownNameError(f"label at position {position}: {error}") from error
        if label not in expressions:
            raise ValueError(
                f"label is {short!r} at position {pc.index(column, word).as_py()}, but there is no column "
                f"{PROBABILITY}{label}; add it, or leave such rows out"
            )
        indices.append(expressions.index(label))
    places = pc.index_in(column, value_set=words).to_numpy()
    return np.asarray(np.array(indices, np.int64)[places])


def _clean_of(rows: np.ndarray, ours: EvaluationResult) -> np.ndarray:
    """Return whether each row is clean in `ours`, bool (N,); raise ValueError if it does not have one."""
    places = pc.index_in(pa.array(rows), value_set=pa.array(ours.rows))
    if places.null_count:
        position = int(places.is_null().to_numpy(zero_copy_only=False).argmax())
        raise ValueError(
            f"row is {rows[position]} at position {position}, which the template does not have; use its row "
            "numbers, or add the column clean"
        )
    return np.asarray(ours.clean[places.to_numpy()])


def _normalized(p: np.ndarray) -> np.ndarray:
    """Return probabilities, float64 (N, C); rows that are off by rounding are made to sum to 1."""
    sums = p.sum(axis=1, keepdims=True)
    if not np.all((p >= 0) & (p <= 1)) or np.all(np.abs(sums - 1) <= _SUM_EXACT):
        return p
    allowed = np.maximum(rounding_errors(p).sum(axis=1, keepdims=True), SUM_TOLERANCE)
    # A sum of as many rounded numbers may be at the very limit, where the last bits decide.
    explained = (np.abs(sums - 1) <= allowed * (1 + 1e-9)) & (sums > 0)
    return np.asarray(np.divide(p, sums, out=p.copy(), where=explained))
