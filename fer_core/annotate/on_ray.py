"""Bulk annotation on Ray, on a cluster or locally: a pool of Ray Data actors, each with its own process.

Only partitions' names and counts travel through Ray. An actor reads its photos one at a time and writes its
file itself, so the object store stays small and memory is bounded by the number of actors.
"""

import logging
import os
import pickle
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from fer_core.annotate.partition import Summary, Task
from fer_core.annotate.sources import Partition
from fer_core.batch.pool import Worker
from fer_core.errors import FerError, JobError

if TYPE_CHECKING:
    from ray.data import Dataset

INSTALL: Final = "pip install -r requirements-scale.txt, or the extra second-look[scale]"
#: Partitions queued at an actor in addition to the current one, so that it never waits for the driver.
_IN_FLIGHT: Final = 2
#: Object store of a Ray that is started for this run. Only names and counts pass through it.
_STORE_BYTES: Final = 200 * 1024 * 1024


class PartitionActor:
    """The callable of one Ray actor: rows of Ray Data in, rows out."""

    def __init__(self, task: Task) -> None:
        """Keep the task, which is the same for all partitions."""
        self._worker = Worker(task)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Annotate one partition.

        A failure is returned, not raised: Ray would wrap an exception and retry the partition.
        """
        partition: Partition = pickle.loads(row["partition"])
        try:
            return {**self._worker.do(partition)._asdict(), "failure": ""}
        except (FerError, OSError) as error:
            return {**Summary(partition.number, 0, 0, 0)._asdict(), "failure": str(error)}


def annotate_on_ray(
    task: Task, partitions: list[Partition], *, jobs: int | None, address: str | None
) -> Iterator[Summary]:
    """Annotate partitions on Ray; yield a summary of each when its file is written.

    Args:
        task: the run.
        partitions: of it.
        jobs: actors, each on one core; by default as many as the cluster has cores now.
        address: of the cluster; by default the one that RAY_ADDRESS names, as in a job that was submitted to
            it, else a Ray is started here for this run alone.

    Raises:
        JobError: Ray is not installed or not to be reached, or a partition cannot be annotated.
    """
    # Read when Ray is imported; otherwise Ray reports each started cluster to its vendor.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise JobError(
            f"The engine ray needs Ray, which is not installed. Install it with: {INSTALL}"
        ) from error
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    try:
        if address or os.environ.get("RAY_ADDRESS"):
            ray.init(address, **quiet)
        else:
            ray.init(
                "local",
                num_cpus=jobs,
                include_dashboard=False,
                object_store_memory=_STORE_BYTES,
                **quiet,
            )
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise JobError(f"There is no Ray cluster to be reached ({error}).") from error
    try:
        # None yet, if an autoscaler starts machines only when actors wait for them.
        cores = max(1, int(ray.cluster_resources().get("CPU", 0)))  # type: ignore[no-untyped-call]
        rows = _pipeline(task, partitions, min(jobs or cores, len(partitions))).iter_rows()
        for row in rows:
            if failure := row.pop("failure"):
                raise JobError(failure)
            yield Summary(**row)
    finally:
        ray.shutdown()


def _pipeline(task: Task, partitions: list[Partition], actors: int) -> "Dataset":
    """Return a Ray data set of summaries, computed lazily."""
    import ray

    context = ray.data.DataContext.get_current()
    # The command shows its own progress.
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    items = [{"partition": pickle.dumps(partition)} for partition in partitions]
    # One block per partition, so that an actor's death loses only one.
    return ray.data.from_items(items, override_num_blocks=len(items)).map(
        PartitionActor,  # type: ignore[arg-type]  # Ray takes classes too, and says so elsewhere
        fn_constructor_args=(task,),
        compute=ray.data.ActorPoolStrategy(
            min_size=1,
            max_size=actors,
            initial_size=actors,
            max_tasks_in_flight_per_actor=_IN_FLIGHT,
        ),
        num_cpus=1,
    )
