"""Which files are videos, by their first bytes."""

import io
from pathlib import Path
from typing import Final

from PIL import Image

ACCEPTED_SUFFIXES: Final = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".gif", ".apng")
MEND: Final = "Use an MP4, MOV, WebM or MKV file, or an animated GIF or PNG."

#: Boxes that a file of the QuickTime family begins with, behind their length.
_MOV_BOXES: Final = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
#: Photos in the same family of formats: HEIC and AVIF.
_PHOTO_BRANDS: Final = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")
_EBML: Final = b"\x1a\x45\xdf\xa3"
_PNG: Final = b"\x89PNG\r\n\x1a\n"
#: As much as is looked at; an animated PNG says what it is before its first pixels.
HEAD_BYTES: Final = 4096


def is_video(content: bytes | Path) -> bool:
    """Return whether a file begins like a video that we read; a GIF or PNG does only if it moves."""
    try:
        if isinstance(content, Path):
            with content.open("rb") as file:
                name = format_of(file.read(HEAD_BYTES))
        else:
            name = format_of(content[:HEAD_BYTES])
        if name != "gif":
            return name is not None
        with Image.open(
            content if isinstance(content, Path) else io.BytesIO(content), formats=("GIF",)
        ) as image:
            return bool(getattr(image, "is_animated", False))
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return False


def format_of(head: bytes) -> str | None:
    """Return FFmpeg's name of the format that a file begins like; None if it is none of ours."""
    if head[4:8] in _MOV_BOXES:
        is_photo = head[4:8] == b"ftyp" and head[8:12] in _PHOTO_BRANDS
        return None if is_photo else "mov"
    if head.startswith(_EBML):
        return "matroska"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head.startswith(_PNG) and b"acTL" in head:
        return "apng"
    return None
