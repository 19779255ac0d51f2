"""Reading users' tables: any separator, decimal commas, words for true and false, rounded numbers.

Spreadsheets and scripts write the same table in many ways. What a table says is told from its content, and
where it cannot be, the reason that is given is the true one.
"""

import io
import re
from collections.abc import Callable, Sequence
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
#: Characters of a CSV's first line; those of its columns that are not read may be many.
_LONGEST_HEADER: Final = 100_000
#: Lines of a CSV for each row that may be read: spreadsheets write empty rows below a table.
_LINES_PER_ROW: Final = 2
#: Of a parquet file: characters of a text, of which a few bytes can stand for a million equal ones, and bytes
#: of the columns that are read, before they are decoded.
_LONGEST_TEXT: Final = 40
_MOST_UNPACKED: Final = 200_000_000
#: Digits of rounded numbers that are looked for: with more, rounding no longer shows in a sum.
_MOST_DIGITS: Final = 6
#: How near to a whole number a rounded number is when its digits are moved before the point.
_NEAR: Final = 1e-6


def read_user_table(
    content: bytes, keep: Callable[[str], bool], *, most_rows: int, most_columns: int
) -> pa.Table:
    """Return the columns of a CSV or parquet file that `keep` selects, by name.

    Args:
        content: of the file, which says of which kind it is.
        keep: whether a column of this name is wanted.
        most_rows: that are read.
        most_columns: that `keep` may select.

    Raises:
        ValueError: it is no table, or too large; the message says why.
        pyarrow.ArrowException: it is damaged.
    """
    if content.startswith(_PARQUET):
        return _read_parquet(content, keep, most_rows, most_columns)
    if content.startswith(_ZIP):
        raise ValueError("it is an Excel workbook or another archive; save the table as CSV")
    return _read_csv(_decoded(content), keep, most_rows, most_columns)


def _read_parquet(
    content: bytes, keep: Callable[[str], bool], most_rows: int, most_columns: int
) -> pa.Table:
    # A small file can hold a billion equal rows, a thousand columns of one value, or texts without end. What
    # can be told without decoding is told first; texts are decoded to one copy of each.
    file = pq.ParquetFile(io.BytesIO(content))
    _check_rows(file.metadata.num_rows, most_rows)
    fields = [field for field in file.schema_arrow if keep(field.name)]
    _check_columns(len(fields), most_columns)
    if len({field.name for field in fields}) < len(fields):
        raise ValueError("it has two columns of the same name")
    for field in fields:
        if not (_is_text(field.type) or _is_plain(field.type)):
            raise ValueError(
                f"{field.name} is of the type {field.type}; numbers, true and false, and texts are read"
            )
    if _unpacked_bytes(file.metadata, keep) > _MOST_UNPACKED:
        raise ValueError(f"it unpacks to more than {_MOST_UNPACKED / 1e6:.0f} MB")
    texts = [field.name for field in fields if _is_text(field.type)]
    file = pq.ParquetFile(io.BytesIO(content), read_dictionary=texts)
    columns = []
    for field in fields:
        # A page may unpack to more than the file says, up to 2 GB, so that of one column alone is in memory.
        column = file.read(columns=[field.name], use_threads=False)[field.name]
        is_text = pa.types.is_dictionary(column.type)
        columns.append(_as_texts(column, field.name) if is_text else column)
    return pa.table(columns, names=[field.name for field in fields])


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(test(kind) for test in tests)


def _is_plain(kind: pa.DataType) -> bool:
    tests = (pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return pa.types.is_null(kind) or any(test(kind) for test in tests)


def _unpacked_bytes(metadata: pq.FileMetaData, keep: Callable[[str], bool]) -> int:
    """Return the bytes of the pages of all kept columns; equal values are counted once per page."""
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    columns = [group.column(i) for group in groups for i in range(metadata.num_columns)]
    return sum(c.total_uncompressed_size for c in columns if keep(c.path_in_schema))


def _as_texts(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Return texts that are stored as a dictionary in full; raise ValueError if one is long."""
    for chunk in column.chunks:
        longest = pc.max(pc.utf8_length(chunk.dictionary)).as_py() or 0
        if longest > _LONGEST_TEXT:
            raise ValueError(
                f"{name} has a text of {longest:,} characters; at most {_LONGEST_TEXT} are read"
            )
    return column.cast(pa.string())


def _check_rows(n: int, most: int) -> None:
    if n > most:
        raise ValueError(f"it has {n:,} rows; at most {most:,} are read")


def _check_columns(n: int, most: int) -> None:
    if n > most:
        raise ValueError(f"it has {n:,} columns that would be read; at most {most:,} are")


def _decoded(content: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _read_csv(
    text: str, keep: Callable[[str], bool], most_rows: int, most_columns: int
) -> pa.Table:
    if text[: len(_EXCEL_HINT)].lower() == _EXCEL_HINT:
        text = text.partition("\n")[2]
    # What is too much is told before anything is parsed.
    header = _header(text)
    content = text.encode()
    lines = max(content.count(end) for end in (b"\n", b"\r"))
    if lines > _LINES_PER_ROW * most_rows:
        raise ValueError(f"it has {lines:,} lines; at most {most_rows:,} rows are read")

    def names(separator: str) -> list[str]:
        return [cell.strip().strip('"').strip() for cell in header.split(separator)]

    separator = max(_SEPARATORS, key=lambda s: sum(map(keep, names(s))))
    # Without rows, for the names as the parser has them.
    named = _parsed(f"{header}\n".encode(), separator).column_names
    wanted = [name for name in named if keep(name.strip())]
    _check_columns(len(wanted), most_columns)
    if not wanted:
        return pa.table({})
    table = _parsed(content, separator, wanted=wanted)
    if any(map(_has_decimal_comma, table.columns)):
        table = _parsed(content, separator, ",", wanted=wanted)
    table = table.rename_columns([name.strip() for name in wanted])
    # Spreadsheets write empty rows below a table.
    filled = np.any([column.is_valid().to_numpy() for column in table.columns], axis=0)
    table = table.slice(0, int(np.flatnonzero(filled)[-1]) + 1 if filled.any() else 0)
    _check_rows(table.num_rows, most_rows)
    return table


def _header(text: str) -> str:
    """Return the first line of a CSV that is not empty; raise ValueError if it is too long or blank."""
    # Line ends of old Macs are read too.
    match = re.match(r"[\r\n]*([^\r\n]*)", text)
    header = match[1] if match else ""
    if not header.strip():
        raise ValueError("it is empty")
    if len(header) > _LONGEST_HEADER:
        raise ValueError(
            f"its first line has {len(header):,} characters; at most {_LONGEST_HEADER:,} are read"
        )
    return header


def _parsed(
    content: bytes, separator: str, decimal: str = ".", *, wanted: Sequence[str] = ()
) -> pa.Table:
    """Return the columns `wanted` of a CSV, or all."""
    return pa_csv.read_csv(
        io.BytesIO(content),
        parse_options=pa_csv.ParseOptions(delimiter=separator),
        convert_options=pa_csv.ConvertOptions(
            decimal_point=decimal, strings_can_be_null=True, include_columns=list(wanted)
        ),
    )


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
