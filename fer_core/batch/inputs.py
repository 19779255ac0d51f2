"""What is to be looked at: photos and videos, and folders, patterns and zips of them, on disk or uploaded.

What an input is taken for is decided by `kind_of`, for a path that was given, and by `kind_of_name`, for
what lies in a folder or a zip or matches a pattern; nothing else looks at suffixes.
"""

import glob
import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from fer_core.errors import ImageDecodeError
from fer_core.photos.decode import ACCEPTED_SUFFIXES
from fer_core.video.formats import is_video

#: Largest file that is read into memory. Photos are a tenth of it at most; the rest is a mistake.
MAX_FILE_BYTES: Final = 200_000_000
#: The same for a photo in a zip that was uploaded, whose few bytes may unpack to many.
MAX_UPLOADED_MEMBER_BYTES: Final = 50_000_000
#: Files in an uploaded zip. Each takes memory before it is known whether it is a photo.
MAX_UPLOADED_MEMBERS: Final = 10_000
#: Stands for a list of paths on standard input.
STANDARD_INPUT: Final = "-"
ARCHIVE_SUFFIX: Final = ".zip"
#: What is a video by its name. A GIF or PNG that moves may be taken for one, by content.
VIDEO_SUFFIXES: Final = (".mp4", ".m4v", ".mov", ".webm", ".mkv")
_ENTRY: Final = b"PK\x01\x02"
#: Unpacked no further than asked; the other ways of packing unpack all that a few bytes hold.
_BOUNDED_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Kind(StrEnum):
    """What an input is taken for."""

    FOLDER = "folder"
    ARCHIVE = "archive"
    PHOTO = "photo"
    VIDEO = "video"


class PhotoSource(Protocol):
    """One photo that has not been read yet; `name` is for output."""

    @property
    def name(self) -> str: ...  # noqa: D102

    def read(self) -> bytes:
        """Return the file's bytes; raise ImageDecodeError if they cannot be had."""
        ...


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """One photo or video on disk.

    Attributes:
        name: the path, for output; a photo in a zip is `zip/path/in/zip`.
        path: the file, or the zip that holds it.
        member: path inside the zip; None for a plain file.
        is_video: whether to look at all of its frames; never of a member.
    """

    name: str
    path: Path
    member: str | None = None
    is_video: bool = False

    def read(self) -> bytes:
        """Return the file's bytes; raise ImageDecodeError if they cannot be had."""
        with _explained(self.name):
            if self.member is None:
                _check_size(self.path.stat().st_size, MAX_FILE_BYTES)
                return self.path.read_bytes()
            return _read_member(_archive(self.path), self.member, MAX_FILE_BYTES)


@dataclass(frozen=True, slots=True, eq=False)
class PhotoBytes:
    """One photo or video that was uploaded.

    Attributes:
        name: of the file.
        content: of the file.
    """

    name: str
    content: bytes

    def read(self) -> bytes:
        """Return the file's bytes."""
        return self.content


@dataclass(frozen=True, slots=True, eq=False)
class PhotoInZip:
    """One photo in a zip that was uploaded.

    Attributes:
        name: `zip/path/in/zip`.
        archive: of all photos of that zip.
        member: path inside the zip.
    """

    name: str
    archive: zipfile.ZipFile
    member: str

    def read(self) -> bytes:
        """Return the file's bytes; raise ImageDecodeError if they cannot be had."""
        with _explained(self.name):
            return _read_member(self.archive, self.member, MAX_UPLOADED_MEMBER_BYTES)


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that is known not to be readable.

    Attributes:
        name: of the file.
        message: why.
    """

    name: str
    message: str

    def read(self) -> bytes:
        """Raise ImageDecodeError with the reason."""
        raise ImageDecodeError(self.message)


def kind_of(path: Path) -> Kind:
    """Return what a path that was given is taken for; a photo where nothing else fits."""
    kind = kind_of_name(path.name)
    # os.path, since Path.is_dir raises where a name is too long or a folder is closed to us.
    if os.path.isdir(path):  # noqa: PTH112
        return Kind.FOLDER
    if kind is Kind.ARCHIVE and zipfile.is_zipfile(path):
        return Kind.ARCHIVE
    return Kind.VIDEO if kind is Kind.VIDEO else Kind.PHOTO


def kind_of_name(name: str) -> Kind | None:
    """Return what a file is by its name; None for one that is passed over where nobody named it."""
    base = name.split("/")[-1].lower()
    # Archives made on a Mac carry a "._" file of metadata beside each photo.
    if base.startswith("._"):
        return None
    if base.endswith(ACCEPTED_SUFFIXES):
        return Kind.PHOTO
    if base.endswith(VIDEO_SUFFIXES):
        return Kind.VIDEO
    return Kind.ARCHIVE if base.endswith(ARCHIVE_SUFFIX) else None


def input_files(
    inputs: Iterable[str], standard_input: BinaryIO, *, videos: bool = False
) -> Iterator[PhotoFile]:
    """Yield the photos and videos that the arguments of a command name, in order.

    Args:
        inputs: paths, patterns such as `holiday/**/*.jpg`, and `-` for the paths on standard input. What
            exists under a name is that, also if the name looks like a pattern.
        standard_input: a path a line, or with NULs between.
        videos: take those in folders and those that match patterns as well, and whatever moves for one;
            without, a video must be named, and a GIF is its first frame.
    """
    for text in inputs:
        if text == STANDARD_INPUT:
            yield from photo_files(_listed_paths(standard_input.read()), videos=videos)
        elif _is_pattern(text) and not os.path.lexists(text):
            yield from _matching_files(text, videos=videos)
        else:
            yield from photo_files([Path(text)], videos=videos)


def photo_files(paths: Iterable[Path], *, videos: bool = False) -> Iterator[PhotoFile]:
    """Yield the photos under `paths`, in order; folders and zips by name, and all the way down.

    `videos` is that of `input_files`.

    A path with nothing to read behind it is yielded as it is, so that its `read` says why.
    """
    for path in paths:
        kind = kind_of(path)
        found = False
        if kind is Kind.FOLDER:
            for file in _photos_below(path, videos=videos):
                found = True
                yield file
        elif kind is Kind.ARCHIVE:
            for file in _photos_within(path):
                found = True
                yield file
        if not found:
            yield _plain_file(path, videos=videos)


def uploaded_photos(name: str, content: bytes) -> Iterator[PhotoSource]:
    """Yield the photos in an uploaded file: the file itself, or those of a zip by name."""
    if kind_of_name(name) is not Kind.ARCHIVE:
        yield PhotoBytes(name, content)
        return
    # Before zipfile makes an object of each.
    if content.count(_ENTRY) > MAX_UPLOADED_MEMBERS:
        yield Refused(
            name,
            f"The zip holds more than {MAX_UPLOADED_MEMBERS:,} files. Make smaller ones.",
        )
        return
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        yield Refused(name, "The zip is damaged or cut short, so it cannot be read. Make it again.")
        return
    members = _photo_members(archive)
    for member in members:
        full_name = f"{name}/{member}"
        if archive.getinfo(member).compress_type in _BOUNDED_METHODS:
            yield PhotoInZip(full_name, archive, member)
        else:
            yield Refused(
                full_name,
                "The photo is packed in a way that is not unpacked here. Make the zip with the usual "
                "method, deflate.",
            )
    if not members:
        yield Refused(name, "This zip holds no photos. Give another file.")


def _photos_below(folder: Path, *, videos: bool) -> Iterator[PhotoFile]:
    wanted = (Kind.PHOTO, Kind.VIDEO) if videos else (Kind.PHOTO,)
    for file in sorted(folder.rglob("*")):
        if kind_of_name(file.name) in wanted and os.path.isfile(file):  # noqa: PTH113
            yield _plain_file(file, videos=videos)


def _plain_file(path: Path, *, videos: bool) -> PhotoFile:
    moves = kind_of_name(path.name) is Kind.VIDEO or (videos and is_video(path))
    return PhotoFile(str(path), path, is_video=moves)


def _photos_within(path: Path) -> Iterator[PhotoFile]:
    try:
        members = _photo_members(_archive(path))
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        # Reading the file as it is will say what is wrong.
        return
    for member in members:
        yield PhotoFile(f"{path}/{member}", path, member)


def _matching_files(pattern: str, *, videos: bool) -> Iterator[PhotoFile]:
    """Yield the photos that match a pattern, in folders and zips that do, each once."""
    seen: set[PhotoFile] = set()
    for text in sorted(glob.iglob(pattern, recursive=True)):  # noqa: PTH207
        path = Path(text)
        kind = kind_of(path)
        if (kind is Kind.PHOTO and kind_of_name(path.name) is None) or (
            kind is Kind.VIDEO and not videos
        ):
            continue
        for file in photo_files([path], videos=videos):
            # Folders without photos match `**` too, and are no mistake of anybody's.
            if file not in seen and kind_of(file.path) is not Kind.FOLDER:
                seen.add(file)
                yield file
    if not seen:
        yield PhotoFile(pattern, Path(pattern))


def _listed_paths(content: bytes) -> Iterator[Path]:
    if b"\0" in content:
        names = content.split(b"\0")
    else:
        names = [line.removesuffix(b"\r") for line in content.split(b"\n")]
    return (Path(os.fsdecode(name)) for name in names if name)


def _is_pattern(text: str) -> bool:
    return glob.has_magic(text)


@lru_cache(maxsize=1)
def _open_archive(path: Path, size: int, modified_ns: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)


def _archive(path: Path) -> zipfile.ZipFile:
    """Return an opened zip. The last one stays open: its photos follow each other, and its list is long."""
    state = path.stat()
    return _open_archive(path, state.st_size, state.st_mtime_ns)


def _photo_members(archive: zipfile.ZipFile) -> list[str]:
    return sorted(name for name in archive.namelist() if kind_of_name(name) is Kind.PHOTO)


def _read_member(archive: zipfile.ZipFile, member: str, limit: int) -> bytes:
    info = archive.getinfo(member)
    _check_size(info.file_size, limit)
    with archive.open(info) as file:
        # With a size: without one, all that is packed is unpacked, whatever size the zip told.
        return file.read(info.file_size)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise ImageDecodeError(
            f"The file has {size / 1e6:.0f} MB, where {limit / 1e6:.0f} MB are the most."
        )


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Raise what reading a file may raise as ImageDecodeError."""
    try:
        yield
    except FileNotFoundError as error:
        if _is_pattern(name):
            raise ImageDecodeError("No photo matches this pattern. Check it.") from error
        raise ImageDecodeError("There is no such file. Check the path.") from error
    except IsADirectoryError as error:
        raise ImageDecodeError("This folder holds no photos. Give another path.") from error
    except RuntimeError as error:
        # NotImplementedError, of a way of packing that zipfile does not know, is a RuntimeError too.
        if isinstance(error, NotImplementedError):
            raise ImageDecodeError(f"The file cannot be read ({error}).") from error
        raise ImageDecodeError(
            "The photo in the zip is protected by a password. Unpack it first."
        ) from error
    except (OSError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, KeyError) as error:
        raise ImageDecodeError(f"The file cannot be read ({error}).") from error
