"""What a file is, whatever it is called."""

import io
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image

from fer_core.content import (
    HEAD_BYTES,
    UNKNOWN,
    Kind,
    LimitedReader,
    check_is_photo,
    content_of,
    content_of_head,
    is_system_file,
    kind_of_unknown,
    packets_of,
)
from fer_core.errors import ImageDecodeError, ImageTooLargeError
from tests.clips import clip, moving, song
from tests.corpus import FORMATS, encoded

SMALL = Image.linear_gradient("L").resize((64, 64)).convert("RGB")


def tiff(*entries: tuple[int, int], order: str = "<") -> bytes:
    """Return the head of a TIFF with numbers of 16 bits under some tags."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    directory = b"".join(struct.pack(f"{order}HHIHH", tag, 3, 1, n, 0) for tag, n in entries)
    return mark + struct.pack(f"{order}IH", 8, len(entries)) + directory + bytes(4)


def zipped(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "x")
    return file.getvalue()


@pytest.mark.parametrize("form", FORMATS)
def test_photos_are_known_by_their_content(form):
    assert content_of(encoded(SMALL, form)).kind is Kind.PHOTO


@pytest.mark.parametrize("end", [b",", b"!", b",\0\0", b",\0\0\0\0\x40\0\x40\0\0"])
def test_a_gif_cut_in_the_head_of_its_second_picture_is_a_photo(end):
    first = encoded(SMALL, "GIF").removesuffix(b";")
    assert content_of(first + end).kind is Kind.PHOTO


@pytest.mark.parametrize("is_path", [False, True])
def test_of_a_gif_with_very_many_blocks_only_the_first_are_read(is_path, tmp_path):
    first, second = SMALL, SMALL.rotate(90)
    gif = encoded(first, "GIF", save_all=True, append_images=[second])
    head = 13 + (3 << ((gif[10] & 7) + 1))
    flood = gif[:head] + b"\x21\xfe" + b"\x01a" * 200_000 + b"\0" + gif[head:]
    (tmp_path / "a").write_bytes(flood)
    assert content_of(tmp_path / "a" if is_path else flood).kind is Kind.PHOTO


def test_a_limited_reader_reads_as_its_file_until_its_reads_are_used_up():
    reader = LimitedReader.of(io.BytesIO(b"abcdef"), 3)
    assert (reader.read(2), reader.seek(4), reader.read(), reader.tell()) == (b"ab", 4, b"ef", 6)
    assert reader.read() == b""
    with pytest.raises(ImageTooLargeError, match="too many parts"):
        reader.read()


@pytest.mark.parametrize("brand", [b"heic", b"hevc", b"mif1", b"msf1", b"avif", b"avis"])
def test_what_lies_in_the_same_boxes_as_a_video_and_is_a_photo(brand):
    assert content_of_head(b"\0\0\0\x18ftyp" + brand + bytes(12)).kind is Kind.PHOTO


@pytest.mark.parametrize("form", ["GIF", "PNG"])
def test_what_moves_is_an_animation(form):
    other = SMALL.rotate(90)
    content = encoded(SMALL, form, save_all=True, append_images=[other])
    assert content_of(content).kind is Kind.ANIMATION
    assert content_of(encoded(SMALL, form)).kind is Kind.PHOTO


@pytest.mark.parametrize(
    ("form", "codec"),
    [
        ("avi", "mpeg4"),
        ("asf", "wmv2"),
        ("flv", "flv"),
        ("mpeg", "mpeg1video"),
        ("vob", "mpeg2video"),
        ("mpeg2video", "mpeg2video"),
        ("mpegts", "mpeg2video"),
        ("3gp", "mpeg4"),
        ("mov", "mpeg4"),
        ("mp4", "mpeg4"),
        ("matroska", "mpeg4"),
        ("webm", "libvpx"),
        ("ogg", "libvpx"),
        ("mxf", "mpeg2video"),
    ],
)
def test_videos_are_known_by_their_content(form, codec, tmp_path):
    frames = moving(np.asarray(SMALL), 4, width=32, height=32)
    content = clip(frames, form=form, codec=codec, rate=25)
    (tmp_path / "a").write_bytes(content)
    assert content_of(tmp_path / "a").kind is Kind.VIDEO
    with pytest.raises(ImageDecodeError, match="is a video"):
        check_is_photo(content)


def test_a_stream_of_a_camcorder_has_longer_packets():
    frames = moving(np.asarray(SMALL), 4, width=32, height=32)
    options = {"mpegts_m2ts_mode": "1"}
    content = clip(frames, form="mpegts", codec="mpeg2video", rate=25, container_options=options)
    assert content_of(content).demuxer == "mpegts"


@pytest.mark.parametrize("has_cover", [False, True])
@pytest.mark.parametrize(
    ("form", "codec"),
    [
        ("mp4", "aac"),
        ("matroska", "aac"),
        ("ogg", "flac"),
        ("ogg", "libopus"),
        ("flac", "flac"),
        ("mp3", "libmp3lame"),
    ],
)
def test_sound_is_no_video_and_no_photo_with_a_cover_either(form, codec, has_cover):
    content = song(form, codec, cover=encoded(SMALL, "JPEG") if has_cover else b"")
    assert content_of(content).kind is Kind.SOUND
    with pytest.raises(ImageDecodeError, match="sound file"):
        check_is_photo(content)


@pytest.mark.parametrize(
    ("form", "codec"),
    [
        *[("mov", "aac"), ("avi", "mp2"), ("flv", "aac"), ("mpegts", "aac"), ("wav", "pcm_s16le")],
        *[("aiff", "pcm_s16be"), ("adts", "aac"), ("mp2", "mp2"), ("ac3", "ac3")],
    ],
)
def test_sound_alone_is_no_video(form, codec):
    assert content_of(song(form, codec)).kind is Kind.SOUND


def test_a_stream_ends_where_pyav_fails_over_one_that_began_late():
    class Container:
        def demux(self, stream):
            yield from (stream, stream)
            raise IndexError("list index out of range")

    assert list(packets_of(Container(), "packet")) == ["packet"] * 2


def test_zips_are_archives_and_documents_are_not():
    assert content_of(zipped("a.jpg")).kind is Kind.ARCHIVE
    assert content_of(zipped("a.jpg")[:50]).kind is Kind.ARCHIVE
    for first in ("[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF"):
        assert content_of(zipped(first)).noun == "document"


@pytest.mark.parametrize("order", ["<", ">"])
def test_raw_photos_of_cameras_are_no_tiffs(order):
    for entries in ([(254, 1)], [(262, 32803)], [(254, 0), (50706, 1)]):
        assert content_of(tiff(*entries, order=order)).noun == "raw photo"
    assert content_of(tiff((254, 0), (262, 2), order=order)).kind is Kind.PHOTO
    assert content_of(b"\0\0\0\x18ftypcrx \0\0\0\1").noun == "raw photo"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        bytes(HEAD_BYTES),
        b"\xff" * HEAD_BYTES,
        b"BMI: a table of body mass",
        b"The free world",
        b"Don't skip this",
        "\ufeffUTF-16".encode("utf-16-le"),
        b"RIFF\0\0\0\0ACON",
        # What FFmpeg would follow to other files.
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nm=video 9 RTP/AVP 96\r\n",
        b"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'/>",
    ],
)
def test_texts_and_playlists_are_nothing_that_is_opened(content):
    assert content_of(content) is UNKNOWN


def test_a_damaged_video_is_a_video_whose_reader_says_so():
    whole = clip(moving(np.asarray(SMALL), 4, width=32, height=32))
    assert content_of(whole[: len(whole) // 2]).kind is Kind.VIDEO


def test_other_things_are_refused_by_name():
    for content, words in (
        (b"%PDF-1.7", "PDF document, which is not supported. Save as JPEG."),
        (b"Rar!\x1a\x07\x01\0", "RAR archive, which is not supported. Unpack first."),
        (zipped("a.jpg"), "zip"),
        (tiff((254, 1)), "raw photo"),
    ):
        with pytest.raises(ImageDecodeError, match=words):
            check_is_photo(content)
    check_is_photo(b"what is not known is left to the decoder")


def test_names_count_where_the_content_is_not_known():
    for name, kind in (
        *[("a/B.Jfif", Kind.PHOTO), ("DSC1.HIF", Kind.PHOTO), ("a.MTS", Kind.VIDEO)],
        *[("a.ZIP", Kind.ARCHIVE), ("jpg", Kind.OTHER), ("a.jpg.txt", Kind.OTHER)],
    ):
        assert kind_of_unknown(name) is kind


def test_files_of_systems_are_told_by_one_rule():
    for name in (
        *("._a.jpg", "x/._0.png", ".DS_Store", "x/Thumbs.db", "desktop.ini", "Desktop.ini"),
        *("__MACOSX/x/a.jpg", "x/__MACOSX", "@eaDir/a.jpg/SYNO.jpg", "$RECYCLE.BIN\\a.jpg"),
    ):
        assert is_system_file(name), name
    for name in (".a.jpg", "_DSC0001.JPG", "a._b.jpg", "x.DS_Store.jpg", "thumbs.db.png"):
        assert not is_system_file(name), name
