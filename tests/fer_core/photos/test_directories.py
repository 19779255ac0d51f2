"""What the tags of TIFF files and EXIF would take, counted before Pillow unpacks them."""

import io
import struct

import pytest
from PIL import Image

from fer_core.errors import ImageTooLargeError
from fer_core.photos.decode import decode
from fer_core.photos.directories import MAX_NUMBERS, check_directories, check_numbers
from tests.corpus import tiff

PIXELS = bytes(256)
TAGS = {256: [16], 257: [16], 258: [8], 259: [1], 262: [1], 279: [256]}
ORIENTATION = 274


@pytest.mark.parametrize("is_big", [False, True])
def test_a_tiff_with_as_many_numbers_as_photos_have_is_read(is_big):
    tags = {**TAGS, 273: [16 if is_big else 8], 301: [1] * (MAX_NUMBERS - 20)}
    assert decode(tiff(tags, PIXELS, is_big=is_big)).width == 16


@pytest.mark.parametrize("tag", [273, 324])
def test_strips_and_tiles_are_fewer_than_other_numbers(tag):
    check_directories(tiff({**TAGS, tag: [8] * 100_000}, PIXELS), most_tile_pixels=0)
    with pytest.raises(ImageTooLargeError, match="more than 100,000 strips"):
        check_directories(tiff({**TAGS, tag: [8] * 100_001}, PIXELS), most_tile_pixels=0)


def test_numbers_count_over_all_tags_and_linked_directories():
    half = [1] * (MAX_NUMBERS // 2 + 1)
    check_numbers(tiff({ORIENTATION: half}, b""))
    with pytest.raises(ImageTooLargeError, match="more than 400,000 numbers"):
        check_numbers(tiff({ORIENTATION: half, 301: half}, b""))
    # A directory of one tag as the pixels, in front of the directory that links to it.
    linked = struct.pack("<HHHIIQ", 1, 282, 5, MAX_NUMBERS // 2 + 1, 0, 0)
    check_numbers(tiff({301: half}, linked))
    with pytest.raises(ImageTooLargeError, match="more than 400,000 numbers"):
        check_numbers(tiff({301: [*half, *half[:-2]] + [0] * 10, 34665: [8]}, linked))


@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0", b"Exif\0\0Exif\0\0"])
def test_exif_is_counted_with_and_without_its_prefix(prefix):
    with pytest.raises(ImageTooLargeError):
        check_numbers(prefix + tiff({ORIENTATION: [1] * (MAX_NUMBERS + 1)}, b""))


def test_tags_count_whatever_their_values():
    tags = struct.pack("<HHQQ", 301, 3, 1, 1) * 100_001
    with pytest.raises(ImageTooLargeError, match="too many tags"):
        check_numbers(struct.pack("<2sHHHQQ", b"II", 43, 8, 0, 16, 100_001) + tags)


def test_directories_that_link_to_themselves_end():
    check_numbers(tiff({34665: [8], 34853: [8]}, b""))


def test_text_and_lists_beyond_the_end_of_the_file_are_no_numbers():
    """Pillow keeps the one as it is, and leaves the other out."""
    buffer = io.BytesIO()
    Image.new("L", (4, 4)).save(buffer, "TIFF", tiffinfo={270: "x" * 500_000})
    check_numbers(buffer.getvalue())
    whole = tiff({301: [1] * 500_000}, b"")
    check_numbers(whole[:1_000_000])


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_sides_of_a_tile_are_read_in_the_order_of_the_file(order):
    mark = b"II*\0" if order == "<" else b"MM\0*"
    sides = struct.pack(f"{order}HHIHHHHII", 322, 3, 1, 5_000, 0, 323, 4, 1, 5_000)
    data = mark + struct.pack(f"{order}IH", 8, 2) + sides + bytes(4)
    check_directories(data, most_tile_pixels=25_000_000)
    with pytest.raises(ImageTooLargeError, match=r"5000 x 5000 pixels\. Save it as JPEG"):
        check_directories(data, most_tile_pixels=24_999_999)


@pytest.mark.parametrize(
    "data", [b"", b"II", b"II*\0", b"II+\0\x08\0\0\0", b"MM\0*\xff\xff\xff\xff"]
)
def test_a_head_alone_passes(data):
    check_directories(data, most_tile_pixels=1)
    check_numbers(data)
