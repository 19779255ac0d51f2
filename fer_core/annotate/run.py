"""One bulk run: begin or resume it, and annotate the missing partitions."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

from fer_core.annotate.engine import Engine
from fer_core.annotate.manifest import begin, describe
from fer_core.annotate.partition import Summary, Task, errors_in
from fer_core.annotate.sources import Partition, list_input
from fer_core.annotate.storage import open_place
from fer_core.batch.pool import run_jobs
from fer_core.batch.skipped import Skipped
from fer_core.cores import available_cores
from fer_core.errors import JobError
from fer_core.face_columns import FaceColumns
from fer_core.networks.bundles import default_networks, resolve, stand_in_sentence

#: Threads that read the metadata of finished partitions.
_READERS: Final = 16


@dataclass(frozen=True, slots=True)
class Run:
    """A run, new or resumed.

    Attributes:
        task: what each process is told.
        missing: partitions without a file.
        done: numbers of those that an earlier run finished.
        skipped: files of the input that are not annotated.
        missed: a sentence for each network whose weights on the Hub are not used.
    """

    task: Task
    missing: list[Partition]
    done: list[int]
    skipped: Skipped
    missed: list[str]

    @property
    def photos_missing(self) -> int:
        """Number of photos in the missing partitions."""
        return sum(partition.count for partition in self.missing)


def begin_run(
    source: str,
    output: str,
    *,
    models: list[str] | None = None,
    image_column: str | None = None,
    id_column: str | None = None,
    partition_size: int | None = None,
    face_columns: FaceColumns = FaceColumns.BASIC,
) -> Run:
    """List the input and write the manifest, or find the partitions that an earlier run left.

    Args:
        source: path or URL of the input.
        output: of the folder to write.
        models: networks to ask; by default those of `default_networks`.
        image_column: of parquet files; by default one that is called `image` or `bytes`.
        id_column: of parquet files; by default `id`, if it is there.
        partition_size: most photos of a partition; by default what suits the input.
        face_columns: of the rows.

    Raises:
        DataError: the input is not to be annotated.
        JobError: the output belongs to something else or was begun with other settings.
        BundleError: a network is missing or damaged.
    """
    bundles = {name: resolve(name) for name in dict.fromkeys(models or default_networks())}
    place, target = open_place(source), open_place(output)
    if place.holds(target):
        raise JobError(
            f"The output {target.url} lies in the input {place.url}. Choose another folder."
        )
    skipped = Skipped()
    listing = list_input(place, image_column=image_column, id_column=id_column, skipped=skipped)
    manifest, partitions = describe(place, listing, bundles, partition_size, face_columns)
    done = begin(target, manifest)
    missing = [partition for partition in partitions if partition.number not in done]
    missed = [
        sentence
        for name, bundle in bundles.items()
        if (sentence := stand_in_sentence(name, bundle))
    ]
    return Run(Task(manifest, place.url, target.url), missing, sorted(done), skipped, missed)


def errors_done_before(run: Run) -> int:
    """Return how many images could not be read in the partitions that earlier runs finished.

    Raises:
        JobError: a partition's file cannot be read.
    """
    output = open_place(run.task.output)
    # Of an object store, each answer takes a while.
    with ThreadPoolExecutor(_READERS) as pool:
        return sum(pool.map(partial(errors_in, output), run.done))


def finish_run(
    run: Run, engine: Engine, *, jobs: int | None = None, address: str | None = None
) -> Iterator[Summary]:
    """Annotate the missing partitions; yield a summary of each when its file is written.

    Args:
        run: of `begin_run`.
        engine: where.
        jobs: processes; by default one per core.
        address: of Ray's cluster.

    Raises:
        JobError: it cannot be done here.
    """
    for url in (run.task.input, run.task.output):
        if url.startswith("memory:"):
            raise JobError(
                f"{url} is visible to one process only, but several processes work on it. Use a folder or an "
                "object store."
            )
    if not run.missing:
        return iter(())
    if engine is Engine.RAY:
        from fer_core.annotate.on_ray import annotate_on_ray

        return annotate_on_ray(run.task, run.missing, jobs=jobs, address=address)
    processes = min(jobs or available_cores(), len(run.missing))
    return run_jobs(run.task, run.missing, processes=processes, in_order=False)
