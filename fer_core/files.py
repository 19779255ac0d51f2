"""Writing files whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write(temporary_path)` make a file beside `path`, then put it in `path`'s place.

    A full disk or a kill in the middle leaves the file that was there.
    """
    # Named by the process, so that two writers do not take each other's file away.
    temporary = path.with_name(f".{path.name}.{os.getpid()}{''.join(path.suffixes)}")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
