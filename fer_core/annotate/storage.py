"""Folders and object stores by one interface, pyarrow's: what is there, whole reads, whole writes."""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyarrow import ArrowInvalid, fs

from fer_core.errors import DataError

#: Stores in which an object appears when all of it has arrived, and not before. Elsewhere files are renamed.
_PUT_IS_ATOMIC: Final = ("s3", "gcs", "abfs")
#: What hides a file from pyarrow, Spark and Ray when they read a folder of parquet files.
HIDDEN: Final = (".", "_")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder or a file, here or in an object store.

    Attributes:
        url: as the user gave it, a local path made absolute.
        files: the file system.
        path: within it, without a slash at its end.
    """

    url: str
    files: fs.FileSystem
    path: str

    def path_of(self, name: str) -> str:
        """Return the path within the file system of a file below this folder."""
        return f"{self.path}/{name}"

    def holds(self, other: "Place") -> bool:
        """Return whether another place is this one or lies below it."""
        same = self.files.type_name == other.files.type_name
        return same and f"{other.path}/".startswith(f"{self.path}/")


def open_place(url: str | Path) -> Place:
    """Return what a path or URL names, whether or not there is something.

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
    """Return the names relative to a folder of its files, sorted, with their sizes in bytes.

    Nothing if the folder is not there.

    Raises:
        DataError: it cannot be listed.
    """
    selector = fs.FileSelector(place.path, recursive=recursive, allow_not_found=True)
    try:
        found = place.files.get_file_info(selector)
    except OSError as error:
        raise DataError(f"{place.url} cannot be listed ({error}).") from error
    start = len(place.path) + 1
    return sorted((i.path[start:], i.size) for i in found if i.type == fs.FileType.File)


def read_bytes(place: Place, name: str, *, at_most: int) -> bytes:
    """Return a file's content, or its first `at_most` bytes; raise OSError if it cannot be read."""
    # By its name a file called x.gz would be unpacked.
    with place.files.open_input_stream(place.path_of(name), compression=None) as stream:
        return bytes(stream.read(at_most))


def write_whole(place: Place, name: str, content: bytes) -> None:
    """Write a file below a folder so that it is there whole or not at all, whatever is killed when.

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
    place.files.create_dir(place.path, recursive=True)
    with place.files.open_output_stream(temporary, compression=None) as stream:
        stream.write(content)
    place.files.move(temporary, target)


def remove_leftovers(place: Place, names: list[str]) -> None:
    """Remove what writers that were killed left of `write_whole`, among a folder's file names."""
    for name in names:
        if name.startswith(".part-"):
            place.files.delete_file(place.path_of(name))
