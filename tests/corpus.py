"""Bad and odd files: what visitors and attackers may call a photo, generated from code and seeds.

python -m tests.corpus FOLDER   # writes them there

`specimens` yields each file with what is to become of it. Most come from two small photos; the rest are put
together byte by byte, since no encoder would write them.
"""

import io
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image, PngImagePlugin
from skimage import data

#: Suffix and options by Pillow's name of the format.
FORMATS = {
    "JPEG": ("jpg", {"quality": 90}),
    "PNG": ("png", {}),
    "WEBP": ("webp", {"quality": 90, "method": 0}),
    "GIF": ("gif", {}),
    "BMP": ("bmp", {}),
    "TIFF": ("tif", {"compression": "tiff_lzw"}),
    "HEIF": ("heic", {"quality": 80}),
    "AVIF": ("avif", {"quality": 80, "speed": 10}),
}
#: Files with seeded damage, of each format and photo.
DAMAGED_COPIES = 8
ORIENTATION = 0x0112
#: Sides just under the limits on pixels.
LARGE, LARGE_WEBP = 7_000, 4_200


class Fate(StrEnum):
    """What is to become of a file."""

    PHOTO = "photo"
    REFUSED = "refused"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Specimen:
    """One file.

    Attributes:
        name: of the file, unique, with a suffix that the app accepts.
        content: of the file.
        fate: what is to become of it.
    """

    name: str
    content: bytes
    fate: Fate


def specimens() -> Iterator[Specimen]:
    """Yield all of them."""
    for family in (
        _whole_and_cut,
        _damaged,
        _misnamed,
        _modes,
        _tiffs,
        _jpegs,
        _many_frames,
        _exif,
        _metadata,
        _shapes,
        _bombs,
        _lying_headers,
        _no_images,
        _polyglots,
    ):
        yield from family()


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    """Return an image as the bytes of a file."""
    pillow_heif.register_heif_opener()
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


@cache
def photos() -> dict[str, Image.Image]:
    """A face and no face, public domain and CC0, small."""
    return {
        "face": Image.fromarray(data.astronaut()[:256, 96:352]).resize((192, 192)),
        "coffee": Image.fromarray(data.coffee()).resize((120, 80)),
    }


@cache
def _files() -> dict[tuple[str, str], bytes]:
    """Whole files by photo and format."""
    return {
        (name, file_format): encoded(image, file_format, **options)
        for name, image in photos().items()
        for file_format, (_, options) in FORMATS.items()
    }


def _whole_and_cut() -> Iterator[Specimen]:
    for (name, file_format), content in _files().items():
        suffix = FORMATS[file_format][0]
        yield Specimen(f"whole_{name}.{suffix}", content, Fate.PHOTO)
        for quarter in range(4):
            # A BMP in this corpus has no compression: cut, it lacks rows; all others lack their end.
            part = content[: len(content) * quarter // 4]
            yield Specimen(f"cut_{name}_{quarter}_quarters.{suffix}", part, Fate.REFUSED)
        yield Specimen(f"cut_{name}_last_byte.{suffix}", content[:-1], Fate.EITHER)
        yield Specimen(f"tail_{name}.{suffix}", content + bytes(1000), Fate.PHOTO)


def _damaged() -> Iterator[Specimen]:
    for (name, file_format), content in _files().items():
        for seed in range(DAMAGED_COPIES):
            rng = np.random.default_rng(seed)
            bytes_ = np.frombuffer(content, np.uint8).copy()
            # Half of them in the header, where damage does most.
            end = len(bytes_) if seed % 2 else min(200, len(bytes_))
            places = rng.integers(0, end, 1 + seed)
            bytes_[places] = rng.integers(0, 256, len(places))
            yield Specimen(
                f"damaged_{name}_{seed}.{FORMATS[file_format][0]}", bytes_.tobytes(), Fate.EITHER
            )


def _misnamed() -> Iterator[Specimen]:
    suffixes = [suffix for suffix, _ in FORMATS.values()]
    for i, file_format in enumerate(FORMATS):
        for wrong in (suffixes[i - 1], suffixes[i - 3]):
            content = _files()["face", file_format]
            yield Specimen(f"{file_format.lower()}_called.{wrong}", content, Fate.PHOTO)


def _modes() -> Iterator[Specimen]:
    face = photos()["face"]
    grey16 = (np.asarray(face.convert("L")).astype(np.uint16) * 257).astype(np.uint16)
    alpha = face.copy()
    alpha.putalpha(Image.linear_gradient("L").resize(face.size))
    palette_alpha = face.quantize(64)
    palette_alpha.info["transparency"] = bytes(range(0, 256, 4))
    modes = {
        "1_bit": face.convert("1"),
        "grey": face.convert("L"),
        "grey_alpha": alpha.convert("LA"),
        "palette": face.convert("P"),
        "palette_2_colours": face.quantize(2),
        "palette_alpha": palette_alpha,
        "rgba": alpha,
        "rgba_clear": Image.new("RGBA", (64, 64), (9, 9, 9, 0)),
        "16_bit": Image.fromarray(grey16),
    }
    for name, image in modes.items():
        yield Specimen(f"mode_{name}.png", encoded(image, "PNG"), Fate.PHOTO)
    yield Specimen("mode_16_bit_rgb.png", _png_rgb16(grey16), Fate.PHOTO)
    yield Specimen("mode_rgba.webp", encoded(alpha, "WEBP"), Fate.PHOTO)
    yield Specimen("mode_rgba.heic", encoded(alpha, "HEIF"), Fate.PHOTO)
    yield Specimen("mode_rgba.avif", encoded(alpha, "AVIF"), Fate.PHOTO)
    yield Specimen("mode_1_bit.bmp", encoded(face.convert("1"), "BMP"), Fate.PHOTO)
    yield Specimen("mode_palette.bmp", encoded(face.convert("P"), "BMP"), Fate.PHOTO)
    one_clear = encoded(face.quantize(16), "GIF", transparency=3)
    yield Specimen("mode_one_clear_colour.gif", one_clear, Fate.PHOTO)
    interlaced = encoded(face.quantize(16), "GIF", interlace=True)
    yield Specimen("mode_interlaced.gif", interlaced, Fate.PHOTO)


def _tiffs() -> Iterator[Specimen]:
    face = photos()["face"]
    grey = np.asarray(face.convert("L"))
    holes = grey.astype(np.float32)
    holes[:40], holes[40:50], holes[50:60] = np.nan, np.inf, -np.inf
    images = {
        "cmyk": (face.convert("CMYK"), "raw"),
        "lab": (face.convert("LAB"), "raw"),
        "ycbcr_jpeg": (face.convert("YCbCr"), "jpeg"),
        "packbits": (face, "packbits"),
        "deflate": (face, "tiff_adobe_deflate"),
        "fax_g3": (face.convert("1"), "group3"),
        "fax_g4": (face.convert("1"), "group4"),
        "16_bit_big_endian": (
            Image.frombytes("I;16B", face.size, grey.astype(">u2").tobytes()),
            "raw",
        ),
        "32_bit": (Image.fromarray(grey.astype(np.int32) * 70_000), "raw"),
        "float": (Image.fromarray(grey / np.float32(255)), "raw"),
        "float_holes": (Image.fromarray(holes), "raw"),
        "float_nothing": (Image.fromarray(np.full((20, 30), np.nan, np.float32)), "raw"),
        "float_huge": (Image.fromarray(np.full((20, 30), 3e38, np.float32)), "raw"),
    }
    for name, (image, compression) in images.items():
        content = encoded(image, "TIFF", compression=compression)
        yield Specimen(f"tiff_{name}.tif", content, Fate.PHOTO)


def _jpegs() -> Iterator[Specimen]:
    face = photos()["face"]
    files = {
        "cmyk": encoded(face.convert("CMYK"), "JPEG"),
        "grey": encoded(face.convert("L"), "JPEG"),
        "progressive": encoded(face, "JPEG", progressive=True),
        "restarts": encoded(face, "JPEG", restart_marker_rows=1),
        "quality_1": encoded(face, "JPEG", quality=1),
        "no_subsampling": encoded(face, "JPEG", subsampling=0),
        "two_pictures": encoded(face, "MPO", save_all=True, append_images=[photos()["coffee"]]),
        "film_behind": encoded(face, "JPEG") + b"\xff\xda\x00\x02" * 50_000,
    }
    for name, content in files.items():
        yield Specimen(f"jpeg_{name}.jpg", content, Fate.PHOTO)


def _many_frames() -> Iterator[Specimen]:
    frames = [photos()["face"].rotate(10 * i) for i in range(4)]
    for file_format in ("GIF", "WEBP", "PNG", "TIFF", "AVIF", "HEIF"):
        content = encoded(frames[0], file_format, save_all=True, append_images=frames[1:])
        yield Specimen(f"animated.{FORMATS[file_format][0]}", content, Fate.PHOTO)
    black = [Image.new("RGB", (64, 64), (i, 0, 0)) for i in range(200)]
    content = encoded(black[0], "GIF", save_all=True, append_images=black[1:])
    yield Specimen("animated_200_frames.gif", content, Fate.PHOTO)


def _exif() -> Iterator[Specimen]:
    face = photos()["face"]
    for value in (*range(10), 255, 65535):
        exif = Image.Exif()
        exif[ORIENTATION] = value
        yield Specimen(
            f"orientation_{value}.jpg", encoded(face, "JPEG", exif=exif.tobytes()), Fate.PHOTO
        )
    words = b"Exif\0\0II*\0" + struct.pack("<IHHHI4sI", 8, 1, ORIENTATION, 2, 4, b"up!\0", 0)
    broken = {
        "words": words,
        "nothing": b"Exif\0\0",
        "not_exif": b"Exif\0\0this is no directory of tags",
        "cut": words[:20],
        "loop": b"Exif\0\0II*\0\x08\0\0\0" + b"\0\0" + b"\x08\0\0\0",
        "far_away": b"Exif\0\0II*\0\xff\xff\xff\x7f",
        "many_tags": b"Exif\0\0" + _directory(2700, 32_000),
    }
    for name, exif in broken.items():
        for file_format in ("JPEG", "PNG", "WEBP"):
            content = encoded(face, file_format, exif=exif)
            yield Specimen(f"exif_{name}.{FORMATS[file_format][0]}", content, Fate.PHOTO)
    yield Specimen("exif_64_kb.jpg", encoded(face, "JPEG", exif=_large_exif(60_000)), Fate.PHOTO)
    yield Specimen("exif_8_mb.webp", encoded(face, "WEBP", exif=_large_exif(8_000_000)), Fate.PHOTO)
    yield Specimen("exif_8_mb.png", encoded(face, "PNG", exif=_large_exif(8_000_000)), Fate.PHOTO)
    markup = Image.Exif()
    # Artist and ImageDescription.
    markup[0x013B], markup[0x010E] = "<script>alert(1)</script>", "[x](javascript:alert(1))"
    yield Specimen("exif_markup.jpg", encoded(face, "JPEG", exif=markup.tobytes()), Fate.PHOTO)


def _metadata() -> Iterator[Specimen]:
    face = photos()["face"]
    for file_format in ("JPEG", "PNG", "WEBP", "TIFF"):
        content = encoded(face, file_format, icc_profile=b"no profile of colours" * 50)
        yield Specimen(f"icc_rubbish.{FORMATS[file_format][0]}", content, Fate.PHOTO)
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "x" * 50_000_000, zip=True)
    yield Specimen("text_bomb.png", encoded(face, "PNG", pnginfo=text), Fate.EITHER)
    yield Specimen(
        "profile_bomb.png", encoded(face, "PNG", icc_profile=bytes(50_000_000)), Fate.EITHER
    )


def _shapes() -> Iterator[Specimen]:
    for width, height in ((1, 1), (1, 300), (300, 1), (15, 15), (16, 16), (17, 5000), (60_000, 20)):
        image = photos()["face"].resize((width, height))
        yield Specimen(f"shape_{width}x{height}.png", encoded(image, "PNG"), Fate.PHOTO)
    yield Specimen("shape_70000x1.png", encoded(Image.new("L", (70_000, 1)), "PNG"), Fate.REFUSED)
    yield Specimen("shape_line_of_49_mp.png", png_of_size(49_000_000, 1), Fate.REFUSED)


def _bombs() -> Iterator[Specimen]:
    for side in (7_300, 12_000):
        yield Specimen(f"bomb_{side}.png", png_of_size(side, side), Fate.REFUSED)
    yield Specimen(f"large_{LARGE}.png", png_of_size(LARGE, LARGE), Fate.PHOTO)
    flat = Image.new("RGB", (LARGE, LARGE), (120, 60, 30))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    yield Specimen(f"large_{LARGE}.jpg", encoded(flat, "JPEG", exif=exif.tobytes()), Fate.PHOTO)
    floats = Image.fromarray(np.zeros((LARGE, LARGE), np.float32))
    compressed = encoded(floats, "TIFF", compression="tiff_adobe_deflate")
    yield Specimen(f"large_{LARGE}.tif", compressed, Fate.PHOTO)
    # A lossless WebP of one colour has 38 bytes at any size, and its decoder takes 16 bytes a pixel.
    for side, fate in ((LARGE_WEBP, Fate.PHOTO), (LARGE_WEBP + 100, Fate.REFUSED)):
        content = encoded(flat.crop((0, 0, side, side)), "WEBP", lossless=True, method=0)
        yield Specimen(f"large_{side}.webp", content, fate)
    yield Specimen("scans_200.jpg", jpeg_of_scans(LARGE, 200), Fate.REFUSED)
    yield Specimen("scans_200_small.jpg", jpeg_of_scans(200, 200), Fate.PHOTO)
    for name, content in {**parts_floods(), **segment_floods(), **tag_floods()}.items():
        yield Specimen(f"parts_{name}", content, Fate.REFUSED)
    for side, fate in ((1_000, Fate.PHOTO), (2_300, Fate.REFUSED)):
        yield Specimen(f"runs_{side}.bmp", bmp_of_runs(side), fate)


def png_of_size(width: int, height: int) -> bytes:
    """Return a PNG of black bits whose file is small whatever its size."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    rows = b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return _png(header, rows)


def jpeg_of_scans(side: int, scans: int) -> bytes:
    """Return a progressive JPEG of one grey that goes over its pixels some more times, 75 bytes a time."""
    content = encoded(Image.new("L", (side, side), 77), "JPEG", progressive=True)
    last_scan = content[content.rindex(b"\xff\xda") : -2]
    return content[:-2] + last_scan * scans + content[-2:]


def parts_floods(parts: int = 200_000) -> dict[str, bytes]:
    """Return files of very many empty parts, by their names."""
    small = Image.new("RGB", (8, 8), (120, 60, 30))
    png, jpeg, gif = (encoded(small, file_format) for file_format in ("PNG", "JPEG", "GIF"))
    before = png.index(b"IDAT") - 4
    frame = gif.index(b"\x2c", 13 + (3 << ((gif[10] & 7) + 1)))
    return {
        "chunks.png": png[:before] + _chunk(b"abCd", b"") * parts + png[before:],
        "comments.jpg": jpeg[:2] + b"\xff\xfe\x00\x02" * parts + jpeg[2:],
        "comments.gif": gif[:frame] + b"\x21\xfe\x01a\x00" * (parts // 2) + gif[frame:],
        "one_comment.gif": gif[:frame] + b"\x21\xfe" + b"\x01a" * parts + b"\x00" + gif[frame:],
        # Pillow passes over bytes that are no part, one by one, and over the end before the pixels.
        "rubbish.gif": gif[:frame] + bytes(2 * parts) + gif[frame:],
        "rubbish.jpg": jpeg[:20] + bytes(2 * parts) + jpeg[20:],
        "end_first.jpg": jpeg[:2] + b"\xff\xd9" + b"\xff\xfe\x00\x02" * parts + jpeg[2:],
    }


def segment_floods() -> dict[str, bytes]:
    """Return JPEGs with rather many of the segments that cost Pillow most, by their names."""
    jpeg = encoded(Image.new("RGB", (8, 8), (120, 60, 30)), "JPEG")
    frame = jpeg.index(b"\xff\xc0")
    exif = _segment(0xE1, b"Exif\0\0" + bytes(20)) * 21
    return {
        "exif.jpg": jpeg[:2] + exif + jpeg[2:],
        # Markers that Pillow takes for no segments, and that hide others from a reader who does.
        "exif_behind_end.jpg": jpeg[:2] + b"\xff\xd9" + exif + jpeg[2:],
        "exif_hidden.jpg": jpeg[:2] + b"\xff\xf0\xff\xff" + exif + jpeg[2:],
        "tables.jpg": jpeg[:2] + _segment(0xDB, bytes(65)) * 101 + jpeg[2:],
        "photoshop.jpg": jpeg[:2] + _segment(0xED, b"Photoshop 3.0\0") * 101 + jpeg[2:],
        "frames.jpg": jpeg[:frame] + jpeg[frame : frame + 19] * 2 + jpeg[frame:],
    }


def tag_floods() -> dict[str, bytes]:
    """Return TIFFs of 16 by 16 pixels whose tags would take much memory, by their names."""
    pixels, many, side = bytes(16 * 16), 500_000, 24_000
    plain = {256: [16], 257: [16], 258: [8], 259: [1], 262: [1]}
    strips = {**plain, 273: [8] * many, 278: [1], 279: [16] * many}
    tile = {
        **plain,
        259: [8],
        322: [side],
        323: [side],
        324: [8],
        325: [len(zlib.compress(pixels))],
    }
    return {
        "strips.tif": tiff(strips, pixels),
        "strips_big.tif": tiff(strips, pixels, is_big=True),
        "tile.tif": tiff(tile, zlib.compress(pixels)),
        "tile_big.tif": tiff({**tile, 324: [16]}, zlib.compress(pixels), is_big=True),
        "directions.tif": tiff({**plain, 273: [8], 274: [1] * many, 279: [256]}, pixels),
    }


def tiff(tags: dict[int, list[int]], pixels: bytes, *, is_big: bool = False) -> bytes:
    """Return a TIFF, or a BigTIFF, of numbers of 32 bits under tags; the pixels lie at byte 8, or 16."""
    start = struct.pack("<2sHHH", b"II", 43, 8, 0) if is_big else b"II*\0"
    count, word, inline = ("<Q", "<Q", 2) if is_big else ("<H", "<I", 1)
    place = len(start) + struct.calcsize(word) + len(pixels)
    bodies = place + struct.calcsize(count) + len(tags) * (20 if is_big else 12) + 8
    entries, lists = b"", b""
    for tag, numbers in tags.items():
        packed = struct.pack(f"<{len(numbers)}I", *numbers)
        at = numbers[0] if len(numbers) <= inline else bodies + len(lists)
        entries += struct.pack("<HH", tag, 4) + struct.pack(f"<2{word[1]}", len(numbers), at)
        lists += packed if len(numbers) > inline else b""
    head = start + struct.pack(word, place) + pixels
    return head + struct.pack(count, len(tags)) + entries + bytes(8) + lists


def bmp_of_runs(side: int) -> bytes:
    """Return a run-length encoded BMP whose rows all end at once: 2 bytes a row."""
    colours = bytes(range(256)) * 4
    header = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, 0, 0, 0, 256, 0)
    rows = b"\x01\x05\x00\x00" * side + b"\x00\x01"
    start = struct.pack("<2sIHHI", b"BM", 0, 0, 0, 14 + 40 + len(colours))
    return start + header + colours + rows


def _lying_headers() -> Iterator[Specimen]:
    """Small files whose headers claim very many pixels."""
    sizes: dict[str, tuple[bytes, bytes]] = {
        "JPEG": (struct.pack(">HH", 192, 192), struct.pack(">HH", 65_500, 65_500)),
        "PNG": (struct.pack(">II", 192, 192), struct.pack(">II", 2**31 - 1, 2**31 - 1)),
        "GIF": (struct.pack("<HH", 192, 192), struct.pack("<HH", 65_535, 65_535)),
        "BMP": (struct.pack("<ii", 192, 192), struct.pack("<ii", 2**31 - 1, 2**31 - 1)),
        "HEIF": (struct.pack(">II", 192, 192), struct.pack(">II", 30_000, 30_000)),
        "AVIF": (struct.pack(">II", 192, 192), struct.pack(">II", 30_000, 30_000)),
    }
    for file_format, (true, false) in sizes.items():
        content = _files()["face", file_format]
        assert true in content, file_format
        lying = content.replace(true, false)
        yield Specimen(f"lying.{FORMATS[file_format][0]}", lying, Fate.REFUSED)
    # A tag of a TIFF: number, kind, count, value.
    for name, false in (("wide", 2**31 - 1), ("negative", 2**32 - 1), ("none", 0)):
        content = _files()["face", "TIFF"]
        true_width = struct.pack("<HHIH", 256, 3, 1, 192)
        assert true_width in content
        lying = content.replace(true_width + b"\0\0", struct.pack("<HHII", 256, 4, 1, false))
        yield Specimen(f"lying_{name}.tif", lying, Fate.REFUSED)
    yield Specimen("lying_no_pixels.png", png_of_size(0, 5), Fate.REFUSED)


def _no_images() -> Iterator[Specimen]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("photo.png", _files()["face", "PNG"])
    contents = {
        "nothing.jpg": b"",
        "one_byte.png": b"\xff",
        "zeros.jpg": bytes(10_000),
        "ones.png": b"\xff" * 10_000,
        "noise.webp": np.random.default_rng(0).bytes(10_000),
        "zip.jpg": archive.getvalue(),
        "svg.png": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "html.png": b"<!DOCTYPE html><img src=x onerror=alert(1)>",
        "pdf.png": b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n%%EOF",
        "postscript.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
        "elf.png": b"\x7fELF\x02\x01\x01" + bytes(100),
        "text.jpg": b"kein Foto, sondern Text",
        "signature_only.png": b"\x89PNG\r\n\x1a\n",
        "signature_only.jpg": b"\xff\xd8\xff",
        "signature_only.gif": b"GIF89a",
        "signature_only.tif": b"II*\0",
        "signature_only.webp": b"RIFF\x1a\0\0\0WEBPVP8 ",
        "signature_only.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        "signature_only.avif": b"\0\0\0\x18ftypavif\0\0\0\0mif1avif",
        "portable_pixmap.png": encoded(photos()["face"], "PPM"),
        "icon.png": encoded(photos()["face"], "ICO"),
        "targa.bmp": encoded(photos()["face"], "TGA"),
        "photoshop.tif": b"8BPS\0\x01" + bytes(200),
        "riff_without_picture.webp": b"RIFF"
        + struct.pack("<I", 2**32 - 1)
        + b"WEBPVP8X"
        + bytes(50),
    }
    for name, content in contents.items():
        yield Specimen(f"no_image_{name}", content, Fate.REFUSED)


def _polyglots() -> Iterator[Specimen]:
    """Files that are something else as well."""
    jpeg, gif = _files()["face", "JPEG"], _files()["face", "GIF"]
    page = b"<script>alert(document.domain)</script>"
    archive = io.BytesIO(jpeg)
    with zipfile.ZipFile(archive, "a") as zipped:
        zipped.writestr("run.py", "print('hello')")
    yield Specimen("polyglot_zip.jpg", archive.getvalue(), Fate.PHOTO)
    yield Specimen("polyglot_html.jpg", jpeg + page, Fate.PHOTO)
    comment = b"\xff\xfe" + struct.pack(">H", len(page) + 2) + page
    yield Specimen("polyglot_html_comment.jpg", jpeg[:2] + comment + jpeg[2:], Fate.PHOTO)
    yield Specimen("polyglot_script.gif", gif + b"/*" + page + b"*/=1;", Fate.PHOTO)
    yield Specimen("polyglot_pdf.png", b"%PDF-1.4\n" + _files()["face", "PNG"], Fate.REFUSED)


def _png(header: bytes, rows: bytes) -> bytes:
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png_rgb16(grey16: np.ndarray) -> bytes:
    height, width = grey16.shape
    rgb = np.repeat(grey16.astype(">u2")[..., None], 3, axis=2)
    rows = b"".join(b"\0" + row.tobytes() for row in rgb)
    return _png(struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0), zlib.compress(rows))


def _large_exif(size: int) -> bytes:
    exif = Image.Exif()
    # MakerNote, which cameras fill with what they like.
    exif[0x927C] = bytes(size)
    return exif.tobytes()


def _directory(tags: int, size: int) -> bytes:
    """Return a TIFF directory of tags that all claim the same bytes."""
    entries = b"".join(struct.pack("<HHII", 40_000 + i, 7, size, 8) for i in range(tags))
    start = struct.pack("<4sI", b"II*\0", 8 + size)
    return start + bytes(size) + struct.pack("<H", tags) + entries + bytes(4)


def main() -> None:
    """Write the files."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for specimen in specimens():
        (folder / specimen.name).write_bytes(specimen.content)


if __name__ == "__main__":
    main()
