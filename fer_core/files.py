"""Files: atomic writes, and names for display."""

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


def readable_name(name: str) -> str:
    r"""Return a path as text that every Unicode encoding can represent.

    Names of files are bytes. Python gives each byte that is no UTF-8 as a lone surrogate; it becomes `\xfc`.
    """
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def shown_name(name: str) -> str:
    """Return a path as one line of text that cannot move a terminal's cursor."""
    return "".join(c if c.isprintable() else "\ufffd" for c in readable_name(name))
