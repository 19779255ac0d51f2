"""Untrusted bytes: every format and mode that is promised, and every way a file can be bad."""

import contextlib
import io
import os
import re
import struct
import subprocess
import sys
import time
import tracemalloc
import warnings
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from fer_core.errors import ImageDecodeError, ImageTooLargeError, NotAnImageError
from fer_core.photos import decode as decoding
from fer_core.photos.decode import decode
from pages.shared.examples import EXAMPLES
from tests.conftest import PROJECT


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def quadrants() -> Image.Image:
    """64x32: red, green over blue, white, so that any flip, turn or swap of channels shows."""
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:16, :32], pixels[:16, 32:] = (255, 0, 0), (0, 255, 0)
    pixels[16:, :32], pixels[16:, 32:] = (0, 0, 255), (255, 255, 255)
    return Image.fromarray(pixels)


def corners(rgb: np.ndarray) -> list[list[int]]:
    h, w = rgb.shape[:2]
    return [rgb[y, x].tolist() for y in (h // 4, 3 * h // 4) for x in (w // 4, 3 * w // 4)]


RED, GREEN, BLUE, WHITE = [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]


@pytest.mark.parametrize(
    ("file_format", "options"),
    [
        ("JPEG", {"quality": 95}),
        ("PNG", {}),
        ("WEBP", {"quality": 95}),
        ("AVIF", {"quality": 95}),
        ("GIF", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("HEIF", {"quality": 95}),
    ],
)
def test_every_promised_format_keeps_its_colours(quadrants, file_format, options):
    if file_format == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    photo = decode(encoded(quadrants, file_format, **options))
    assert (photo.width, photo.height) == (64, 32)
    np.testing.assert_allclose(corners(photo.rgb), [RED, GREEN, BLUE, WHITE], atol=12)
    assert photo.rgb.flags.c_contiguous


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_every_mode_becomes_rgb_of_the_same_lightness(quadrants, mode):
    file_format = "TIFF" if mode == "CMYK" else "PNG"
    grey = (
        quadrants.convert("L").convert(mode)
        if mode in ("1", "L", "LA")
        else quadrants.convert(mode)
    )
    photo = decode(encoded(grey, file_format))
    expected = np.asarray(grey.convert("RGB"), np.uint8)
    np.testing.assert_allclose(photo.rgb, expected, atol=2)


def test_16_bit_grey_is_scaled_and_not_clipped():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    photo = decode(encoded(Image.fromarray(ramp), "PNG"))
    np.testing.assert_allclose(photo.rgb[..., 0].ravel(), np.arange(256), atol=1)


@pytest.mark.parametrize(
    ("brightest", "white"), [(1.0, 1.0), (0.5, 1.0), (2.5, 2.5), (255.0, 255.0), (9.0, 255.0)]
)
def test_grey_with_fractions_is_scaled_by_its_range(brightest, white):
    ramp = np.linspace(0, brightest, 256, dtype=np.float32).reshape(16, 16)
    photo = decode(encoded(Image.fromarray(ramp), "TIFF"))
    np.testing.assert_allclose(photo.rgb[..., 0], ramp / white * 255, atol=1)


def test_transparent_pixels_become_white():
    photo = decode(encoded(Image.new("RGBA", (20, 20), (0, 0, 0, 0)), "PNG"))
    assert (photo.rgb == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(quadrants, orientation):
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = quadrants if undo is None else quadrants.transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = decode(encoded(stored, "PNG", exif=exif))
    assert corners(photo.rgb) == [RED, GREEN, BLUE, WHITE]


def test_of_an_animation_the_first_frame_is_read(quadrants):
    frames = [Image.new("RGB", (64, 32), "black")]
    data = encoded(quadrants, "GIF", save_all=True, append_images=frames)
    np.testing.assert_allclose(corners(decode(data).rgb), [RED, GREEN, BLUE, WHITE], atol=12)


def png_of_size(width: int, height: int) -> bytes:
    """A PNG of black bits whose file is small whatever its size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    rows = b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [7_300, 12_000, 30_000])
def test_a_bomb_is_refused_before_it_is_decoded(side):
    bomb = png_of_size(side, side)
    began = time.perf_counter()
    with pytest.raises(ImageTooLargeError, match=r"The limit is \d+ megapixels\. Shrink"):
        decode(bomb)
    # Decoding 900 megapixels takes tens of seconds and gigabytes; reading a header does not.
    assert time.perf_counter() - began < 2


def test_just_under_the_limit_is_read():
    """What is sold as 50 megapixels has a few more."""
    assert decode(png_of_size(8_160, 6_144)).width == 8_160


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (b"", ImageDecodeError, "empty"),
        (b"hello, I am a text file", NotAnImageError, "not an image"),
        (b"%PDF-1.4 something", NotAnImageError, "not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", NotAnImageError, "not an image"),
        (png_of_size(0, 5), ImageDecodeError, "no pixels|damaged"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", ImageDecodeError, "damaged or cut short"),
    ],
)
def test_what_is_no_image_is_said_to_be_none(data, kind, message):
    with pytest.raises(ImageDecodeError, match=message) as error:
        decode(data)
    assert type(error.value) is kind


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_an_error_and_nothing_else(astronaut, file_format, keep):
    data = encoded(Image.fromarray(astronaut), file_format)
    with pytest.raises(ImageDecodeError):
        decode(data[: int(len(data) * keep)])


def test_damaged_bytes_never_raise_anything_else(astronaut):
    rng = np.random.default_rng(0)
    small = Image.fromarray(astronaut[::8, ::8])
    for file_format in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF"):
        data = np.frombuffer(encoded(small, file_format), np.uint8)
        for _ in range(40):
            damaged = data.copy()
            damaged[rng.integers(0, len(data), 5)] = rng.integers(0, 256, 5)
            # Some damage is harmless; of the rest only our own error may be seen.
            with contextlib.suppress(ImageDecodeError):
                decode(damaged.tobytes())


def test_other_formats_that_pillow_knows_stay_shut(quadrants):
    with pytest.raises(NotAnImageError, match="not an image"):
        decode(encoded(quadrants, "PPM"))


@pytest.fixture
def all_are_huge(monkeypatch) -> None:
    """Reads every file as one that Pillow would take too much memory for."""
    monkeypatch.setattr(decoding, "_PILLOW_MEGAPIXELS", 0)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_huge_photo_has_the_colours_that_pillow_reads(all_are_huge, astronaut, file_format, mode):
    image = Image.fromarray(astronaut[:301, :203]).convert(mode)
    data = encoded(image, file_format)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    # The decoders enlarge a JPEG's colours in their own ways.
    difference = np.abs(decode(data).rgb.astype(int) - expected)
    assert difference.mean() < (2 if file_format == "JPEG" else 1e-9)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_huge_photo_is_upright(all_are_huge, monkeypatch, quadrants, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(quadrants, "PNG", exif=exif)
    huge = decode(data)
    monkeypatch.undo()
    usual = decode(data)
    assert huge.orientation == usual.orientation
    np.testing.assert_array_equal(huge.rgb, usual.rgb)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_a_huge_photo_cut_short_is_an_error(all_are_huge, astronaut, file_format, keep):
    data = encoded(Image.fromarray(astronaut), file_format)
    with pytest.raises(ImageDecodeError, match="damaged or cut short") as error:
        decode(data[: int(len(data) * keep)])
    assert type(error.value) is ImageDecodeError


def test_other_huge_files_are_refused(all_are_huge, quadrants):
    for file_format, mode in (("BMP", "RGB"), ("JPEG", "CMYK"), ("PNG", "RGBA")):
        with pytest.raises(ImageDecodeError, match="The limit is 0 megapixels"):
            decode(encoded(quadrants.convert(mode), file_format))


def resized(jpeg: bytes, width: int, height: int) -> bytes:
    """Return a JPEG whose head claims another size."""
    frame = re.search(rb"\xff[\xc0\xc2]..\x08", jpeg, re.DOTALL)
    return jpeg[: frame.end()] + struct.pack(">HH", height, width) + jpeg[frame.end() + 4 :]


@pytest.mark.parametrize(
    ("mode", "progressive", "megapixels"),
    [("RGB", True, 51), ("CMYK", True, 42), ("L", True, 52), ("RGB", False, 110)],
)
def test_a_jpeg_with_several_scans_may_have_fewer_pixels(quadrants, mode, progressive, megapixels):
    small = encoded(quadrants.convert(mode), "JPEG", progressive=progressive)
    mend = "JPEG that is not progressive, or shrink it" if progressive else "Shrink it"
    with pytest.raises(
        ImageTooLargeError, match=f"The limit is {megapixels} megapixels.*{mend}"
    ) as error:
        decode(resized(small, megapixels * 500 + 1, 2_000))
    assert len(str(error.value)) < 200


def test_scans_count_also_where_a_jpeg_is_not_progressive(quadrants):
    baseline = encoded(quadrants, "JPEG")
    scan = baseline[baseline.rindex(b"\xff\xda") : -2]
    with pytest.raises(ImageTooLargeError, match="51 megapixels of a JPEG with several scans"):
        decode(resized(baseline[:-2] + scan + baseline[-2:], 51_001, 1_000))


@pytest.mark.slow
@pytest.mark.release
@pytest.mark.skipif(not hasattr(os, "fork"), reason="memory is measured in a process of its own")
@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
def test_the_largest_progressive_photo_takes_no_more_than_550_mb(tmp_path, mode):
    path = tmp_path / "progressive"
    side = int((decoding._SCANS_MEGAPIXELS[mode] * 1e6) ** 0.5)
    flat = Image.new(mode, (side, side))
    flat.save(path, "JPEG", progressive=True, subsampling=0)
    del flat
    code = f"""
import resource, pathlib
from fer_core.photos.decode import decode
data = pathlib.Path({str(path)!r}).read_bytes()
idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
decode(data)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle) / 1000)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    assert float(done.stdout) < 550


def test_an_orientation_of_very_many_numbers_is_not_unpacked(quadrants):
    many = 1_000_000
    exif = b"Exif\0\0II*\0" + struct.pack("<IHHHII", 8, 1, 0x0112, 3, many, 26) + bytes(4)
    data = encoded(quadrants, "PNG", exif=exif + b"\x34\x12" * many)
    tracemalloc.start()
    try:
        assert decode(data).orientation == decoding.AS_STORED
        assert tracemalloc.get_traced_memory()[1] < 5 * len(data)
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.release
@pytest.mark.skipif(not hasattr(os, "fork"), reason="memory is measured in a process of its own")
@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
def test_108_megapixels_take_no_more_than_600_mb(tmp_path, astronaut, file_format):
    """Of a phone held upright: its rows lie sideways in the file. With the search for faces."""
    path = tmp_path / "huge"
    ground = cv2.resize(astronaut[300:309, 0:12], (12_000, 9_000), interpolation=cv2.INTER_CUBIC)
    ground[4000:4512, 5000:5512] = np.rot90(astronaut)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(ground).save(path, file_format, exif=exif, compress_level=1)
    del ground
    code = f"""
import resource, pathlib, numpy as np
from fer_core.faces.finder import FaceFinder
from fer_core.photos.decode import decode
from pages.shared.examples import EXAMPLES
from tests.conftest import PROJECT
finder = FaceFinder()
finder.find(np.zeros((512, 512, 3), np.uint8))
decode(pathlib.Path({str(EXAMPLES[0].file)!r}).read_bytes())
idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
photo = decode(pathlib.Path({str(path)!r}).read_bytes())
assert (photo.width, photo.height) == (9_000, 12_000)
assert len(finder.find_upright(photo.rgb).faces) == 1
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle) / 1000)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    assert float(done.stdout) < 600


@pytest.mark.parametrize(
    ("form", "options"),
    [("PNG", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"})],
    ids=["png", "tiff", "tiff-lzw"],
)
def test_a_box_is_found_again_in_the_file_however_it_was_turned(quadrants, form, options):
    """The green quarter, in the file's own rows and columns."""
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        photo = decode(encoded(quadrants, form, exif=exif, **options))
        for quarter_turns in range(4):
            shown = photo.turned(quarter_turns)
            is_green = (shown.rgb == GREEN).all(axis=2)
            rows, columns = (
                np.flatnonzero(is_green.any(axis=1)),
                np.flatnonzero(is_green.any(axis=0)),
            )
            box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)
            np.testing.assert_array_equal(shown.stored_box(box), [32, 0, 64, 16])


#: Its metadata ends in the middle of an entry, for which Pillow has a warning.
WARNED_OF = encoded(Image.new("RGB", (8, 8)), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01")


def test_warnings_of_pillow_are_not_shown_unless_the_program_wants_them():
    with pytest.warns(UserWarning, match="Corrupt EXIF"):
        decode(WARNED_OF)
    code = f"from fer_core.photos.decode import decode; decode({WARNED_OF!r})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    assert done.stderr == ""


def test_infinite_and_missing_values_are_read_without_warnings():
    values = np.array([[np.inf, -np.inf, np.nan, np.finfo(np.float32).max, 0]], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        photo = decode(encoded(Image.fromarray(values), "TIFF"))
    assert photo.rgb[0, :, 0].tolist() == [255, 0, 0, 255, 0]


def test_threads_that_decode_at_the_same_time_leave_the_filters_of_warnings_alone():
    """As two threads may: the first begins, the second begins, the first ends, the second ends."""
    before = list(warnings.filters)
    first, second = decoding._explained(), decoding._explained()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert warnings.filters == before
