"""Decompression bombs: small files that take long to decode, detected by their bytes before decoding.

Limits on pixels do not hold them off: a JPEG may pass over its pixels any number of times, 75 bytes a pass,
and it may consist of segments that Pillow handles slowly, in Python. The parts of other formats are limited
by `content.LimitedReader`, and the directories of a TIFF by `photos.directories`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from fer_core.errors import ImageTooLargeError

#: Segments of a JPEG. A photo of 50 MB has some thousand.
MAX_PARTS: Final = 100_000
#: Megapixels that all scans of a JPEG may pass over: 30 times the largest photo. Encoders make up to a dozen
#: scans; a pass takes 1.2 ms per megapixel, measured.
MAX_SCANNED_MEGAPIXELS: Final = 1500

_JPEG: Final = b"\xff\xd8"
#: A JPEG's markers that a length follows, and the end of the image. 0xFF00 is a byte of the pixels, 0xFFFF
#: fills up. Pillow reads no length behind the others that are left out.
_JPEG_MARKER: Final = re.compile(rb"\xff([^\x00\x01\xc8\xd0-\xd8\xf0-\xfd\xff])", re.DOTALL)
_JPEG_START_OF_SCAN: Final = 0xDA
_JPEG_END: Final = 0xD9
#: Costly segments before the first scan, by marker: how their content starts, what to call them, and how many
#: a photo may have. Pillow keeps the components of each frame, copies all EXIF for each further segment of
#: it, and takes tables and Photoshop's resources apart in Python.
_FRAMES: Final = ("frames", 1)
_COSTLY: Final[dict[int, tuple[bytes, tuple[str, int]]]] = {
    # 0xC4, 0xC8 and 0xCC are no frames. 0xDE is one for Pillow.
    **dict.fromkeys({*range(0xC0, 0xD0), 0xDE} - {0xC4, 0xC8, 0xCC}, (b"", _FRAMES)),
    0xDB: (b"", ("quantization tables", 100)),
    0xE1: (b"Exif\0\0", ("parts of EXIF", 20)),
    0xED: (b"Photoshop", ("parts of Photoshop's data", 100)),
}


def check_parts(data: bytes) -> None:
    """Raise ImageTooLargeError if a JPEG has more segments, or more of one kind, than any photo."""
    if not data.startswith(_JPEG):
        return
    in_head: Counter[tuple[str, int]] = Counter()
    is_head = True
    for parts, (marker, body) in enumerate(_jpeg_segments(data), start=1):
        if parts > MAX_PARTS:
            raise _too_many("parts", MAX_PARTS)
        is_head &= marker != _JPEG_START_OF_SCAN
        if is_head and marker in _COSTLY:
            start, kind = _COSTLY[marker]
            in_head[kind] += data.startswith(start, body)
            if in_head[kind] > kind[1]:
                raise _too_many(*kind)


def _too_many(parts: str, most: int) -> ImageTooLargeError:
    return ImageTooLargeError(
        f"The file has too many {parts} (at most {most:,}), so reading it would take too long. "
        "Save it again."
    )


def has_several_scans(data: bytes) -> bool:
    """Return whether a JPEG goes over its pixels more than once, for which decoders keep coefficients."""
    return _scans(data) > 1


def check_scans(
    data: bytes, width: int, height: int, *, most_megapixels: int = MAX_SCANNED_MEGAPIXELS
) -> None:
    """Raise ImageTooLargeError if a JPEG that passed `check_parts` has too many scans over its pixels.

    `most_megapixels` is what all scans may pass over.
    """
    scans = _scans(data)
    if scans * width * height > most_megapixels * 1_000_000:
        raise ImageTooLargeError(
            f"This JPEG goes over its pixels {scans:,} times, so reading it would take too long. "
            "Save it again."
        )


def _scans(data: bytes) -> int:
    if not data.startswith(_JPEG):
        return 0
    return sum(marker == _JPEG_START_OF_SCAN for marker, _ in _jpeg_segments(data))


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the marker of each segment of the first image in a JPEG, and where its content begins."""
    place, has_scan = 2, False
    while found := _JPEG_MARKER.search(data, place):
        marker = found[1][0]
        place = found.end()
        if marker == _JPEG_END:
            # Pillow reads on behind an end that comes before the first scan.
            if has_scan:
                return
            continue
        yield marker, place + 2
        has_scan |= marker == _JPEG_START_OF_SCAN
        place += max(int.from_bytes(data[place : place + 2], "big"), 2)
