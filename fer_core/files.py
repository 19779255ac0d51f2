"""Files: atomic writes, versions for caches, and names for display."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

#: Bytes of a name's end that its temporary file's has, so that both are within the 255 of file systems.
_TEMPORARY_NAME_BYTES: Final = 100
#: Most characters of a plain stem, and most bytes: numbers and endings stand around it.
_STEM_CHARACTERS: Final = 100
_STEM_BYTES: Final = 200


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Replace `path` atomically by the file that `write(temporary_path)` makes beside it.

    Its folder is created if needed. A full disk or a kill in the middle leaves the file that was there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Named by the process, so that two writers do not take each other's file away. The end of the name is
    # kept, since Keras and others write what it says (".weights.h5").
    end = os.fsencode(path.name)[-_TEMPORARY_NAME_BYTES:].decode(errors="ignore")
    temporary = path.with_name(f".{os.getpid()}.{end}")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def replace_text(path: Path, text: str) -> None:
    """Replace `path` atomically by a UTF-8 file with `text`, as `replace_file` does."""
    replace_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def files_below(
    folder: str | Path,
    on_closed: Callable[[OSError], object],
    *,
    recursive: bool = True,
    above: tuple[tuple[int, int], ...] = (),
) -> Iterator[os.DirEntry[str]]:
    """Yield the files in a folder, in no order; links to files and folders are followed.

    Args:
        folder: to look into.
        on_closed: called with the error of a folder that cannot be listed, which is then passed over.
        recursive: whether to look into the folders in it.
        above: devices and inodes of the folders that it lies in, into which a link may lead back.
    """
    try:
        state = os.stat(folder)  # noqa: PTH116
        with os.scandir(folder) as entries:
            listed = list(entries)
    except OSError as error:
        on_closed(error)
        return
    here = (state.st_dev, state.st_ino)
    if here in above:
        return
    for entry in listed:
        # The entry's own is_file and is_dir raise for links that lead round or into a closed folder.
        if os.path.isfile(entry.path):  # noqa: PTH113
            yield entry
        elif recursive and os.path.isdir(entry.path):  # noqa: PTH112
            yield from files_below(entry.path, on_closed, above=(*above, here))


def version_of(path: Path) -> tuple[int, int]:
    """Return the time of a file's last change in nanoseconds and its size in bytes, as a key of caches.

    Raises:
        OSError: the file is not there or not accessible.
    """
    state = path.stat()
    return state.st_mtime_ns, state.st_size


def plain_stem(name: str) -> str:
    """Return a file's name without folders and ending, fit for part of a name on any system."""
    stem = PurePosixPath(name.replace("\\", "/")).stem
    plain = "".join(c if c.isalnum() or c in " -_.()" else "_" for c in stem)[:_STEM_CHARACTERS]
    return plain.encode()[:_STEM_BYTES].decode(errors="ignore").strip(" .") or "photo"


def readable_name(name: str) -> str:
    r"""Return a path as text that every Unicode encoding can represent.

    Names of files are bytes. Python gives each byte that is no UTF-8 as a lone surrogate; it becomes `\xfc`.
    """
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def shown_name(name: str) -> str:
    """Return a path as one line of text that cannot move a terminal's cursor."""
    return "".join(c if c.isprintable() else "\ufffd" for c in readable_name(name))
