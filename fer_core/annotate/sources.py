"""The input of bulk annotation: photos below a folder, or images in a column of parquet files.

Both are listed in one fixed order and cut into partitions; a photo's number is its place in that order.
"""

import hashlib
import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import pyarrow as pa
from pyarrow import parquet

from fer_core.annotate.storage import HIDDEN, Place, list_files, read_bytes
from fer_core.batch.inputs import MAX_FILE_BYTES
from fer_core.batch.skipped import SYSTEM_FILE, Skipped
from fer_core.content import (
    HEAD_BYTES,
    UNKNOWN,
    Content,
    content_of_head,
    is_system_file,
    kind_of_unknown,
)
from fer_core.content import Kind as ContentKind
from fer_core.errors import DataError
from fer_core.files import readable_name

#: Default names of columns.
IMAGE_COLUMNS: Final = ("image", "bytes")
ID_COLUMN: Final = "id"
#: Most photos of a partition, unless the user says otherwise: some half a minute of a core's work, which
#: is what a killed process loses.
MAX_PARTITION: Final = 1000
#: Small inputs are cut finer, so that there is work for this many cores.
MIN_PARTITIONS: Final = 64
_TABLE_SUFFIX: Final = ".parquet"
#: Threads that read the first bytes of files; an object store takes about 20 ms for each.
_LOOKING_THREADS: Final = 16
#: Reason for skipping files that only `analyze` reads.
_WHY: Final = {
    ContentKind.VIDEO: "Videos are for python -m fer_core analyze.",
    ContentKind.ARCHIVE: "Unpack first, or give it to python -m fer_core analyze.",
}
#: Rows of a parquet file that are in memory at once.
_BATCH_ROWS: Final = 16
#: Bytes that are read of a parquet file at once; without it whole row groups are, which may be gigabytes.
_BUFFER_BYTES: Final = 1 << 20


class Kind(StrEnum):
    """The kind of an input."""

    PHOTOS = "photos"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a parquet file that are read.

    Attributes:
        image: the column of encoded images, binary, or a struct with a field `bytes`.
        in_struct: whether it is such a struct.
        id: the column that names a row; None if rows are named by file and number.
    """

    image: str
    in_struct: bool
    id: str | None


@dataclass(frozen=True, slots=True)
class Partition:
    """Consecutive photos that are annotated into one file.

    Attributes:
        number: from 0.
        first: number in the whole input of its first photo.
        count: of its photos.
        files: relative to the input; its photos, or the one parquet file.
        start: row of the parquet file that it begins at; 0 for photos.
    """

    number: int
    first: int
    count: int
    files: tuple[str, ...]
    start: int = 0


@dataclass(frozen=True, slots=True)
class EncodedPhoto:
    """A photo as read from the input, still encoded.

    Attributes:
        number: place in the whole input, from 0.
        id: what names it to the user.
        content: the file's bytes; None if they cannot be had.
        error: why not; None if they can.
    """

    number: int
    id: str
    content: bytes | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """The content of an input.

    Attributes:
        kind: what its files are.
        files: relative to the input, in order.
        sizes: of these in bytes.
        rows: images in each file, 1 for photos.
        columns: of parquet files; None for photos.
    """

    kind: Kind
    files: tuple[str, ...]
    sizes: tuple[int, ...]
    rows: tuple[int, ...]
    columns: Columns | None = None

    @property
    def photos(self) -> int:
        """Number of images."""
        return sum(self.rows)

    @property
    def sha256(self) -> str:
        """Digest of names, sizes and rows: equal listings are cut into the same partitions."""
        digest = hashlib.sha256()
        for entry in zip(self.files, self.sizes, self.rows, strict=True):
            digest.update(repr(entry).encode())
        return digest.hexdigest()

    def partition_size(self) -> int:
        """Return a suitable number of photos per partition for this input."""
        return max(1, min(MAX_PARTITION, math.ceil(self.photos / MIN_PARTITIONS)))

    def partitions(self, size: int) -> list[Partition]:
        """Return all partitions of at most `size` photos; each lies within one parquet file."""
        if self.kind is Kind.PHOTOS:
            pieces = (self.files[i : i + size] for i in range(0, len(self.files), size))
            return [
                Partition(number, number * size, len(piece), piece)
                for number, piece in enumerate(pieces)
            ]
        found: list[Partition] = []
        first = 0
        for file, rows in zip(self.files, self.rows, strict=True):
            for start in range(0, rows, size):
                count = min(size, rows - start)
                found.append(Partition(len(found), first + start, count, (file,), start))
            first += rows
        return found


def folder_of(place: Place) -> Place:
    """Return the folder that an input's names are relative to: itself, or that of a single file.

    Raises:
        DataError: the store does not answer.
    """
    try:
        size = place.file_size()
    except OSError as error:
        raise DataError(
            f"{place.url} cannot be reached ({error}). Check the address, the network and the credentials."
        ) from error
    return place if size is None else Place(place.url, place.files, place.path.rpartition("/")[0])


def list_input(
    place: Place,
    *,
    image_column: str | None = None,
    id_column: str | None = None,
    skipped: Skipped | None = None,
) -> Listing:
    """Return the content of an input.

    Args:
        place: a folder, a photo or a parquet file.
        image_column: of parquet files; by default the first of IMAGE_COLUMNS that is there.
        id_column: of parquet files; by default ID_COLUMN, if it is there.
        skipped: counts what is neither.

    Raises:
        DataError: there is nothing to annotate, photos and parquet files are mixed, or a column is missing.
    """
    skipped = skipped or Skipped()
    folder = folder_of(place)
    if folder is place:
        found = list_files(place, recursive=True)
    else:
        found = [(place.path.rpartition("/")[2], place.file_size() or 0)]
    tables, photos = _sorted_out(folder, found, skipped)
    if tables and photos:
        raise DataError(
            f"{place.url} holds {len(photos)} photos and {len(tables)} parquet files. Annotate them "
            "one after the other, from folders of their own."
        )
    if not tables and not photos:
        passed_over = "".join(f" {line}" for line in skipped.lines())
        raise DataError(
            f"{place.url} holds no photos and no parquet files. Check the path.{passed_over}"
        )
    if photos:
        files, sizes = zip(*photos, strict=True)
        return Listing(Kind.PHOTOS, files, sizes, (1,) * len(files))
    return _list_tables(place, tables, image_column, id_column)


def _sorted_out(
    folder: Place, found: list[tuple[str, int]], skipped: Skipped
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Return the parquet files and the photos among files with their sizes.

    What is called a photo is believed, since reading it tells the same. All else is told by its first bytes.
    """
    tables, photos, unknown = [], [], []
    for name, size in found:
        base = name.rpartition("/")[2]
        if is_system_file(name):
            skipped.add(name, SYSTEM_FILE)
        elif base.lower().endswith(_TABLE_SUFFIX):
            if not base.startswith(HIDDEN):
                tables.append((name, size))
        elif kind_of_unknown(name) is ContentKind.PHOTO:
            photos.append((name, size))
        else:
            unknown.append((name, size))

    def content(file: tuple[str, int]) -> Content:
        try:
            return content_of_head(read_bytes(folder, file[0], at_most=HEAD_BYTES))
        except OSError:
            return UNKNOWN

    with ThreadPoolExecutor(_LOOKING_THREADS) as threads:
        for file, seen in zip(unknown, threads.map(content, unknown), strict=True):
            if seen.kind in (ContentKind.PHOTO, ContentKind.ANIMATION):
                photos.append(file)
            else:
                skipped.add_content(file[0], seen, _WHY.get(seen.kind, ""))
    return tables, sorted(photos)


def _list_tables(
    place: Place, tables: list[tuple[str, int]], image_column: str | None, id_column: str | None
) -> Listing:
    folder = folder_of(place)
    columns, rows = None, []
    for name, _ in tables:
        try:
            with open_table(folder, name) as table:
                here = _columns(f"{place.url}: {name}", table.schema_arrow, image_column, id_column)
                rows.append(table.metadata.num_rows)
        except (OSError, pa.ArrowException) as error:
            raise DataError(
                f"{place.url}: {name} is not a readable parquet file ({error}). Remove or replace it."
            ) from error
        if columns not in (None, here):
            raise DataError(
                f"{place.url}: {name} has its images or ids in other columns than the files before it. Name "
                "them with --image-column and --id-column."
            )
        columns = here
    files, sizes = zip(*tables, strict=True)
    return Listing(Kind.PARQUET, files, sizes, tuple(rows), columns)


def _columns(file: str, schema: pa.Schema, image: str | None, row_id: str | None) -> Columns:
    wanted = (image,) if image else IMAGE_COLUMNS
    image = next((name for name in wanted if name in schema.names), None)
    has = f"It has: {', '.join(schema.names)}."
    if image is None:
        raise DataError(
            f"{file} has no column {' or '.join(wanted)}. {has} Name one with --image-column."
        )
    if row_id and row_id not in schema.names:
        raise DataError(f"{file} has no column {row_id}. {has} Name one with --id-column.")
    if row_id is None and ID_COLUMN in schema.names:
        row_id = ID_COLUMN
    kind = schema.field(image).type
    in_struct = pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0
    content = kind.field("bytes").type if in_struct else kind
    if not (pa.types.is_binary(content) or pa.types.is_large_binary(content)):
        raise DataError(
            f"{file}: the column {image} is of type {kind}, and must hold the bytes of image files, or a "
            "struct with a field `bytes` of them."
        )
    return Columns(image, in_struct, row_id)


def read_photos(
    place: Place, columns: Columns | None, partition: Partition
) -> Iterator[EncodedPhoto]:
    """Yield a partition's photos in order, reading each on demand.

    Args:
        place: the input.
        columns: of parquet files; None for photos.
        partition: of that input.
    """
    folder = folder_of(place)
    if columns is not None:
        yield from _read_rows(folder, columns, partition)
        return
    for number, name in enumerate(partition.files, start=partition.first):
        try:
            content = read_bytes(folder, name, at_most=MAX_FILE_BYTES + 1)
        except OSError as error:
            message = f"The file cannot be read ({readable_name(str(error))})."
            yield EncodedPhoto(number, readable_name(name), None, message)
        else:
            yield _checked(EncodedPhoto(number, readable_name(name), content))


def _read_rows(folder: Place, columns: Columns, partition: Partition) -> Iterator[EncodedPhoto]:
    name = partition.files[0]
    shown = readable_name(name)
    shift = partition.first - partition.start

    def failed(rows: range, error: Exception) -> Iterator[EncodedPhoto]:
        message = f"The parquet file cannot be read here ({readable_name(str(error))})."
        return (EncodedPhoto(row + shift, f"{shown}#{row}", None, message) for row in rows)

    try:
        table = open_table(folder, name)
    except (OSError, pa.ArrowException) as error:
        yield from failed(range(partition.start, partition.start + partition.count), error)
        return
    with table:
        for group, begin, rows in _row_groups(table, partition):
            row = rows.start
            try:
                for row_id, content in _contents(
                    table, columns, group, range(rows.start - begin, rows.stop - begin)
                ):
                    photo_id = f"{shown}#{row}" if row_id is None else str(row_id)
                    missing = "There is no image in this row." if content is None else None
                    photo = EncodedPhoto(row + shift, photo_id, content, missing)
                    row += 1
                    yield _checked(photo)
            except (OSError, pa.ArrowException) as error:
                yield from failed(range(row, rows.stop), error)


def _row_groups(
    table: parquet.ParquetFile, partition: Partition
) -> Iterator[tuple[int, int, range]]:
    """Yield the row groups that contain a partition: number, first row, and the wanted rows."""
    begin = 0
    for number in range(table.metadata.num_row_groups):
        end = begin + table.metadata.row_group(number).num_rows
        wanted = range(max(begin, partition.start), min(end, partition.start + partition.count))
        if wanted:
            yield number, begin, wanted
        begin = end


def _contents(
    table: parquet.ParquetFile, columns: Columns, group: int, rows: range
) -> Iterator[tuple[object, bytes | None]]:
    """Yield id (or None) and image of some rows of a group; rows count from the group's first."""
    image = f"{columns.image}.bytes" if columns.in_struct else columns.image
    batches = table.iter_batches(
        batch_size=_BATCH_ROWS,
        row_groups=[group],
        columns=[image, *([columns.id] if columns.id else [])],
        use_threads=False,
    )
    row = 0
    for batch in batches:
        for i in range(batch.num_rows):
            if row >= rows.stop:
                return
            if row in rows:
                content = batch.column(columns.image)[i].as_py()
                if columns.in_struct:
                    content = content and content["bytes"]
                yield batch.column(columns.id)[i].as_py() if columns.id else None, content
            row += 1


def _checked(photo: EncodedPhoto) -> EncodedPhoto:
    if photo.content is not None and len(photo.content) > MAX_FILE_BYTES:
        message = (
            f"The file has more than {MAX_FILE_BYTES / 1e6:.0f} MB, the limit. Use a smaller file."
        )
        return EncodedPhoto(photo.number, photo.id, None, message)
    return photo


def open_table(folder: Place, name: str) -> parquet.ParquetFile:
    """Open a parquet file below a folder; raise OSError or pyarrow's ArrowException if that fails."""
    path = folder.path_of(name)
    if folder.is_here:
        # As bytes, since pyarrow treats text as UTF-8.
        return parquet.ParquetFile(
            pa.OSFile(os.fsencode(path)), buffer_size=_BUFFER_BYTES, pre_buffer=False
        )
    return parquet.ParquetFile(
        path,
        filesystem=folder.files,
        buffer_size=_BUFFER_BYTES,
        pre_buffer=False,
    )
