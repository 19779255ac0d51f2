"""Files: atomic writes, versions for caches, and names for display."""

import os
from collections.abc import Callable
from pathlib import Path


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Replace `path` atomically by the file that `write(temporary_path)` makes beside it.

    A full disk or a kill in the middle leaves the file that was there.
    """
    # Named by the process, so that two writers do not take each other's file away.
    temporary = path.with_name(f".{path.name}.{os.getpid()}{''.join(path.suffixes)}")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def version_of(path: Path) -> tuple[int, int]:
    """Return the time of a file's last change in nanoseconds and its size in bytes, as a key of caches.

    Raises:
        OSError: the file is not there or not accessible.
    """
    state = path.stat()
    return state.st_mtime_ns, state.st_size


def readable_name(name: str) -> str:
    r"""Return a path as text that every Unicode encoding can represent.

    Names of files are bytes. Python gives each byte that is no UTF-8 as a lone surrogate; it becomes `\xfc`.
    """
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def shown_name(name: str) -> str:
    """Return a path as one line of text that cannot move a terminal's cursor."""
    return "".join(c if c.isprintable() else "\ufffd" for c in readable_name(name))
