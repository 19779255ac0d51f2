"""Zips of photos: list and read their members within limits."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from fer_core.batch.skipped import SYSTEM_FILE, Skipped
from fer_core.content import (
    HEAD_BYTES,
    UNKNOWN,
    Content,
    Kind,
    content_of_head,
    is_system_file,
    kind_of_unknown,
)
from fer_core.errors import ImageDecodeError
from fer_core.files import version_of

#: Methods that unpack only the requested bytes; others may unpack gigabytes from a few bytes.
BOUNDED_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
#: Errors of opening a damaged zip. Sizes and places in it may be numbers that no file can have.
DAMAGED: Final = (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, OverflowError)

#: Before each member in the list at the end of a zip.
_ENTRY: Final = b"PK\x01\x02"
#: Reason for skipping files that are only read outside zips.
_WHY: Final = {
    Kind.VIDEO: "Videos in zips are not looked at: unpack first.",
    Kind.ARCHIVE: "Zips in zips are not looked into: unpack first.",
}
#: Reason for skipping a file; the last of its name is the one that unpacking leaves.
_SAME_NAME: Final = "Of files with the same name in a zip, only the last is looked at: rename one."
#: Flags of a member: its content is encrypted; its name is in UTF-8.
_ENCRYPTED, _UTF_8 = 0x1, 0x800
#: The encoding that zipfile assumes for names that are not UTF-8.
_ZIPFILES_GUESS: Final = "cp437"
#: Code page of DOS, which old tools write, and that of Windows in Europe and America.
_DOS, _WINDOWS = "cp437", "cp1252"
#: Where the two have their letters; elsewhere they have lines, quotes and other signs.
_DOS_LETTERS: Final = range(0x80, 0xA6)
_WINDOWS_LETTERS: Final = range(0xC0, 0x100)
#: Extra field of a member with its name in UTF-8, behind a version and a checksum.
_UNICODE_PATH: Final = 0x7075


@lru_cache(maxsize=1)
def _open_archive(path: Path, version: tuple[int, int]) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)


def open_archive(path: Path) -> zipfile.ZipFile:
    """Return an opened zip. The last one stays open, because its photos are read in succession."""
    return _open_archive(path, version_of(path))


def lists_more_than(content: bytes, most: int) -> bool:
    """Return whether a zip may list more than `most` files and folders.

    To be asked before `zipfile`, which makes an object of each: a zip of 50 MB can list a million.
    """
    return content.count(_ENTRY) > most


def files_in(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the members of a zip that are files and have a name."""
    # `zipfile` cuts names at a NUL, and in Python 3.11 `ZipInfo.is_dir` fails on what is left of "\0.jpg".
    named = (info for info in archive.infolist() if info.filename)
    return [info for info in named if not info.is_dir()]


def photo_members(
    archive: zipfile.ZipFile, name: str, skipped: Skipped
) -> list[tuple[str, zipfile.ZipInfo]]:
    """Return the photos of a zip with their displayed names, sorted by name.

    Args:
        archive: the zip.
        name: of the zip, for `skipped`.
        skipped: counts all other files in it.
    """
    members = files_in(archive)
    found = []
    for shown, info in zip(_names(members), members, strict=True):
        if is_system_file(shown):
            skipped.add(f"{name}/{shown}", SYSTEM_FILE)
        elif archive.getinfo(info.filename) is not info:
            skipped.add(f"{name}/{shown}", "repeated file", _SAME_NAME)
        elif (content := _not_photo(archive, shown, info)) is None:
            found.append((shown, info))
        else:
            skipped.add_content(f"{name}/{shown}", content, _WHY.get(content.kind, ""))
    return sorted(found, key=lambda member: member[0])


def read_member(archive: zipfile.ZipFile, member: str, limit: int) -> bytes:
    """Return a member's content.

    Raises:
        ImageDecodeError: it says that it has more than `limit` bytes.
    """
    info = archive.getinfo(member)
    check_size(info.file_size, limit)
    with archive.open(info) as file:
        # With a size; without one, everything is unpacked, whatever size the zip declares.
        return file.read(info.file_size)


def check_size(size: int, limit: int) -> None:
    """Raise ImageDecodeError if a file is larger than the limit."""
    if size > limit:
        raise ImageDecodeError(
            f"The file has {size / 1e6:.0f} MB. The limit is {limit / 1e6:.0f} MB. Use a smaller file."
        )


def _not_photo(archive: zipfile.ZipFile, shown: str, info: zipfile.ZipInfo) -> Content | None:
    """Return what a member is if it is not a photo.

    One that is called a photo is believed, since reading it tells the same.
    """
    by_name = kind_of_unknown(shown)
    if by_name is Kind.PHOTO:
        return None
    content = UNKNOWN
    if info.compress_type in BOUNDED_METHODS and not info.flag_bits & _ENCRYPTED:
        try:
            with archive.open(info) as file:
                content = content_of_head(file.read(HEAD_BYTES))
        except (*DAMAGED, zlib.error, EOFError, RuntimeError):
            content = UNKNOWN
    return None if content.kind in (Kind.PHOTO, Kind.ANIMATION) else content


def _names(members: list[zipfile.ZipInfo]) -> Iterator[str]:
    """Yield the names of members in their most likely encoding.

    A name without the flag of UTF-8 is mostly in UTF-8 all the same. Else it is in a code page that the zip
    does not name: that of DOS or of Windows, whichever has more letters in all names of this zip.
    """
    unsaid = [info for info in members if not info.flag_bits & _UTF_8]
    raw = {id(info): info.orig_filename.encode(_ZIPFILES_GUESS) for info in unsaid}
    others = b"".join(name for name in raw.values() if _utf_8(name) is None)
    n_dos, n_windows = (
        sum(byte in letters for byte in others) for letters in (_DOS_LETTERS, _WINDOWS_LETTERS)
    )
    page = _WINDOWS if n_windows > n_dos else _DOS
    for info in members:
        if info.flag_bits & _UTF_8:
            yield info.filename
            continue
        name = raw[id(info)]
        # Windows leaves five bytes undefined.
        text = _unicode_path(info, name) or _utf_8(name) or name.decode(page, "backslashreplace")
        yield text.partition("\0")[0]


def _utf_8(name: bytes) -> str | None:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _unicode_path(info: zipfile.ZipInfo, name: bytes) -> str | None:
    """Return the UTF-8 name in a member's extra field, unless it belongs to an older name."""
    extra = info.extra
    while len(extra) >= 4:
        field, size = struct.unpack_from("<HH", extra)
        content, extra = extra[4 : 4 + size], extra[4 + size :]
        if field == _UNICODE_PATH and content[1:5] == struct.pack("<I", zlib.crc32(name)):
            return _utf_8(content[5:])
    return None
