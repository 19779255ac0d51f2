"""Keep the server's memory, which holds photos, out of the files that the system writes at a crash."""

import ctypes
import logging
import os
import sys
from typing import Final

log = logging.getLogger(__name__)

#: Of Linux's prctl.h.
_PR_SET_DUMPABLE: Final = 4


def write_no_core_dumps() -> None:
    """Make the system write no core dump of this process, whatever crashes it; log what it refuses.

    The limit holds for dumps into files, and for processes that this one starts. Linux ignores it where a
    program, such as systemd-coredump or apport, receives the dump. That is what the second call ends; with
    it only root can attach a debugger.
    """
    try:
        import resource  # Windows has none

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if sys.platform == "linux":
            _forbid_dumps()
    except (ImportError, AttributeError, OSError, ValueError) as error:
        log.warning("A crash may write photos to a disk: core dumps cannot be disabled (%s)", error)


def _forbid_dumps() -> None:
    """Raise OSError if Linux refuses; AttributeError if the C library lacks the call."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
