"""One interface to folders and object stores: list files, read them, write them atomically.

It is pyarrow's, but for files of this machine: pyarrow takes their names for UTF-8, and knows no others.
"""

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from pyarrow import ArrowInvalid, fs

from fer_core.errors import DataError
from fer_core.files import files_below

#: Stores in which objects appear only when complete. Elsewhere files are renamed.
_PUT_IS_ATOMIC: Final = ("s3", "gcs", "abfs")
#: Prefix that hides a file from pyarrow, Spark and Ray when they read a folder of parquet files.
HIDDEN: Final = (".", "_")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder or a file, local or in an object store.

    Attributes:
        url: as the user gave it, a local path made absolute; it may hold bytes that are no UTF-8, as
            surrogates.
        files: the file system.
        path: within it, without a slash at its end.
    """

    url: str
    files: fs.FileSystem
    path: str

    def path_of(self, name: str) -> str:
        """Return the path of a file below this folder within its file system."""
        return f"{self.path}/{name}"

    @property
    def is_here(self) -> bool:
        """Whether the place is local."""
        return isinstance(self.files, fs.LocalFileSystem)

    def file_size(self) -> int | None:
        """Return the file's size in bytes, None if it is not a file; raise the store's OSError."""
        if self.is_here:
            path = Path(self.path)
            return path.stat().st_size if path.is_file() else None
        info = self.files.get_file_info(self.path)
        return info.size if info.type == fs.FileType.File else None

    def open(self, name: str) -> BinaryIO:
        """Open a file below this folder for reading; raise OSError if that fails."""
        if self.is_here:
            return Path(self.path_of(name)).open("rb")
        # Otherwise a file called x.gz would be unpacked because of its name.
        return cast("BinaryIO", self.files.open_input_stream(self.path_of(name), compression=None))

    def holds(self, other: "Place") -> bool:
        """Return whether another place is this one or below it."""
        same = self.files.type_name == other.files.type_name
        return same and f"{other.path}/".startswith(f"{self.path}/")


def open_place(url: str | Path) -> Place:
    """Return the place of a path or URL, whether or not it exists.

    pyarrow itself reaches `file`, `s3`, `gs`, `abfs` and `hdfs`; other schemes are fsspec's.

    Raises:
        DataError: the scheme is not known, a package for it is not installed, or the store does not answer.
    """
    text = str(url)
    if "://" not in text:
        path = str(Path(text).expanduser().resolve())
        return Place(path, fs.LocalFileSystem(), path.rstrip("/"))
    try:
        try:
            files, path = fs.FileSystem.from_uri(text)
        except ArrowInvalid:
            files, path = fs.FileSystem.from_uri(f"fsspec+{text}")
    except (ImportError, ValueError) as error:
        raise DataError(
            f"{text} cannot be opened ({error}). Give a path, or a URL that pyarrow or an installed "
            "package of fsspec reads, such as s3://BUCKET/FOLDER."
        ) from error
    except OSError as error:
        raise DataError(
            f"{text} cannot be reached ({error}). Check the address, the network and the credentials."
        ) from error
    return Place(text, files, path.rstrip("/"))


def list_files(place: Place, *, recursive: bool) -> list[tuple[str, int]]:
    """Return a folder's files, sorted by relative name, with their sizes in bytes.

    Nothing if the folder is not there.

    Raises:
        DataError: it cannot be listed.
    """
    try:
        if place.is_here:
            return sorted(_files_here(place.path or "/", recursive=recursive))
        selector = fs.FileSelector(place.path, recursive=recursive, allow_not_found=True)
        found = place.files.get_file_info(selector)
    except OSError as error:
        raise DataError(
            f"{place.url} cannot be listed ({error}). Check the permissions."
        ) from error
    start = len(place.path) + 1
    return sorted((i.path[start:], i.size) for i in found if i.type == fs.FileType.File)


def read_bytes(place: Place, name: str, *, at_most: int) -> bytes:
    """Return a file's content, or its first `at_most` bytes; raise OSError if it cannot be read."""
    with place.open(name) as stream:
        return bytes(stream.read(at_most))


def _files_here(folder: str, *, recursive: bool) -> Iterator[tuple[str, int]]:
    """Yield names and sizes of the files below a local folder; raise OSError if one cannot be listed."""

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    for entry in files_below(folder, refuse, recursive=recursive):
        yield os.path.relpath(entry.path, folder), entry.stat().st_size


def write_whole(place: Place, name: str, content: bytes) -> None:
    """Write a file below a folder atomically, even if the process is killed.

    Raises:
        OSError: it cannot be written.
    """
    target = place.path_of(name)
    if place.files.type_name in _PUT_IS_ATOMIC:
        with place.files.open_output_stream(target, compression=None) as stream:
            stream.write(content)
        return
    # Two processes may write the same file, one of them forgotten by its dead parent.
    temporary = place.path_of(f".{name}.{uuid.uuid4().hex}")
    if place.is_here:
        Path(place.path).mkdir(parents=True, exist_ok=True)
        Path(temporary).write_bytes(content)
        Path(temporary).replace(target)
        return
    place.files.create_dir(place.path, recursive=True)
    with place.files.open_output_stream(temporary, compression=None) as stream:
        stream.write(content)
    place.files.move(temporary, target)


def remove_leftovers(place: Place, names: list[str]) -> None:
    """Remove temporary files of `write_whole` that killed writers left in a folder."""
    for name in names:
        if name.startswith(".part-"):
            if place.is_here:
                Path(place.path_of(name)).unlink(missing_ok=True)
            else:
                place.files.delete_file(place.path_of(name))
