"""Directories of TIFF files and EXIF, read before Pillow: what their tags would take in memory.

Pillow makes a Python object of each number under a tag, and a record of 350 bytes of each offset of a strip.
libtiff makes room for a whole tile, whatever the size of the image.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from fer_core.errors import ImageTooLargeError

#: Numbers of all tags: strips of 65,535 rows and curves of three colours with 16 bits are 330,000.
MAX_NUMBERS: Final = 400_000
#: Strips or tiles, each of which Pillow handles in Python: one per row of the highest image.
_MAX_STRIPS: Final = 100_000
#: Tags of all directories. A BigTIFF may claim any number.
_MAX_TAGS: Final = 100_000

_EXIF: Final = b"Exif\0\0"
_BIG: Final = 43
#: Bytes of a value by its kind; 1, 2 and 7 are bytes and text, which stay as they are.
_SIZES: Final = {
    **dict.fromkeys((1, 2, 6, 7), 1),
    **dict.fromkeys((3, 8), 2),
    **dict.fromkeys((4, 9, 11, 13), 4),
    **dict.fromkeys((5, 10, 12, 16, 17, 18), 8),
}
_PLAIN: Final = (1, 2, 7)
_STRIPS, _TILES = 273, 324
_TILE_WIDTH, _TILE_LENGTH = 322, 323
#: Tags that hold the place of a further directory that Pillow reads: EXIF, GPS, Interop.
_LINKS: Final = (34665, 34853, 40965)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One tag of a directory.

    Attributes:
        tag: its number.
        numbers: how many Python objects its value becomes; 0 for text, and where the file is too short.
        value: the first value, if it is an integer.
    """

    tag: int
    numbers: int
    value: int


def check_directories(data: bytes, *, most_tile_pixels: int) -> None:
    """Raise ImageTooLargeError if Pillow would take much memory for the tags or one tile of a TIFF.

    Args:
        data: the file; those that are no TIFF pass.
        most_tile_pixels: pixels that one tile may have.
    """
    if data[:2] not in (b"II", b"MM"):
        return
    check_numbers(data)
    sides = {_TILE_WIDTH: 0, _TILE_LENGTH: 0}
    for entry in _entries(data, _first(data)):
        if entry.tag in (_STRIPS, _TILES) and entry.numbers > _MAX_STRIPS:
            raise ImageTooLargeError(
                f"This TIFF has more than {_MAX_STRIPS:,} strips, so reading it would take too long. "
                "Save it as JPEG or PNG."
            )
        if entry.tag in sides:
            sides[entry.tag] = max(sides[entry.tag], entry.value)
    width, height = sides.values()
    if width * height > most_tile_pixels:
        raise ImageTooLargeError(
            f"A tile of this TIFF is too large: {width} x {height} pixels. Save it as JPEG or PNG."
        )


def check_numbers(data: bytes) -> None:
    """Raise ImageTooLargeError if the tags of a TIFF or of EXIF have more numbers than any photo's."""
    # Some encoders write the mark twice.
    data = data.removeprefix(_EXIF).removeprefix(_EXIF)
    places, numbers, tags = [_first(data)], 0, 0
    seen = set(places)
    # Grows by the links that are found.
    for place in places:
        for entry in _entries(data, place):
            tags += 1
            numbers += entry.numbers
            if numbers > MAX_NUMBERS or tags > _MAX_TAGS:
                raise ImageTooLargeError(
                    f"The file has too many tags, or more than {MAX_NUMBERS:,} numbers in them, so reading "
                    "it would take too long. Save it as JPEG or PNG."
                )
            if entry.tag in _LINKS and entry.value not in seen:
                seen.add(entry.value)
                places.append(entry.value)


def _first(data: bytes) -> int:
    """Return the place of the first directory."""
    return int.from_bytes(data[8:16] if _is_big(data) else data[4:8], _order(data))


def _entries(data: bytes, place: int) -> Iterator[_Entry]:
    """Yield the tags of the directory at a place, as far as the file goes."""
    order, is_big = _order(data), _is_big(data)
    form = struct.Struct(("<" if order == "little" else ">") + ("HHQ8s" if is_big else "HHI4s"))
    start = place + (8 if is_big else 2)
    count = int.from_bytes(data[place:start], order)
    for at in range(start, start + form.size * count, form.size):
        if at + form.size > len(data):
            return
        tag, kind, values, inline = form.unpack_from(data, at)
        size = _SIZES.get(kind, 0)
        offset, first = at, inline
        if size * values > len(inline):
            offset = int.from_bytes(inline, order)
            first = data[offset : offset + size]
        is_read = size > 0 and kind not in _PLAIN and offset + size * values <= len(data)
        yield _Entry(tag, values if is_read else 0, int.from_bytes(first[:size], order))


def _is_big(data: bytes) -> bool:
    # As Pillow tells a BigTIFF.
    return data[2:3] == bytes([_BIG])


def _order(data: bytes) -> Literal["little", "big"]:
    return "big" if data.startswith(b"MM") else "little"
