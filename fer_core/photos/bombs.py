"""Decompression bombs: small files that take long to decode, detected by their bytes before decoding.

Limits on pixels do not hold them off: a JPEG may pass over its pixels any number of times, 75 bytes a pass,
and a file may consist of millions of empty parts, each of which Pillow handles in Python.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from fer_core.errors import ImageTooLargeError

#: Parts of a file: segments of a JPEG, chunks of a PNG, blocks of a GIF. A photo of 50 MB has some thousand.
MAX_PARTS: Final = 100_000
#: Megapixels that all scans of a JPEG may pass over: 30 times the largest photo. Encoders make up to a dozen
#: scans; a pass takes 1.2 ms per megapixel, measured.
MAX_SCANNED_MEGAPIXELS: Final = 1500

_JPEG: Final = b"\xff\xd8"
#: A JPEG's markers that a length follows, and the end of the image. 0xFF00 is a byte of the pixels, FFFF
#: fills up; the others stand alone.
_JPEG_MARKER: Final = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])", re.DOTALL)
_JPEG_START_OF_SCAN: Final = 0xDA
_JPEG_END: Final = 0xD9
_PNG_HEADER: Final = 8
#: Length, type and checksum of a PNG's chunk.
_PNG_FRAME: Final = 12
_GIF_EXTENSION: Final = 0x21


def check_parts(data: bytes) -> None:
    """Raise ImageTooLargeError if a file has more parts than any photo."""
    for start, parts in _PARTS.items():
        if data.startswith(start) and any(
            n > MAX_PARTS for n, _ in enumerate(parts(data), start=1)
        ):
            raise ImageTooLargeError(
                f"The file has more than {MAX_PARTS:,} parts, so reading it would take too long. "
                "Save it again."
            )


def check_scans(
    data: bytes, width: int, height: int, *, most_megapixels: int = MAX_SCANNED_MEGAPIXELS
) -> None:
    """Raise ImageTooLargeError if a JPEG that passed `check_parts` has too many scans over its pixels.

    `most_megapixels` is what all scans may pass over.
    """
    if not data.startswith(_JPEG):
        return
    scans = sum(marker == _JPEG_START_OF_SCAN for marker in _jpeg_segments(data))
    if scans * width * height > most_megapixels * 1_000_000:
        raise ImageTooLargeError(
            f"This JPEG goes over its pixels {scans:,} times, so reading it would take too long. "
            "Save it again."
        )


def _jpeg_segments(data: bytes) -> Iterator[int]:
    """Yield the marker of each segment of the first image in a JPEG."""
    place = 2
    while (found := _JPEG_MARKER.search(data, place)) and (marker := found[1][0]) != _JPEG_END:
        yield marker
        length = int.from_bytes(data[found.end() : found.end() + 2], "big")
        place = found.end() + max(length, 2)


def _png_chunks(data: bytes) -> Iterator[bytes]:
    """Yield the type of each chunk of a PNG."""
    place = _PNG_HEADER
    while place + _PNG_FRAME <= len(data):
        yield data[place + 4 : place + 8]
        place += _PNG_FRAME + int.from_bytes(data[place : place + 4], "big")


def _gif_blocks(data: bytes) -> Iterator[int]:
    """Yield the size of each block of the extensions before the first frame of a GIF."""
    flags = data[10] if len(data) > 10 else 0
    place = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    while data[place : place + 1] == bytes([_GIF_EXTENSION]):
        place += 2
        while place < len(data):
            size = data[place]
            yield size
            place += 1 + size
            if not size:
                break


#: By how a file of the format starts.
_PARTS: Final[dict[bytes, Callable[[bytes], Iterator[object]]]] = {
    _JPEG: _jpeg_segments,
    b"\x89PNG": _png_chunks,
    b"GIF8": _gif_blocks,
}
