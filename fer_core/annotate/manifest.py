"""The manifest of a bulk run: its settings, written first, and which partitions are done."""

import re
from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from fer_core.annotate.answering import Answering, answering, differences
from fer_core.annotate.rows import ROWS_VERSION
from fer_core.annotate.sources import Columns, Kind, Listing, Partition
from fer_core.annotate.storage import (
    HIDDEN,
    Place,
    list_files,
    read_bytes,
    remove_leftovers,
    write_whole,
)
from fer_core.errors import JobError
from fer_core.face_columns import FaceColumns
from fer_core.files import readable_name
from fer_core.networks.bundles import Bundle, Part

MANIFEST_FILE: Final = "_manifest.json"
_MAX_BYTES: Final = 1_000_000
_PART: Final = re.compile(r"part-(\d{6,})\.parquet")


class Manifest(Part):
    """The content of a run's `_manifest.json`.

    Attributes:
        input: path or URL, in a form that can be shown.
        kind: photos or parquet files.
        columns: of parquet files; None for photos.
        input_sha256: digest of the listing (`Listing.sha256`).
        photos: total number.
        partition_size: most photos of a partition.
        partitions: total number.
        answering: what the predictions depend on.
        face_columns: basic or full.
        rows_version: of the rows; a resumed run may not mix two.
    """

    input: str
    kind: Kind
    columns: Columns | None
    input_sha256: str
    photos: int
    partition_size: int
    partitions: int
    answering: Answering
    face_columns: FaceColumns = FaceColumns.BASIC
    rows_version: int = 1


def describe(
    place: Place,
    listing: Listing,
    bundles: Mapping[str, Bundle],
    partition_size: int | None,
    face_columns: FaceColumns = FaceColumns.BASIC,
) -> tuple[Manifest, list[Partition]]:
    """Return the manifest of a run, and its partitions."""
    size = partition_size or listing.partition_size()
    partitions = listing.partitions(size)
    manifest = Manifest(
        input=readable_name(place.url),
        kind=listing.kind,
        columns=listing.columns,
        input_sha256=listing.sha256,
        photos=listing.photos,
        partition_size=size,
        partitions=len(partitions),
        answering=answering(bundles),
        face_columns=face_columns,
        rows_version=ROWS_VERSION,
    )
    return manifest, partitions


def part_name(partition: int) -> str:
    """Return the name of a partition's file."""
    return f"part-{partition:06d}.parquet"


def begin(output: Place, manifest: Manifest) -> set[int]:
    """Write the manifest, or compare it with the existing one; return the finished partitions.

    Raises:
        JobError: the folder belongs to something else, or was begun with other settings.
    """
    names = [name for name, _ in list_files(output, recursive=False)]
    if MANIFEST_FILE not in names:
        if shown := [name for name in names if not name.startswith(HIDDEN)]:
            raise JobError(
                f"{output.url} holds {shown[0]} and no {MANIFEST_FILE}, so it is not the output of an "
                "earlier run. Choose an empty or a new folder."
            )
        try:
            write_whole(output, MANIFEST_FILE, manifest.model_dump_json(indent=2).encode())
        except OSError as error:
            raise JobError(
                f"{output.url} cannot be written to ({error}). Check the permissions and the free space, "
                "then repeat the command."
            ) from error
        return set()
    begun = _read(output)
    if begun.rows_version != manifest.rows_version:
        raise JobError(
            f"{output.url} was begun by another version of this program, whose parts have other columns. "
            "Choose another output."
        )
    if changes := differences(begun, manifest):
        raise JobError(
            f"{output.url} was started with other settings: {'; '.join(changes)}. Use the earlier settings "
            "to resume it, or choose another output."
        )
    remove_leftovers(output, names)
    return {int(match[1]) for name in names if (match := _PART.fullmatch(name))}


def _read(output: Place) -> Manifest:
    try:
        return Manifest.model_validate_json(read_bytes(output, MANIFEST_FILE, at_most=_MAX_BYTES))
    except (OSError, ValidationError) as error:
        raise JobError(
            f"{output.url}: {MANIFEST_FILE} cannot be read, or is of another version of this program "
            f"({str(error).splitlines()[0]}). Choose another output."
        ) from error
