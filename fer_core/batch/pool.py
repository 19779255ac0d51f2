"""A pool of worker processes that are replaced when they die.

Photos are untrusted, and their decoders and the networks are native code: a photo may take its process with
it, and the kernel kills a process that takes too much memory. A process that dies is replaced, and its job is
started over; a step of a job over which two processes died is left out.

`fer_core.batch.worker` is the process itself.
"""

import os
import pickle
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, ClassVar, Final, Generic, NamedTuple, Protocol, TypeVar

from fer_core.errors import JobError

#: Processes that may die at one step before it is skipped.
DEATHS_PER_STEP: Final = 2
#: Processes that may die at one job before its first step.
DEATHS_AT_START: Final = 3
#: Running and waiting jobs per process: while one process has a large job, the others continue.
AHEAD: Final = 4
_ROOT: Final = Path(__file__).resolve().parents[2]

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")
_JobT_contra = TypeVar("_JobT_contra", contravariant=True)
_ResultT_co = TypeVar("_ResultT_co", covariant=True)


class Handler(Protocol[_JobT_contra, _ResultT_co]):
    """A function that does one job in a worker process."""

    def __call__(
        self,
        job: _JobT_contra,
        /,
        *,
        left_out: Mapping[int, str],
        begins: Callable[[int], None],
    ) -> _ResultT_co:
        """Do a job.

        Args:
            job: that is done.
            left_out: why steps are not to be done, by their number.
            begins: called with the number of each step before it is done.

        Raises:
            FerError: the job cannot be done; raised again in the parent process.
        """
        ...


class Work(ABC, Generic[JobT, ResultT]):
    """The work of a pool; pickled to each of its processes.

    Attributes:
        died_at_start: message of the error when processes die before a job's first step; `{n}` stands for
            how many died and `{how}` for how, here and below.
        died_over_step: reason that is given for a step that is left out.
    """

    __slots__ = ()
    died_at_start: ClassVar[str]
    died_over_step: ClassVar[str]

    @abstractmethod
    def load(self) -> Handler[JobT, ResultT]:
        """Return the function that does jobs; called once in each process.

        Raises:
            FerError: no job can be done here; raised again in the parent process.
        """


class Begins(NamedTuple):
    """Message of a worker process: a step begins."""

    step: int


class Answer(NamedTuple):
    """Message of a worker process: a job is done."""

    value: Any


class Failure(NamedTuple):
    """Message of a worker process: a job, or every job, failed."""

    error: Exception


class _DiedError(Exception):
    """The process ended without a result; `step` is the current one, None before the first."""

    def __init__(self, step: int | None, how: str) -> None:
        super().__init__(how)
        self.step = step
        self.how = how


class Worker(Generic[JobT, ResultT]):
    """A process that does one job after the other. Not thread-safe, except for `stop`."""

    def __init__(self, work: Work[JobT, ResultT]) -> None:
        """Keep the work; the process starts at the first job."""
        self._work = work
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def do(self, job: JobT) -> ResultT:
        """Return the result of a job; dead processes are replaced.

        Raises:
            JobError: processes die before the job's first step, or the worker was stopped.
            FerError, OSError: what the job raised.
        """
        left_out: dict[int, str] = {}
        deaths: Counter[int | None] = Counter()
        while True:
            try:
                return self._ask(job, left_out)
            except _DiedError as death:
                self._process = None
                if self._stopped:
                    raise JobError("The run was stopped.") from death
                deaths[death.step] += 1
                n = deaths[death.step]
                if death.step is None:
                    if n >= DEATHS_AT_START:
                        message = self._work.died_at_start.format(n=n, how=death.how)
                        raise JobError(message) from death
                elif n >= DEATHS_PER_STEP:
                    left_out[death.step] = self._work.died_over_step.format(n=n, how=death.how)

    def stop(self) -> None:
        """Stop the process at once; no other is started afterwards."""
        self._stopped = True
        if (process := self._process) is not None:
            process.kill()

    def close(self) -> None:
        """Free the resources of a stopped worker."""
        if (process := self._process) is not None:
            _end(process)

    def _ask(self, job: JobT, left_out: dict[int, str]) -> ResultT:
        step: int | None = None
        requests: list[object] = [(job, left_out)]
        if self._process is None:
            self._process = _start()
            requests.insert(0, self._work)
        process = self._process
        if self._stopped:
            process.kill()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            for request in requests:
                pickle.dump(request, process.stdin)
            process.stdin.flush()
            while isinstance(message := pickle.load(process.stdout), Begins):
                step = message.step
        except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
            raise _DiedError(step, _end(process)) from error
        if isinstance(message, Failure):
            raise message.error
        answer: ResultT = message.value
        return answer


def run_jobs(
    work: Work[JobT, ResultT], jobs: Iterable[JobT], *, processes: int, in_order: bool
) -> Iterator[ResultT]:
    """Do jobs in worker processes and yield their results.

    Jobs are started as results are consumed: at most `AHEAD` per process run or wait. A generator that is
    closed, or left by an error or Ctrl-C, kills its processes.

    Args:
        work: of all jobs.
        jobs: that are done.
        processes: at least 1.
        in_order: yield results in the order of the jobs rather than as they come.

    Raises:
        JobError: processes die before a job's first step.
        FerError, OSError: what a job raised.
    """
    workers = [Worker(work) for _ in range(processes)]
    idle: SimpleQueue[Worker[JobT, ResultT]] = SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def do(job: JobT) -> ResultT:
        worker = idle.get()
        try:
            return worker.do(job)
        finally:
            idle.put(worker)

    # A thread waits for each process.
    threads = ThreadPoolExecutor(processes)
    pending: deque[Future[ResultT]] = deque()

    def next_result() -> ResultT:
        done = pending[0] if in_order else next(as_completed(pending))
        pending.remove(done)
        return done.result()

    try:
        for job in jobs:
            pending.append(threads.submit(do, job))
            if len(pending) >= AHEAD * processes:
                yield next_result()
        while pending:
            yield next_result()
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.stop()
        threads.shutdown()
        for worker in workers:
            worker.close()


def _start() -> subprocess.Popen[bytes]:
    paths = [str(_ROOT), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        # Not forked, because MediaPipe's threads would be missing in the child.
        [sys.executable, "-m", "fer_core.batch.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # MediaPipe and LiteRT write messages on graphs and delegates there. Errors arrive as messages of the
        # pool.
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )


def _end(process: subprocess.Popen[bytes]) -> str:
    """Wait for a process whose output has ended; return its exit status in words."""
    for pipe in (process.stdin, process.stdout):
        with suppress(BrokenPipeError):
            if pipe is not None:
                pipe.close()
    code = process.wait()
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
