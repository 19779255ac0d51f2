"""All cores of this machine, without Ray."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from queue import SimpleQueue

from fer_core.annotate.partition import Summary, Task
from fer_core.annotate.sources import Partition
from fer_core.annotate.supervision import Worker


def annotate_here(task: Task, partitions: list[Partition], *, jobs: int) -> Iterator[Summary]:
    """Annotate partitions in `jobs` processes; yield each one's summary when its file is written.

    Raises:
        JobError: a partition cannot be annotated here.
    """
    workers = [Worker(task) for _ in range(min(jobs, len(partitions)))]
    idle: SimpleQueue[Worker] = SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def annotate(partition: Partition) -> Summary:
        worker = idle.get()
        try:
            return worker.annotate(partition)
        finally:
            idle.put(worker)

    # A thread waits for each process.
    threads = ThreadPoolExecutor(max(1, len(workers)))
    try:
        for done in as_completed([threads.submit(annotate, p) for p in partitions]):
            yield done.result()
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.stop()
        threads.shutdown()
        for worker in workers:
            worker.close()
