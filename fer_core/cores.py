"""The cores that this process may use."""

import os


def available_cores() -> int:
    """Return the number of cores that this process may use.

    A container may be limited to fewer than the machine has. Only Linux tells; elsewhere it is all of them.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
