"""The lock that keeps other processes from a table or a cache while one writes it."""

from pathlib import Path

from filelock import FileLock


def lock_of(path: Path) -> FileLock:
    """Return the lock of a file, a hidden file beside it; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path.with_name(f".{path.name}.lock"))
