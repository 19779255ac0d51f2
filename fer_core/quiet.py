"""Suppress what C++ libraries write to the terminal."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

#: Standard error's file descriptor, which the libraries write to past Python's `sys.stderr`.
_STDERR: Final = 2
#: Two threads that redirect the descriptor at once could leave it redirected for good.
_redirecting = threading.RLock()


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Discard the output of MediaPipe and LiteRT to standard error while their models are loaded.

    They write to the file descriptor itself and have no setting for it; their errors come as exceptions.
    Threads take turns. What another thread writes to standard error meanwhile is discarded as well.
    """
    with _redirecting:
        if sys.stderr is not None:
            sys.stderr.flush()
        try:
            kept = os.dup(_STDERR)
        except OSError:
            # Some services run without standard error; then there is nothing to redirect.
            yield
            return
        try:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), _STDERR)
            yield
        finally:
            os.dup2(kept, _STDERR)
            os.close(kept)
