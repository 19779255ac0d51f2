"""Locks of runs, so that two processes of a machine never train in the same folder."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)


@contextmanager
def alone(folder: Path, *, is_told: bool = True) -> Iterator[bool]:
    """Lock the folder of a run against other processes; give whether that succeeded.

    Args:
        folder: of the run.
        is_told: whether to log that a run is left out.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{folder}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if is_told:
            log.info("%s is left out: another process trains it", folder.name)
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
