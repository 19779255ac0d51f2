"""One partition of photos to one parquet file."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final, NamedTuple

import pyarrow as pa
from pyarrow import parquet

from fer_core.analysis import Analyzer
from fer_core.annotate.answering import answering, differences
from fer_core.annotate.manifest import Manifest, part_name
from fer_core.annotate.rows import error_row, photo_rows, row_schema
from fer_core.annotate.sources import EncodedPhoto, Partition, open_table, read_photos
from fer_core.annotate.storage import Place, open_place, write_whole
from fer_core.batch.pool import Handler, Work
from fer_core.content import check_is_photo
from fer_core.errors import AnalysisError, ImageDecodeError, JobError
from fer_core.face_columns import FaceColumns
from fer_core.faces.finder import FaceFinder
from fer_core.networks.bundles import resolve
from fer_core.networks.classifier import Classifier
from fer_core.photos.decode import decode
from fer_core.photos.faults import unexpected

#: Key of the parquet files' metadata under which networks and versions stand, as JSON.
METADATA_KEY: Final = "second_look"


class Summary(NamedTuple):
    """The summary of a partition: its number, and its counts of photos, faces and errors."""

    partition: int
    photos: int
    faces: int
    errors: int


@dataclass(frozen=True, slots=True)
class Task(Work[Partition, Summary]):
    """The settings that a process needs for its partitions; each photo is one step.

    Attributes:
        manifest: of the run.
        input: path or URL of the photos.
        output: path or URL of the folder.
    """

    died_at_start: ClassVar[str] = (
        "{n} processes died ({how}) before they had looked at a photo. There may be too little memory: try "
        "fewer --jobs."
    )
    died_over_step: ClassVar[str] = (
        "{n} processes died ({how}) while analyzing this photo, so it was skipped. Analyze it alone with: "
        "python -m fer_core analyze"
    )
    manifest: Manifest
    input: str
    output: str

    def load(self) -> Handler[Partition, Summary]:
        """Return the function that annotates a partition; raise JobError or BundleError if it cannot."""
        return partial(annotate_partition, self, load_analyzer(self.manifest))


def load_analyzer(manifest: Manifest) -> Analyzer:
    """Return the face finder and networks that a manifest names, each on one thread.

    Raises:
        JobError: the weights or libraries of this machine are not those that the run was begun with.
        BundleError: a network is missing or damaged.
    """
    bundles = {name: resolve(name) for name in manifest.answering.networks}
    if changes := differences(manifest.answering, answering(bundles)):
        raise JobError(
            f"This machine differs from the one that began the run: {'; '.join(changes)}. All machines need "
            "the same checkout, packages and FER_* settings."
        )
    return Analyzer(FaceFinder(), {n: Classifier(b, threads=1) for n, b in bundles.items()})


def annotate_partition(
    task: Task,
    analyzer: Analyzer,
    partition: Partition,
    /,
    *,
    left_out: Mapping[int, str] | None = None,
    begins: Callable[[int], None] = lambda number: None,
) -> Summary:
    """Annotate a partition's photos and write its file atomically.

    Args:
        task: the run.
        analyzer: of `load_analyzer`.
        partition: of the run.
        left_out: why photos are not to be looked at, by their number.
        begins: called with the number of each photo before it is looked at.

    Raises:
        JobError: the file cannot be written.
    """
    manifest = task.manifest
    rows: list[dict[str, Any]] = []
    for photo in read_photos(open_place(task.input), manifest.columns, partition):
        if why := (left_out or {}).get(photo.number):
            rows.append(error_row(photo.number, photo.id, why))
        else:
            begins(photo.number)
            rows += _rows(analyzer, photo, manifest.face_columns)
    try:
        write_whole(open_place(task.output), part_name(partition.number), _encode(manifest, rows))
    except OSError as error:
        raise JobError(
            f"{task.output} cannot be written to ({error}). Check the permissions and the free space, then "
            "repeat the command."
        ) from error
    return Summary(
        partition=partition.number,
        photos=partition.count,
        faces=sum(row["face"] > 0 for row in rows),
        errors=sum(row.get("error") is not None for row in rows),
    )


def errors_in(output: Place, number: int) -> int:
    """Return how many images of a finished partition could not be read, by its file's metadata alone.

    Raises:
        JobError: the file cannot be read.
    """
    try:
        with open_table(output, part_name(number)) as table:
            metadata = table.metadata
    except (OSError, pa.ArrowException) as error:
        raise JobError(
            f"{output.url}: {part_name(number)} cannot be read ({error}). Delete it, and repeat the command."
        ) from error
    column = metadata.schema.names.index("error")
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    return sum(group.num_rows - group.column(column).statistics.null_count for group in groups)


def _rows(analyzer: Analyzer, photo: EncodedPhoto, columns: FaceColumns) -> list[dict[str, Any]]:
    if photo.content is None:
        return [error_row(photo.number, photo.id, photo.error or "")]
    try:
        check_is_photo(photo.content)
        analysis = analyzer.analyze(decode(photo.content))
        return photo_rows(photo.number, photo.id, analysis, columns)
    except (AnalysisError, ImageDecodeError) as error:
        return [error_row(photo.number, photo.id, str(error))]
    except Exception as error:
        # One photo of millions that trips a library must not end the run; its row says what happened.
        return [error_row(photo.number, photo.id, unexpected(error))]


def _encode(manifest: Manifest, rows: list[dict[str, Any]]) -> bytes:
    networks = manifest.answering.networks
    labels = {name: network.labels for name, network in networks.items()}
    schema = row_schema(labels, manifest.face_columns)
    schema = schema.with_metadata({METADATA_KEY: manifest.answering.model_dump_json()})
    buffer = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows, schema), buffer, compression="zstd")
    return buffer.getvalue()
