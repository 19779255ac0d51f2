"""Thumbnails of a data set's faces, shown for wrong predictions: one parquet file per split.

`python -m training thumbnails` writes them, of data sets whose terms let faces be shown. Nothing else needs
them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fer_core.data_names import known_data_sets
from fer_core.errors import DataError
from fer_core.files import replace_file
from fer_core.settings import models_root

_SCHEMA: Final = pa.schema({"row": pa.int64(), "image": pa.binary()})
#: What every JPEG file begins with.
_JPEG: Final = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnails:
    """The thumbnails of one split, still encoded.

    Attributes:
        positions: in `images`, by the data set's own number of each image.
        images: binary (N,), JPEG files.
    """

    positions: Mapping[int, int]
    images: pa.Array

    def __len__(self) -> int:
        return len(self.positions)

    def __contains__(self, row: object) -> bool:
        return row in self.positions

    def image(self, row: int) -> bytes:
        """Return the JPEG of the data set's image with a row number; raise DataError without one."""
        if row not in self.positions:
            raise DataError(
                f"There is no thumbnail of row {row}; there are {len(self):,}, of other rows. The data set "
                "may have been numbered again: write them with python -m training thumbnails SOURCE:SPLIT"
            )
        content: bytes = self.images[self.positions[row]].as_py()
        return content


def thumbnails_path(source: str, split: str) -> Path:
    """Return the path of a split's thumbnails, the same for sources with the same images."""
    known = known_data_sets().get(source)
    name = known.images_of if known else source
    return models_root() / "thumbnails" / f"{name}-{split}.parquet"


def read_thumbnails(source: str, split: str) -> Thumbnails | None:
    """Return the thumbnails of a split, None where there are none.

    Raises:
        DataError: the file is damaged; the message says how.
    """
    path = thumbnails_path(source, split)
    if not path.is_file():
        return None
    try:
        table = pq.read_table(path)
        if missing := set(_SCHEMA.names) - set(table.column_names):
            raise ValueError(f"it lacks the column {', '.join(sorted(missing))}")
        table = table.select(_SCHEMA.names).cast(_SCHEMA)
        return _parse(table)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(
            f"{path} is not a readable file of thumbnails ({error}). Restore it from version control, write "
            f"it again with python -m training thumbnails {source}:{split}, or remove it: nothing needs it."
        ) from error


def _parse(table: pa.Table) -> Thumbnails:
    """Return the content of a table; raise ValueError with the fault."""
    for name in _SCHEMA.names:
        if table[name].null_count:
            raise ValueError(f"the column {name} has empty values")
    is_jpeg = pc.starts_with(table["image"], _JPEG).to_numpy()
    if not is_jpeg.all():
        raise ValueError(f"image is no JPEG at position {int(np.argmin(is_jpeg))}")
    positions = {row: at for at, row in enumerate(table["row"].to_pylist())}
    if len(positions) < len(table):
        raise ValueError("a row is there twice")
    return Thumbnails(positions, pa.concat_arrays(table["image"].chunks))


def write_thumbnails(rows: np.ndarray, images: list[bytes], path: Path) -> None:
    """Write a file of thumbnails atomically; equal images give equal bytes.

    Args:
        rows: int64 (N,), the data set's own number of each image.
        images: N JPEG files.
        path: of the file.
    """
    table = pa.table({"row": rows, "image": images}, schema=_SCHEMA)
    replace_file(path, lambda file: pq.write_table(table, file, compression="zstd"))
