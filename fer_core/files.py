"""Writing files whole or not at all."""

from collections.abc import Callable
from pathlib import Path


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write(temporary_path)` make a file beside `path`, then put it in `path`'s place.

    A full disk or a kill in the middle leaves the file that was there.
    """
    temporary = path.with_name(f".{path.name}.tmp{''.join(path.suffixes)}")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
