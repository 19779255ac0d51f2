"""File types by their first bytes: photo, animation, video, sound, archive or other.

This is the one place that decides it, for folders, zips, uploads, bulk annotation and training alike.

A table of signatures names the format that Pillow or FFmpeg is then held to. FFmpeg says whether a container
holds moving pictures or only sound, perhaps with the picture of its cover. Libraries that tell types of files
(filetype, puremagic, libmagic) cannot say that, and give no names of demuxers.
"""

import io
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from fer_core.errors import ImageTooLargeError, NotAnImageError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

#: Number of times that Pillow may read from a photo. It does so two to four times for each part: a chunk of
#: a PNG, a block of a GIF, a segment of a JPEG. A photo of 50 MB has some thousand parts.
MAX_READS: Final = 300_000
#: Number of bytes that are examined. An animated PNG declares itself before its first pixels.
HEAD_BYTES: Final = 4096
#: Suffixes of photos, used if the content is unknown (it may be damaged) or costly to read.
PHOTO_SUFFIXES: Final = (
    *(
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".jif",
        ".mpo",
        ".png",
        ".apng",
        ".webp",
        ".avif",
        ".avifs",
    ),
    *(".gif", ".bmp", ".dib", ".tif", ".tiff", ".heic", ".heics", ".heif", ".heifs", ".hif"),
)
#: The same for a video.
VIDEO_SUFFIXES: Final = (
    *(
        ".mp4",
        ".m4v",
        ".mov",
        ".qt",
        ".3gp",
        ".3g2",
        ".f4v",
        ".webm",
        ".mkv",
        ".avi",
        ".divx",
        ".wmv",
    ),
    *(".asf", ".flv", ".mpg", ".mpeg", ".vob", ".ts", ".mts", ".m2ts", ".ogv", ".mxf", ".dv"),
)
#: A self-extracting archive begins like a program.
_ARCHIVE_SUFFIX: Final = ".zip"
#: Codecs that cameras, browsers and editors write; FFmpeg's other hundreds stay shut to uploads.
CODECS: Final = (
    *("h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "theora", "prores", "dnxhd"),
    *("mpeg4", "msmpeg4", "msmpeg4v2", "mpeg1video", "mpeg2video", "wmv1", "wmv2", "wmv3", "vc1"),
    *("h263", "flv", "vp6", "vp6f", "dvvideo", "mjpeg", "ffv1", "huffyuv", "ffvhuff", "rawvideo"),
    *("cinepak", "qtrle", "svq1", "svq3"),
    *("gif", "apng", "png"),
)

#: In these formats FFmpeg may come upon further streams while it reads. PyAV 18 looks for them in an array of
#: one byte for each stream of the start (PyAV issue 692): the smallest memory block has 24 bytes.
_LATE_STREAMS: Final = ("mpegts", "mpeg", "mpegvideo", "flv", "ogg", "dv")
_MAX_LATE_STREAMS: Final = 24
#: Largest frame that is decoded for FFmpeg's first look at a container.
_PROBED_PIXELS: Final = 10_000_000

#: Files and folders that macOS, Windows and network drives add.
_SYSTEM_FILES: Final = (".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", ".directory")
_SYSTEM_FOLDERS: Final = (
    *("__macosx", ".appledouble", ".spotlight-v100", ".trashes", ".fseventsd", ".temporaryitems"),
    *("$recycle.bin", "system volume information", "@eadir"),
)
#: Prefix of the metadata files that macOS writes beside each file on foreign disks and in zips.
_APPLE_DOUBLE: Final = "._"


class Kind(StrEnum):
    """The kind of a file."""

    PHOTO = "photo"
    #: A photo by its first picture, or a video by all.
    ANIMATION = "animation"
    VIDEO = "video"
    SOUND = "sound"
    ARCHIVE = "archive"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Content:
    """The type of a file.

    Attributes:
        kind: what it is taken for.
        noun: what to call it, with a plural in "s": "PDF document".
        demuxer: FFmpeg's name of the format, if FFmpeg is to read it.
        mend: what makes a photo of it, in a sentence; empty if nothing does.
    """

    kind: Kind
    noun: str
    demuxer: str | None = None
    mend: str = ""


PHOTO: Final = Content(Kind.PHOTO, "photo")
ZIP: Final = Content(Kind.ARCHIVE, "zip")
SOUND: Final = Content(Kind.SOUND, "sound file")
#: A file that matches no signature.
UNKNOWN: Final = Content(Kind.OTHER, "other file")
_RAW: Final = Content(Kind.OTHER, "raw photo", mend="Save as JPEG.")
_DOCUMENT: Final = Content(Kind.OTHER, "document")
_ANIMATION_NOUN: Final = "animation"


def _video(demuxer: str) -> Content:
    return Content(Kind.VIDEO, "video", demuxer)


def _unread(noun: str) -> Content:
    return Content(Kind.OTHER, noun, mend="Save as JPEG.")


def _packed(noun: str) -> Content:
    return Content(Kind.OTHER, noun, mend="Unpack first.")


_MOV: Final = _video("mov")
#: A single picture is not told from an animation here: see `_moves`.
_GIF: Final = Content(Kind.ANIMATION, _ANIMATION_NOUN, "gif")
_APNG: Final = Content(Kind.ANIMATION, _ANIMATION_NOUN, "apng")
#: By the bytes that a file starts with.
_STARTS: Final[dict[bytes, Content]] = {
    b"\xff\xd8\xff": PHOTO,
    b"II*\0": PHOTO,
    b"MM\0*": PHOTO,
    b"II+\0": PHOTO,
    b"MM\0+": PHOTO,
    b"GIF87a": _GIF,
    b"GIF89a": _GIF,
    b"\x1a\x45\xdf\xa3": _video("matroska"),
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c": _video("asf"),
    b"FLV\x01": _video("flv"),
    b"\0\0\x01\xba": _video("mpeg"),
    b"\0\0\x01\xb3": _video("mpegvideo"),
    b"OggS": _video("ogg"),
    b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02": _video("mxf"),
    b"\x1f\x07\x00\x3f": _video("dv"),
    b"\x1f\x07\x00\xbf": _video("dv"),
    b"ID3": SOUND,
    b"fLaC": SOUND,
    b"RF64": SOUND,
    b"#!AMR": SOUND,
    b"MThd": SOUND,
    b"wvpk": SOUND,
    b"\x0bw": SOUND,
    b"caff": SOUND,
    b".snd": SOUND,
    b"PK\x03\x04": ZIP,
    b"PK\x05\x06": ZIP,
    b"PK\x07\x08": ZIP,
    b"Rar!\x1a\x07": _packed("RAR archive"),
    b"7z\xbc\xaf\x27\x1c": _packed("7z archive"),
    b"\x1f\x8b": _packed("gzip archive"),
    b"BZh": _packed("bzip2 archive"),
    b"\xfd7zXZ\0": _packed("xz archive"),
    b"\x28\xb5\x2f\xfd": _packed("zstd archive"),
    b"\xff\x0a": _unread("JPEG XL photo"),
    b"\0\0\0\x0cJXL ": _unread("JPEG XL photo"),
    b"\0\0\0\x0cjP  ": _unread("JPEG 2000 photo"),
    b"8BPS": _unread("Photoshop file"),
    b"%PDF-": _unread("PDF document"),
    b"IIU\0": _RAW,
    b"IIRO": _RAW,
    b"IIRS": _RAW,
    b"MMOR": _RAW,
    b"FUJIFILMCCD-RAW": _RAW,
    b"FOVb": _RAW,
    b"PAR1": Content(Kind.OTHER, "parquet file"),
}
_PNG: Final = b"\x89PNG\r\n\x1a\n"
#: Kinds of the IFF family by their four letters at the eighth byte.
_CHUNKED: Final[dict[bytes, dict[bytes, Content]]] = {
    b"RIFF": {b"WEBP": PHOTO, b"AVI ": _video("avi"), b"WAVE": SOUND},
    b"FORM": {b"AIFF": SOUND, b"AIFC": SOUND},
}
#: First boxes of files of the QuickTime family, behind their length. The second kind are words in texts too.
_MOV_BOXES: Final = (b"moov", b"mdat")
_MOV_FILLERS: Final = (b"free", b"skip", b"wide", b"pnot")
_LARGEST_FILLER: Final = 0x1FFFFFFF
#: What is no video in that family, by its brand: HEIC and AVIF, also several in a file, sound, raw photos.
_BRANDS: Final[dict[bytes, Content]] = {
    **dict.fromkeys(
        (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), PHOTO
    ),
    **dict.fromkeys((b"mif1", b"mif2", b"msf1", b"miaf", b"avif", b"avis"), PHOTO),
    **dict.fromkeys((b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "), SOUND),
    b"crx ": _RAW,
}
#: Lengths of a BMP's second header.
_BMP_HEADERS: Final = (12, 40, 52, 56, 64, 108, 124)
#: Sizes of packets of MPEG transport streams, and where the first one begins: as sent, as in M2TS files of
#: camcorders, and with error correction.
_TS_PACKETS: Final = ((188, 0), (192, 4), (204, 0))
_TS_SYNC: Final = 0x47
#: Number of packets that must begin correctly.
_TS_SEEN: Final = 5
#: First files of zips that are documents or programs: of Office, OpenDocument and EPUB, Java, Android.
_DOCUMENT_MEMBERS: Final = (
    *(b"[Content_Types].xml", b"mimetype", b"_rels/", b"docProps/", b"word/", b"xl/", b"ppt/"),
    *(b"META-INF/", b"AndroidManifest.xml", b"classes.dex"),
)
_NAME_IN_ZIP: Final = 30
# Tags and values of a TIFF's first directory that raw photos have.
_SUBFILE_TYPE, _PHOTOMETRIC, _DNG_VERSION = 254, 262, 50706
_REDUCED: Final = 1
_RAW_PHOTOMETRIC: Final = (32803, 34892)


def is_system_file(name: str) -> bool:
    """Return whether a path is a file that operating systems add to folders, such as .DS_Store."""
    *folders, base = name.lower().replace("\\", "/").split("/")
    return (
        base in _SYSTEM_FILES
        or base.startswith(_APPLE_DOUBLE)
        or any(part in _SYSTEM_FOLDERS for part in (*folders, base))
    )


def content_of(file: bytes | Path) -> Content:
    """Return a file's type by its bytes.

    A container of FFmpeg's that cannot be opened is a video, so that its reader says what is wrong with it.

    Raises:
        OSError: it cannot be read.
    """
    with io.BytesIO(file) if isinstance(file, bytes) else file.open("rb") as opened:
        head = opened.read(HEAD_BYTES)
        found = content_of_head(head)
        if found.kind is Kind.ANIMATION and not _moves(opened, head):
            return PHOTO
        if found.kind is Kind.VIDEO and _is_sound(opened, found):
            return SOUND
        return found


def content_of_head(head: bytes) -> Content:
    """Return a file's type by its first HEAD_BYTES; a container with only sound counts as a video."""
    if head.startswith(_PNG):
        return _APNG if b"acTL" in head else PHOTO
    for start, content in _STARTS.items():
        if head.startswith(start):
            if content is ZIP and head[_NAME_IN_ZIP:].startswith(_DOCUMENT_MEMBERS):
                return _DOCUMENT
            if content is PHOTO and head[:2] in (b"II", b"MM") and _is_raw(head):
                return _RAW
            return content
    return (
        _CHUNKED.get(head[:4], {}).get(head[8:12])
        or _of_quicktime_family(head)
        or _without_start(head)
        or UNKNOWN
    )


def kind_of_unknown(name: str) -> Kind:
    """Return the kind of a file by its name, for unknown or unread content."""
    base = name.lower()
    if base.endswith(PHOTO_SUFFIXES):
        return Kind.PHOTO
    if base.endswith(VIDEO_SUFFIXES):
        return Kind.VIDEO
    return Kind.ARCHIVE if base.endswith(_ARCHIVE_SUFFIX) else Kind.OTHER


def check_is_photo(data: bytes) -> None:
    """Raise NotAnImageError if a file's bytes are known not to be a photo."""
    found = content_of(data)
    if found.kind in (Kind.PHOTO, Kind.ANIMATION) or found is UNKNOWN:
        return
    what = {
        Kind.SOUND: "This is a sound file. Choose a photo.",
        Kind.VIDEO: "This is a video, not a photo. Use the page Batch and video, or "
        "`python -m fer_core analyze`.",
        Kind.ARCHIVE: "This is a zip, not a photo. Unpack it first.",
    }
    raise NotAnImageError(
        what.get(found.kind)
        or f"This is a {found.noun}, which is not supported. {found.mend}".rstrip()
    )


class LimitedReader:
    """A file for Pillow that raises ImageTooLargeError after a number of reads.

    Pillow goes through the parts of a file in Python, and a file may consist of millions of empty ones.
    """

    def __init__(self, file: BinaryIO, most_reads: int = MAX_READS) -> None:
        self._file = file
        self._reads_left = most_reads

    @classmethod
    def of(cls, file: BinaryIO, most_reads: int = MAX_READS) -> BinaryIO:
        """Return a limited reader of a file, typed as what it stands for."""
        return cast(BinaryIO, cls(file, most_reads))

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most `size` of them."""
        self._reads_left -= 1
        if self._reads_left < 0:
            raise ImageTooLargeError(
                "The file has too many parts, so reading it would take too long. "
                "Save it again as JPEG or PNG."
            )
        return self._file.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def open_container(file: BinaryIO, demuxer: str, *, max_pixels: int) -> "InputContainer":
    """Open a file with FFmpeg's demuxer of that name, and no other.

    FFmpeg reads far more than videos: playlists, for one, that name files of this machine and addresses
    elsewhere. So it never chooses the format, and it gets its bytes from us.

    Args:
        file: the bytes.
        demuxer: of a `Content`.
        max_pixels: of a frame, also for FFmpeg's own first look, in which it decodes one.

    Raises:
        av.FFmpegError, ValueError, MemoryError: the file is damaged.
    """
    import av

    options = {"max_pixels": str(max_pixels), "codec_whitelist": ",".join(CODECS)}
    if demuxer in _LATE_STREAMS:
        options["max_streams"] = str(_MAX_LATE_STREAMS)
    return av.open(file, "r", format=demuxer, metadata_errors="replace", options=options)


def picture_streams(container: "InputContainer") -> "list[VideoStream]":
    """Return the streams with moving pictures; a song's cover is a stream with one still picture."""
    from av.stream import Disposition

    return [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]


def packets_of(container: "InputContainer", *streams: "VideoStream") -> "Iterator[Packet[Any]]":
    """Yield the packets of some streams, by default all; each ends with an empty packet.

    Raises:
        av.FFmpegError, OSError: the file is damaged.
    """
    # PyAV 18 may fail at the end, over streams that FFmpeg came upon on the way. They come behind those of
    # the start, which are done by then.
    with suppress(IndexError):
        yield from container.demux(*streams)


def _moves(file: BinaryIO, head: bytes) -> bool:
    """Return whether a file is animated; a GIF is if it has a second picture among its first parts."""
    from PIL import Image

    if head.startswith(_PNG):
        return True
    file.seek(0)
    try:
        with Image.open(LimitedReader.of(file), formats=("GIF",)) as image:
            return bool(getattr(image, "is_animated", False))
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return False
    except ImageTooLargeError:
        # `decode` says so of its first picture.
        return False
    except (struct.error, IndexError):
        # From Pillow, where the head of the second picture is cut short.
        return False


def _is_sound(file: BinaryIO, content: Content) -> bool:
    """Return whether a container holds sound and no moving pictures."""
    import av

    assert content.demuxer is not None
    file.seek(0)
    try:
        with open_container(file, content.demuxer, max_pixels=_PROBED_PIXELS) as container:
            return bool(container.streams.audio) and not picture_streams(container)
    except (av.FFmpegError, OSError, ValueError, MemoryError):
        return False


def _of_quicktime_family(head: bytes) -> Content | None:
    size, box, brand = int.from_bytes(head[:4], "big"), head[4:8], head[8:12]
    if box == b"ftyp":
        return _BRANDS.get(brand, _MOV)
    if box in _MOV_BOXES or (box in _MOV_FILLERS and size <= _LARGEST_FILLER):
        return _MOV
    return None


def _without_start(head: bytes) -> Content | None:
    """Return the type of files whose first bytes alone are not enough."""
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return PHOTO
    if any(_are_packets(head, size, start) for size, start in _TS_PACKETS):
        return _video("mpegts")
    if _is_mpeg_sound(head):
        return SOUND
    return _packed("tar archive") if head[257:262] == b"ustar" else None


def _are_packets(head: bytes, size: int, start: int) -> bool:
    starts = head[start : start + _TS_SEEN * size : size]
    return len(starts) == _TS_SEEN and set(starts) == {_TS_SYNC}


def _is_mpeg_sound(head: bytes) -> bool:
    """Return whether a file begins with a frame of MP3, MP2 or AAC; UTF-16 text begins similarly."""
    if len(head) < 4 or head[0] != 0xFF:
        return False
    # Eleven bits to synchronise, two of the version, two of the layer, one whether there is a checksum.
    is_aac = head[1] & 0xF6 == 0xF0
    layer = head[1] & 0x06
    is_mpeg = head[1] & 0xE0 == 0xE0 and head[1] & 0x18 != 0x08 and layer in (0x02, 0x04)
    # Neither a free nor a forbidden bit rate.
    return is_aac or (is_mpeg and head[2] >> 4 not in (0, 15))


def _is_raw(head: bytes) -> bool:
    """Return whether a TIFF is a raw photo: its first picture is a thumbnail, or not demosaiced."""
    if head[8:10] == b"CR":
        return True
    if b"*" not in head[2:4]:
        # A BigTIFF, which no camera writes.
        return False
    order = "<" if head.startswith(b"II") else ">"
    try:
        (place,) = struct.unpack_from(f"{order}I", head, 4)
        (count,) = struct.unpack_from(f"{order}H", head, place)
        entries = {
            tag: value if kind == 4 else short
            for tag, kind, value, short in _entries(head, place + 2, count, order)
        }
    except struct.error:
        # Its directory lies farther on, as those of cameras do not.
        return False
    return (
        _DNG_VERSION in entries
        or entries.get(_SUBFILE_TYPE, 0) == _REDUCED
        or entries.get(_PHOTOMETRIC) in _RAW_PHOTOMETRIC
    )


def _entries(
    head: bytes, place: int, count: int, order: str
) -> Iterable[tuple[int, int, int, int]]:
    """Yield tag and type of a directory's entries, with the value as a long and as a short integer."""
    for at in range(place, place + 12 * count, 12):
        tag, kind, _, value = struct.unpack_from(f"{order}HHII", head, at)
        (short,) = struct.unpack_from(f"{order}H", head, at + 8)
        yield tag, kind, value, short
