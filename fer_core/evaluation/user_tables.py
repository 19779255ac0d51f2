"""Reading users' tables: any separator, decimal commas, words for true and false, rounded numbers.

Spreadsheets and scripts write the same table in many ways. What a table says is told from its content, and
where it cannot be, the reason that is given is the true one.
"""

import io
from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

_PARQUET: Final = b"PAR1"
_ZIP: Final = b"PK\x03\x04"
_BYTE_ORDER_MARKS: Final = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_SEPARATORS: Final = (",", ";", "\t", "|")
#: Excel's own first line, which names the separator.
_EXCEL_HINT: Final = "sep="
#: As scripts write them, and Excel in English, German, French and Spanish.
_TRUE: Final = frozenset({"true", "1", "yes", "y", "t", "wahr", "vrai", "verdadero"})
_FALSE: Final = frozenset({"false", "0", "no", "n", "f", "falsch", "faux", "falso"})
#: Digits of rounded numbers that are looked for: with more, rounding no longer shows in a sum.
_MOST_DIGITS: Final = 6
#: How near to a whole number a rounded number is when its digits are moved before the point.
_NEAR: Final = 1e-6


def read_user_table(content: bytes, keep: Callable[[str], bool], *, most_rows: int) -> pa.Table:
    """Return the columns of a CSV or parquet file that `keep` selects, by name.

    Args:
        content: of the file, which says of which kind it is.
        keep: whether a column of this name is wanted.
        most_rows: that are read.

    Raises:
        ValueError: it is no table, or too long; the message says why.
        pyarrow.ArrowException: it is damaged.
    """
    if content.startswith(_PARQUET):
        return _read_parquet(content, keep, most_rows)
    if content.startswith(_ZIP):
        raise ValueError("it is an Excel workbook or another archive; save the table as CSV")
    return _read_csv(_decoded(content), keep, most_rows)


def _read_parquet(content: bytes, keep: Callable[[str], bool], most_rows: int) -> pa.Table:
    # A small file can hold a billion equal rows, or texts without end in columns that nobody asked for.
    file = pq.ParquetFile(io.BytesIO(content))
    _check_rows(file.metadata.num_rows, most_rows)
    return file.read(columns=[name for name in file.schema_arrow.names if keep(name)])


def _check_rows(n: int, most: int) -> None:
    if n > most:
        raise ValueError(f"it has {n:,} rows; at most {most:,} are read")


def _decoded(content: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _read_csv(text: str, keep: Callable[[str], bool], most_rows: int) -> pa.Table:
    if text[: len(_EXCEL_HINT)].lower() == _EXCEL_HINT:
        text = text.partition("\n")[2]
    header = text.lstrip("\r\n").partition("\n")[0].rstrip("\r")
    if not header.strip():
        raise ValueError("it is empty")

    def names(separator: str) -> list[str]:
        return [cell.strip().strip('"').strip() for cell in header.split(separator)]

    separator = max(_SEPARATORS, key=lambda s: sum(map(keep, names(s))))
    content = text.encode()
    table = _parsed(content, separator, ".")
    wanted = [place for place, name in enumerate(table.column_names) if keep(name)]
    if any(_has_decimal_comma(table.column(place)) for place in wanted):
        table = _parsed(content, separator, ",")
    table = table.select(wanted)
    if wanted:
        # Spreadsheets write empty rows below a table.
        filled = np.any([column.is_valid().to_numpy() for column in table.columns], axis=0)
        table = table.slice(0, int(np.flatnonzero(filled)[-1]) + 1 if filled.any() else 0)
    _check_rows(table.num_rows, most_rows)
    return table


def _parsed(content: bytes, separator: str, decimal: str) -> pa.Table:
    table = pa_csv.read_csv(
        io.BytesIO(content),
        parse_options=pa_csv.ParseOptions(delimiter=separator),
        convert_options=pa_csv.ConvertOptions(decimal_point=decimal, strings_can_be_null=True),
    )
    return table.rename_columns([name.strip() for name in table.column_names])


def _has_decimal_comma(column: pa.ChunkedArray) -> bool:
    if not pa.types.is_string(column.type):
        return False
    return bool(pc.any(pc.match_substring_regex(column, r"^\s*\d*,\d+")).as_py())


def numbers(column: pa.ChunkedArray, name: str) -> np.ndarray:
    """Return a column as float64 (N,).

    Raises:
        ValueError: it holds something else; the message says what and where.
    """
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return np.asarray(column.to_numpy(), np.float64)
    if pa.types.is_decimal(column.type):
        return np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)
    position, value = _first(column, _is_no_number)
    raise ValueError(f"{name} is {value} at position {position}, not a number")


def whole_numbers(column: pa.ChunkedArray, name: str) -> np.ndarray:
    """Return a column as int64 (N,); raise ValueError as `numbers`."""
    if pa.types.is_signed_integer(column.type):
        return np.asarray(column.to_numpy(), np.int64)
    values = numbers(column, name)
    bad = np.flatnonzero(~((values == np.rint(values)) & (np.abs(values) < 2.0**53)))
    if len(bad):
        raise ValueError(f"{name} is {values[bad[0]]} at position {bad[0]}, not a whole number")
    return np.asarray(values, np.int64)


def booleans(column: pa.ChunkedArray, name: str) -> np.ndarray:
    """Return a column of true and false, 1 and 0, or words for them as bool (N,).

    Raises:
        ValueError: it holds something else; the message says what and where.
    """
    if pa.types.is_boolean(column.type):
        return np.asarray(column.to_numpy(), np.bool_)
    unique = pc.unique(column)
    meanings = {value: _boolean(value) for value in unique.to_pylist()}
    if None in meanings.values():
        position, value = _first(column, lambda v: _boolean(v) is None)
        raise ValueError(f"{name} is {value} at position {position}, neither true nor false")
    places = pc.index_in(column, value_set=pa.array(unique)).to_numpy()
    return np.asarray(np.array(list(meanings.values()), np.bool_)[places])


def _boolean(value: object) -> bool | None:
    word = f"{value:g}" if isinstance(value, int | float) else str(value).strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _is_no_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return True
    return False


def _first(column: pa.ChunkedArray, is_bad: Callable[[object], bool]) -> tuple[int, str]:
    """Return position and text of the first bad value, or else of the first one."""
    values = column.to_pylist()
    position = next((i for i, value in enumerate(values) if is_bad(value)), 0)
    text = repr(values[position])
    return position, text if len(text) <= 40 else f"{text[:40]}..."


def rounding_errors(values: np.ndarray) -> np.ndarray:
    """Return the possible rounding error of each number, estimated from the digits of all.

    Numbers may be rounded to so many decimals, to so many digits, or to 16 bits.

    Args:
        values: float64 (N, C), in [0, 1].

    Returns:
        float64 (N, C), 0 where there is no sign of rounding.
    """
    errors = np.zeros_like(values)
    if np.array_equal(values, np.rint(values)):
        return errors
    for decimals in range(1, _MOST_DIGITS + 1):
        if _is_whole(values * 10.0**decimals):
            errors = np.maximum(errors, 0.5 * 10.0**-decimals)
            break
    exponents = np.floor(np.log10(np.where(values > 0, values, 1.0)) + 1e-12)
    for digits in range(1, _MOST_DIGITS + 1):
        if _is_whole(values * 10.0 ** (digits - 1 - exponents)):
            unit = 10.0 ** (exponents - digits + 1)
            errors = np.maximum(errors, np.where(values > 0, 0.5 * unit, 0.0))
            break
    half = values.astype(np.float16)
    spacing = np.spacing(half).astype(np.float64)
    if np.array_equal(values, half):
        return np.asarray(np.maximum(errors, spacing / 2))
    # In a text, a number of 16 bits has as many digits as tell it from its neighbours: rounded once more.
    every, places = np.unique(half, return_inverse=True)
    shortest = np.array([float(str(value)) for value in every])[places].reshape(values.shape)
    return np.asarray(np.maximum(errors, spacing)) if np.array_equal(values, shortest) else errors


def _is_whole(values: np.ndarray) -> bool:
    return bool(np.all(np.abs(values - np.rint(values)) <= _NEAR))
