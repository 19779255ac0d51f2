"""Inputs: photos and videos, and folders, patterns and zips of them, on disk or uploaded.

What a file is taken for is decided by its content (`fer_core.content`), and by its name only where the
content is not known: a photo that is damaged gets an error rather than being passed over.
"""

import glob
import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from fer_core.batch.skipped import SYSTEM_FILE, Skipped
from fer_core.batch.zips import (
    BOUNDED_METHODS,
    DAMAGED,
    check_size,
    lists_more_than,
    open_archive,
    photo_members,
    read_member,
)
from fer_core.content import (
    UNKNOWN,
    ZIP,
    Content,
    Kind,
    check_is_photo,
    content_of,
    is_system_file,
    kind_of_unknown,
)
from fer_core.errors import ImageDecodeError, InputError
from fer_core.files import files_below

#: Largest file that is read into memory. Photos are a tenth of it at most; the rest is a mistake.
MAX_FILE_BYTES: Final = 200_000_000
#: The same for a photo in a zip that was uploaded, whose few bytes may unpack to many.
MAX_UPLOADED_MEMBER_BYTES: Final = 50_000_000
#: Files in an uploaded zip. Each takes memory before it is known whether it is a photo.
MAX_UPLOADED_MEMBERS: Final = 10_000
#: Argument for a list of paths on standard input.
STANDARD_INPUT: Final = "-"
_DAMAGED_ZIP: Final = "The zip is damaged or cut short, so it cannot be read. Make it again."
_EMPTY_ZIP: Final = "This zip holds no photos. Give another file."
#: Reason for skipping videos.
_ASK_FOR_VIDEOS: Final = "Give --frame-rate to look at videos."


class PhotoSource(Protocol):
    """One photo that has not been read yet; `name` is for output."""

    @property
    def name(self) -> str: ...  # noqa: D102

    def read(self) -> bytes:
        """Return the file's bytes; raise ImageDecodeError if they cannot be had or are of no photo."""
        ...


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """One photo or video on disk.

    Attributes:
        name: the path, for output; a photo in a zip is `zip/path/in/zip`.
        path: the file, or the zip that holds it.
        member: path inside the zip, as `zipfile` has it; None for a plain file.
        is_video: whether to look at all of its frames; never of a member.
    """

    name: str
    path: Path
    member: str | None = None
    is_video: bool = False

    def read(self) -> bytes:
        """Return the file's bytes; raise ImageDecodeError if they cannot be had or are of no photo."""
        with _explained(self.name):
            if self.member is None:
                check_size(self.path.stat().st_size, MAX_FILE_BYTES)
                with self.path.open("rb") as file:
                    # A pipe or a device has no size before it is read.
                    content = file.read(MAX_FILE_BYTES + 1)
                if len(content) > MAX_FILE_BYTES:
                    raise ImageDecodeError(
                        f"The file has more than {MAX_FILE_BYTES / 1e6:.0f} MB, the limit. Use a smaller "
                        "file."
                    )
                return _photo(content)
            return _photo(read_member(open_archive(self.path), self.member, MAX_FILE_BYTES))


@dataclass(frozen=True, slots=True, eq=False)
class PhotoBytes:
    """One uploaded photo or video.

    Attributes:
        name: file name as given.
        content: the file's bytes.
    """

    name: str
    content: bytes

    def read(self) -> bytes:
        """Return the file's bytes; raise ImageDecodeError if they are of no photo."""
        return _photo(self.content)


@dataclass(frozen=True, slots=True, eq=False)
class PhotoInZip:
    """One photo in an uploaded zip.

    Attributes:
        name: `zip/path/in/zip`.
        archive: of all photos of that zip.
        member: path inside the zip, as `zipfile` has it.
    """

    name: str
    archive: zipfile.ZipFile
    member: str

    def read(self) -> bytes:
        """Return the file's bytes; raise ImageDecodeError if they cannot be had or are of no photo."""
        with _explained(self.name):
            return _photo(read_member(self.archive, self.member, MAX_UPLOADED_MEMBER_BYTES))


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that is known to be unreadable.

    Attributes:
        name: file name as given.
        message: why.
    """

    name: str
    message: str

    def read(self) -> bytes:
        """Raise ImageDecodeError with the reason."""
        raise ImageDecodeError(self.message)


def kind_of(file: bytes | Path, name: str) -> Kind:
    """Return the kind of a file: by its content, or by its name if the content is unknown.

    Args:
        file: its bytes, or where it is.
        name: of the file.

    Raises:
        OSError: it cannot be read.
    """
    return _kind_by(content_of(file), name)


def input_files(
    inputs: Iterable[str],
    standard_input: BinaryIO,
    *,
    videos: bool = False,
    skipped: Skipped | None = None,
) -> Iterator[PhotoFile]:
    """Yield the photos and videos that the arguments of a command name, in order.

    Args:
        inputs: paths, patterns such as `holiday/**/*.jpg`, and `-` for the paths on standard input. What
            exists under a name is that, also if the name looks like a pattern.
        standard_input: a path a line, or with NULs between.
        videos: take those in folders and those that match patterns as well, and whatever moves for one;
            without, a video must be named, and a GIF is its first frame.
        skipped: counts what is passed over in folders and zips and among what matches a pattern.

    Raises:
        InputError: standard input is to be read and empty.
    """
    finder = _Finder(videos=videos, skipped=skipped or Skipped())
    for text in inputs:
        if text == STANDARD_INPUT:
            listed = list(_listed_paths(standard_input.read()))
            if not listed:
                raise InputError("Standard input names no files.")
            for path in listed:
                yield from finder.named(path)
        elif _is_pattern(text) and not os.path.lexists(text):
            yield from finder.matching(text)
        else:
            yield from finder.named(Path(text))


def uploaded_photos(
    name: str, content: bytes, skipped: Skipped | None = None
) -> Iterator[PhotoSource]:
    """Yield the photos in an uploaded file: the file itself, or those of a zip by name.

    `skipped` counts the other files of a zip.
    """
    if kind_of(content, name) is not Kind.ARCHIVE:
        yield PhotoBytes(name, content)
        return
    if lists_more_than(content, MAX_UPLOADED_MEMBERS):
        yield Refused(
            name,
            f"The zip holds more than {MAX_UPLOADED_MEMBERS:,} files. Make smaller ones.",
        )
        return
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        members = photo_members(archive, name, skipped or Skipped())
    except DAMAGED:
        yield Refused(name, _DAMAGED_ZIP)
        return
    for shown, info in members:
        full_name = f"{name}/{shown}"
        if info.compress_type in BOUNDED_METHODS:
            yield PhotoInZip(full_name, archive, info.filename)
        else:
            yield Refused(
                full_name,
                "The photo is packed in a way that is not unpacked here. Make the zip with the usual "
                "method, deflate.",
            )
    if not members:
        yield Refused(name, _EMPTY_ZIP)


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds photos and videos.

    Attributes:
        videos: as in `input_files`.
        skipped: counts what is passed over.
    """

    videos: bool
    skipped: Skipped

    def named(self, path: Path) -> Iterator[PhotoFile]:
        """Yield the files that a given path stands for; the path itself if nothing is found in it."""
        found = False
        # os.path, since Path.is_dir raises where a name is too long or a folder is closed to us.
        if os.path.isdir(path):  # noqa: PTH112
            for file in self._below(path, ""):
                found = True
                yield file
            if not found:
                yield PhotoFile(str(path), path)
            return
        kind = self._kind_of(path)
        if kind is Kind.ARCHIVE:
            for file in self._within(path):
                found = True
                yield file
        if not found:
            moves = kind is Kind.VIDEO or (kind is Kind.ANIMATION and self.videos)
            yield PhotoFile(str(path), path, is_video=moves)

    def matching(self, pattern: str) -> Iterator[PhotoFile]:
        """Yield the files that match a pattern, and those in matching folders and zips, each once."""
        seen: set[PhotoFile] = set()
        for text in sorted(glob.iglob(pattern, recursive=True)):  # noqa: PTH207
            path = Path(text)
            # Folders without photos also match `**`, and are not an error.
            is_folder = os.path.isdir(path)  # noqa: PTH112
            for file in self._below(path, text) if is_folder else self._met(path, text):
                if file not in seen:
                    seen.add(file)
                    yield file
        if not seen:
            yield PhotoFile(pattern, Path(pattern))

    def _kind_of(self, path: Path) -> Kind:
        # A pipe can be read only once.
        if os.path.isfile(path):  # noqa: PTH113
            # Otherwise reading it reports the error.
            with suppress(OSError):
                return kind_of(path, path.name)
        return kind_of_unknown(path.name)

    def _below(self, folder: Path, name: str) -> Iterator[PhotoFile]:
        """Yield the files below a folder; `name` is the part of its path below the given one."""
        closed: list[OSError] = []
        for path in sorted(Path(entry.path) for entry in files_below(folder, closed.append)):
            yield from self._met(path, f"{name}/{path.relative_to(folder)}")
        for error in closed:
            # Reading it says why.
            yield PhotoFile(str(error.filename), Path(error.filename))

    def _met(self, path: Path, name: str) -> Iterator[PhotoFile]:
        """Yield a file that was found and not given, or count it as skipped."""
        shown = str(path)
        if is_system_file(name):
            self.skipped.add(shown, SYSTEM_FILE)
            return
        try:
            content = content_of(path)
        except OSError:
            content = UNKNOWN
        kind = _kind_by(content, name)
        if kind is Kind.ARCHIVE:
            yield from self._within(path)
        elif kind in (Kind.PHOTO, Kind.ANIMATION):
            yield PhotoFile(shown, path, is_video=self.videos and kind is Kind.ANIMATION)
        elif kind is not Kind.VIDEO:
            self.skipped.add_content(shown, content)
        elif self.videos:
            yield PhotoFile(shown, path, is_video=True)
        else:
            self.skipped.add(shown, "video", _ASK_FOR_VIDEOS)

    def _within(self, path: Path) -> Iterator[PhotoFile]:
        """Yield the photos in a zip, or the zip itself if it cannot be opened, so that `read` says why."""
        try:
            members = photo_members(open_archive(path), str(path), self.skipped)
        except DAMAGED:
            yield PhotoFile(str(path), path)
            return
        for shown, info in members:
            yield PhotoFile(f"{path}/{shown}", path, info.filename)


def _kind_by(content: Content, name: str) -> Kind:
    return kind_of_unknown(name) if content is UNKNOWN else content.kind


def _listed_paths(content: bytes) -> Iterator[Path]:
    if b"\0" in content:
        names = content.split(b"\0")
    else:
        names = [line.removesuffix(b"\r") for line in content.split(b"\n")]
    return (Path(os.fsdecode(name)) for name in names if name)


def _is_pattern(text: str) -> bool:
    return glob.has_magic(text)


def _photo(content: bytes) -> bytes:
    """Return the bytes of a file; raise ImageDecodeError if they are known to be of no photo."""
    if content_of(content) is ZIP:
        try:
            # A member of an uploaded zip may be a zip that lists a million.
            if not lists_more_than(content, MAX_UPLOADED_MEMBERS):
                zipfile.ZipFile(io.BytesIO(content)).close()
        except DAMAGED as error:
            raise ImageDecodeError(_DAMAGED_ZIP) from error
        raise ImageDecodeError(_EMPTY_ZIP)
    check_is_photo(content)
    return content


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Raise the errors of reading a file as ImageDecodeError."""
    try:
        yield
    except FileNotFoundError as error:
        if _is_pattern(name):
            raise ImageDecodeError("No photo matches this pattern. Check it.") from error
        raise ImageDecodeError("There is no such file. Check the path.") from error
    except IsADirectoryError as error:
        raise ImageDecodeError("This folder holds no photos. Give another path.") from error
    except RuntimeError as error:
        # NotImplementedError, for an unknown compression method, is a RuntimeError too.
        if isinstance(error, NotImplementedError):
            raise ImageDecodeError(
                f"The file in the zip cannot be read ({error}). Make the zip again with the usual method, "
                "deflate."
            ) from error
        raise ImageDecodeError(
            "The photo in the zip is protected by a password. Unpack it first."
        ) from error
    except (*DAMAGED, zlib.error, lzma.LZMAError, EOFError, KeyError) as error:
        raise ImageDecodeError(
            f"The file cannot be read ({error}). Check its name and its content."
        ) from error
