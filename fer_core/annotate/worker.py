"""The process that annotates: `python -m fer_core.annotate.worker`, started by `supervision`.

Standard input and output carry pickles. In come the task and then partitions, each with the photos to leave
out. Out comes the number of each photo before it is looked at, so that the parent knows which one a process
died over, and at a partition's end its summary; or why no partition can be annotated here, a sentence for the
user or a traceback, and the process ends.
"""

import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable
from typing import IO

from fer_core.errors import FerError


def main() -> None:
    """Answer until standard input ends."""
    # A terminal sends Ctrl-C to the children too; it is the parent's to decide.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What native libraries print must not come between the pickles.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def answer(value: object) -> None:
        pickle.dump(value, answers)
        answers.flush()

    try:
        _work(requests, answer)
    except BrokenPipeError:
        # The parent is gone. Nobody waits for this partition; a new run will do it.
        os._exit(1)
    except FerError as error:
        answer(str(error))
    except Exception:
        answer(traceback.format_exc())


def _work(requests: IO[bytes], answer: Callable[[object], None]) -> None:
    import cv2

    from fer_core.annotate.partition import annotate_partition, load_analyzer

    # One process a core: OpenCV's threads would only wait for each other.
    cv2.setNumThreads(1)
    try:
        task = pickle.load(requests)
        analyzer = load_analyzer(task.manifest)
        while True:
            partition, left_out = pickle.load(requests)
            answer(annotate_partition(task, analyzer, partition, left_out=left_out, begins=answer))
    except EOFError:
        return


if __name__ == "__main__":
    main()
