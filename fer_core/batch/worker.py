"""A worker process: `python -m fer_core.batch.worker`, started by `fer_core.batch.pool`.

Standard input and output carry pickles. In come the work and then jobs, each with the steps to leave out. Out
come messages: the number of each step before it is done, so that the parent knows which one a process died
over, and the answer to each job, or the error that it raised.
"""

import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable
from typing import IO

from fer_core.batch.pool import Answer, Begins, Failure, Work
from fer_core.errors import FerError, JobError


def main() -> None:
    """Do jobs until standard input ends."""
    # A terminal sends Ctrl-C to child processes too; only the parent handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests = sys.stdin.buffer
    messages = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Output of native libraries must not mix with the pickles.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def tell(message: object) -> None:
        # Pickled first: half a message that cannot be pickled must not be sent.
        messages.write(pickle.dumps(message))
        messages.flush()

    try:
        _work(requests, tell)
    except EOFError:
        return
    except BrokenPipeError:
        # The parent is gone, and nobody waits for this job. What is buffered cannot be flushed any more.
        os._exit(1)
    except Exception as error:
        tell(Failure(_to_send(error)))


def _work(requests: IO[bytes], tell: Callable[[object], None]) -> None:
    import cv2

    # One process per core: OpenCV's threads would only wait for each other.
    cv2.setNumThreads(1)
    work: Work[object, object] = pickle.load(requests)
    handle = work.load()
    while True:
        job, left_out = pickle.load(requests)
        message: Answer | Failure
        try:
            message = Answer(handle(job, left_out=left_out, begins=lambda step: tell(Begins(step))))
        except Exception as error:
            message = Failure(_to_send(error))
        tell(message)


def _to_send(error: Exception) -> Exception:
    """Return an error that the parent can raise and show; unexpected errors keep their traceback."""
    if isinstance(error, FerError | OSError):
        return error
    return JobError("".join(traceback.format_exception(error)))


if __name__ == "__main__":
    main()
