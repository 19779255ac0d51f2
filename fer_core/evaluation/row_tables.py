"""Tables whose rows are values of one dataclass, as parquet files under the bundle root."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import pandas as pd

from fer_core.errors import DataError
from fer_core.files import replace_file


class Row(Protocol):
    """A row: any dataclass instance."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


R = TypeVar("R", bound=Row)


def _columns(kind: type[Any]) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]


def write_row_table(rows: Sequence[Row], kind: type[Row], path: Path) -> None:
    """Write rows atomically; equal rows give equal bytes."""
    table = pd.DataFrame([dataclasses.asdict(row) for row in rows], columns=_columns(kind))
    replace_file(path, lambda file: table.to_parquet(file, index=False, compression="zstd"))


def read_row_table(path: Path, kind: type[R], *, what: str, mend: str) -> list[R]:
    """Return the rows of a table that `write_row_table` wrote; their values are not checked.

    Args:
        path: of the file.
        kind: the dataclass of the rows.
        what: the table is of, for messages.
        mend: the sentence that says how to write it.

    Raises:
        DataError: it is missing, is no parquet file, or lacks a column.
    """
    if not path.is_file():
        raise DataError(f"There is no table of {what} {path}. {mend}")
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is not a readable table of {what} ({error}). {mend}") from error
    if missing := [name for name in _columns(kind) if name not in table.columns]:
        raise DataError(f"{path} lacks the column {', '.join(missing)}. {mend}")
    return [kind(*values) for values in table[_columns(kind)].itertuples(index=False)]
