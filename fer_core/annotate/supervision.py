"""The parent's side of a worker: a process that is replaced when it dies.

Photos are untrusted, and their decoders and the networks are native code: a photo may take its process with
it, and the kernel kills who takes too much memory. Who dies is replaced, and its partition begun anew; a
photo over which two processes died is left out, with a row that says so.
"""

import os
import pickle
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Final

from fer_core.annotate.partition import Summary, Task
from fer_core.annotate.sources import Partition
from fer_core.errors import JobError

#: Processes that may die over one photo before it is left out.
DEATHS_PER_PHOTO: Final = 2
#: Processes that may die one after the other before they have looked at a photo.
DEATHS_AT_START: Final = 3
_PROJECT: Final = Path(__file__).resolve().parents[2]


class _DiedError(Exception):
    """The process ended without an answer; `photo` is the one that it looked at, None before the first."""

    def __init__(self, photo: int | None, how: str) -> None:
        super().__init__(how)
        self.photo = photo
        self.how = how


class Worker:
    """A process that annotates partitions, one after the other. Not thread-safe but for `stop`."""

    def __init__(self, task: Task) -> None:
        """Keep the task; the process starts with the first partition."""
        self._task = task
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def annotate(self, partition: Partition) -> Summary:
        """Annotate a partition, with as many processes as it takes.

        Raises:
            JobError: no process can do it: weights or packages are others here, the output cannot be
                written, or they die before they have begun.
        """
        left_out: dict[int, str] = {}
        deaths: Counter[int | None] = Counter()
        while True:
            try:
                return self._ask(partition, left_out)
            except _DiedError as death:
                self._process = None
                if self._stopped:
                    raise JobError("The run was stopped.") from death
                deaths[death.photo] += 1
                if death.photo is None and deaths[None] >= DEATHS_AT_START:
                    raise JobError(
                        f"{DEATHS_AT_START} processes died ({death.how}) before they had looked at a photo. "
                        "There may be too little memory: try fewer --jobs."
                    ) from death
                if death.photo is not None and deaths[death.photo] >= DEATHS_PER_PHOTO:
                    left_out[death.photo] = (
                        f"{DEATHS_PER_PHOTO} processes died ({death.how}) over this photo: it was left out."
                    )

    def stop(self) -> None:
        """End the process at once, whatever it does; none is started afterwards."""
        self._stopped = True
        if (process := self._process) is not None:
            process.kill()

    def close(self) -> None:
        """Free what a worker holds that was stopped and is not annotating any more."""
        if (process := self._process) is not None:
            _end(process)

    def _ask(self, partition: Partition, left_out: dict[int, str]) -> Summary:
        photo: int | None = None
        requests: list[object] = [(partition, left_out)]
        if self._process is None:
            self._process = _start()
            requests.insert(0, self._task)
        process = self._process
        if self._stopped:
            process.kill()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            for request in requests:
                pickle.dump(request, process.stdin)
            process.stdin.flush()
            while isinstance(answer := pickle.load(process.stdout), int):
                photo = answer
        except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
            raise _DiedError(photo, _end(process)) from error
        if isinstance(answer, str):
            _end(process)
            raise JobError(answer)
        assert isinstance(answer, Summary)
        return answer


def _start() -> subprocess.Popen[bytes]:
    paths = [str(_PROJECT), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, "-m", "fer_core.annotate.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # MediaPipe and LiteRT tell of their graphs and delegates there. Errors come as answers.
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )


def _end(process: subprocess.Popen[bytes]) -> str:
    """Wait for a process that has said its last; return how it ended."""
    for pipe in (process.stdin, process.stdout):
        with suppress(BrokenPipeError):
            if pipe is not None:
                pipe.close()
    code = process.wait()
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
