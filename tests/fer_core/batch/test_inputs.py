"""What inputs stand for: files, folders, patterns, lists and zips, on disk and uploaded."""

import bz2
import io
import os
import struct
import tracemalloc
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core.batch import inputs, zips
from fer_core.batch.inputs import PhotoFile, input_files, uploaded_photos
from fer_core.batch.skipped import Skipped
from fer_core.errors import ImageDecodeError
from tests.clips import clip, moving, song
from tests.corpus import encoded

ZIPPED = ["more.zip/x/z.jpg", "more.zip/y.png"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """a.jpg, b[1].png, notes.txt, deep/c.JPG, deep/er/d.webp, more.zip with two photos."""
    for name in ("a.jpg", "b[1].png", "notes.txt", "deep/c.JPG", "deep/er/d.webp", "deep/._c.JPG"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        for name in ("y.png", "x/z.jpg", "read.me"):
            archive.writestr(name, name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files_at(*paths: Path, videos: bool = False, skipped: Skipped | None = None) -> list[PhotoFile]:
    return [*input_files(map(str, paths), io.BytesIO(), videos=videos, skipped=skipped)]


def names(*given: str, standard_input: bytes = b"") -> list[str]:
    return [file.name for file in input_files(given, io.BytesIO(standard_input))]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a.jpg", ["a.jpg"]),
        ("./a.jpg", ["a.jpg"]),
        ("deep", ["deep/c.JPG", "deep/er/d.webp"]),
        ("more.zip", ZIPPED),
        ("*.jpg", ["a.jpg"]),
        ("**/*.[jJ]*", ["a.jpg", "deep/c.JPG"]),
        ("d??p", ["deep/c.JPG", "deep/er/d.webp"]),
        ("*.zip", ZIPPED),
        (".", ["a.jpg", "b[1].png", "deep/c.JPG", "deep/er/d.webp", *ZIPPED]),
        ("*.txt", ["*.txt"]),
        ("nothing*", ["nothing*"]),
        # What exists under a name is that, and no pattern.
        ("b[1].png", ["b[1].png"]),
    ],
)
def test_what_an_input_stands_for(folder, given, expected):
    assert names(given) == expected


def test_two_stars_reach_everything_once(folder):
    found = names("**")
    assert sorted(found) == sorted(set(found))
    assert {Path(name).name for name in found} == {
        *("a.jpg", "b[1].png", "c.JPG", "d.webp", "z.jpg", "y.png")
    }


@pytest.mark.parametrize("listed", [b"a.jpg\n\ndeep\r\n", b"a.jpg\0deep\0", b"a.jpg\ndeep"])
def test_a_list_comes_through_standard_input(folder, listed):
    found = names("more.zip", "-", standard_input=listed)
    assert found[2:] == ["a.jpg", "deep/c.JPG", "deep/er/d.webp"]


def test_nul_lets_names_have_line_ends_and_be_no_utf_8(folder):
    strange = b"x\ny\xff.jpg"
    (file,) = input_files("-", io.BytesIO(strange + b"\0"))
    assert os.fsencode(file.path) == strange


def test_a_listed_path_is_no_pattern(folder):
    assert names("-", standard_input=b"*.jpg") == ["*.jpg"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [("gone.jpg", "no such file"), ("*.gone", "matches this pattern"), ("x" * 5000, "too long")],
)
def test_what_is_not_there_says_so_when_it_is_read(folder, given, reason):
    (file,) = input_files([given], io.BytesIO())
    with pytest.raises(ImageDecodeError, match=reason):
        file.read()


SMALL = Image.linear_gradient("L").resize((32, 32)).convert("RGB")
JPEG = encoded(SMALL, "JPEG")


def make(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def make_zip(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def found(folder: Path, *, videos: bool = False) -> tuple[dict[str, bool], list[str]]:
    """Return names below a folder with whether they are videos, and the lines about the rest."""
    skipped = Skipped()
    files = files_at(folder, videos=videos, skipped=skipped)
    names = {file.name.removeprefix(f"{folder}/"): file.is_video for file in files}
    return names, [line.replace(f"{folder}/", "") for line in skipped.lines()]


def test_linked_folders_are_looked_into_and_closed_ones_are_told(tmp_path, monkeypatch):
    content = encoded(SMALL, "PNG")
    for name in ("photos/a.png", "elsewhere/b.png", "photos/private/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "photos" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photos" / "around").symlink_to(tmp_path / "photos")
    (tmp_path / "photos" / "itself").symlink_to("itself")
    assert set(found(tmp_path / "photos")[0]) == {"a.png", "linked/b.png", "private/c.png"}
    scandir = os.scandir

    def closed(folder):
        if Path(folder).name == "private":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", closed)
    assert set(found(tmp_path / "photos")[0]) == {"a.png", "linked/b.png", "private"}


@pytest.fixture(scope="module")
def film() -> bytes:
    return clip(moving(np.asarray(SMALL), 4, width=32, height=32), form="avi", codec="mpeg4")


def test_content_decides_in_a_folder(tmp_path, film):
    moves = encoded(SMALL, "GIF", save_all=True, append_images=[SMALL.rotate(90)])
    make(
        tmp_path,
        {
            **dict.fromkeys(("a.jfif", "b.HIF", "c.txt", "d", "e.avi", "f.zip"), JPEG),
            "film.jpg": film,
            "moves.png": moves,
            "photos.dat": make_zip({"x.jpg": JPEG}),
            "broken.jpg": b"",
            "broken.mp4": b"",
            "broken.zip": b"",
            "notes.txt": b"words",
            "song.jpg": song(),
            "._a.jpg": b"x",
            "__MACOSX/a.jpg": JPEG,
            "a.pdf": b"%PDF-1.7",
        },
    )
    photos = {"a.jfif", "b.HIF", "c.txt", "d", "e.avi", "f.zip", "photos.dat/x.jpg"}
    photos |= {"broken.jpg", "broken.zip"}
    names, lines = found(tmp_path)
    assert names == dict.fromkeys((*photos, "moves.png"), False)
    others = [
        "Skipped 1 PDF document, a.pdf. Save as JPEG.",
        "Skipped 1 other file, notes.txt.",
        "Skipped 1 sound file, song.jpg.",
        "Skipped 2 system files, such as ._a.jpg.",
    ]
    films = "Skipped 2 videos, such as broken.mp4. Give --frame-rate to look at videos."
    assert lines == [*others, films]
    names, lines = found(tmp_path, videos=True)
    assert names == dict.fromkeys(photos, False) | dict.fromkeys(
        ("film.jpg", "broken.mp4", "moves.png"), True
    )
    assert lines == others


def test_a_video_that_is_named_is_one_whatever_it_is_called(tmp_path, film):
    make(tmp_path, {"film.jpg": film, "photo.mp4": JPEG, "song.mp4": song()})
    files = files_at(*(tmp_path / name for name in ("film.jpg", "photo.mp4", "song.mp4")))
    assert [file.is_video for file in files] == [True, False, False]
    assert files[1].read() == JPEG
    with pytest.raises(ImageDecodeError, match="sound file"):
        files[2].read()


def test_what_a_pipe_gives_is_read_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor() as threads:
        threads.submit((tmp_path / "pipe").write_bytes, JPEG)
        (file,) = files_at(tmp_path / "pipe")
        assert file.read() == JPEG


def test_a_device_without_an_end_is_too_large(monkeypatch):
    monkeypatch.setattr(inputs, "MAX_FILE_BYTES", 2_000_000)
    with pytest.raises(ImageDecodeError, match="more than 2 MB"):
        PhotoFile("zero", Path("/dev/zero")).read()


def test_content_decides_in_a_zip(tmp_path, film):
    files = {
        **dict.fromkeys(("a.jpg", "b", "c.txt", "d.HIF"), JPEG),
        "film.avi": film,
        "in.zip": make_zip({"x.jpg": JPEG}),
        "notes.txt": b"words",
        "__MACOSX/._a.jpg": b"x",
        "x/Thumbs.db": b"x",
    }
    make(tmp_path, {"all.zip": make_zip(files)})
    names, lines = found(tmp_path)
    assert list(names) == [f"all.zip/{name}" for name in ("a.jpg", "b", "c.txt", "d.HIF")]
    assert lines == [
        "Skipped 1 other file, all.zip/notes.txt.",
        "Skipped 2 system files, such as all.zip/__MACOSX/._a.jpg.",
        "Skipped 1 video, all.zip/film.avi. Videos in zips are not looked at: unpack first.",
        "Skipped 1 zip, all.zip/in.zip. Zips in zips are not looked into: unpack first.",
    ]
    skipped = Skipped()
    photos = uploaded_photos("all.zip", (tmp_path / "all.zip").read_bytes(), skipped)
    assert [photo.name for photo in photos] == list(names)
    assert list(skipped.lines()) == lines


def test_a_zip_without_photos_and_a_document_say_so(tmp_path):
    make(tmp_path, {"a.zip": make_zip({"x.txt": b"words"}), "b.docx": make_zip({"mimetype": b""})})
    for name, words in (("a.zip", "zip holds no photos"), ("b.docx", "a document")):
        (file,) = files_at(tmp_path / name)
        with pytest.raises(ImageDecodeError, match=words):
            file.read()


def named_in_bytes(names: list[bytes], extra: bytes = b"") -> bytes:
    """Return a zip of photos whose names are these bytes, without the flag of UTF-8."""
    plain = {b"%0*d" % (len(name), i): name for i, name in enumerate(names)}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in plain:
            info = zipfile.ZipInfo(name.decode())
            info.extra = extra
            archive.writestr(info, JPEG)
    content = file.getvalue()
    for name, wanted in plain.items():
        content = content.replace(name, wanted)
    return content


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("utf-8", ["Müller.jpg", "写真.jpg"]),
        ("cp1252", ["Müller.jpg"]),
        ("cp1252", ["Ärger in Größe.jpg", "Éléonore.jpg"]),
        ("cp437", ["Müller.jpg"]),
        ("cp437", ["Ärger in Größe.jpg", "été.jpg"]),
    ],
)
def test_names_in_a_zip_that_does_not_say_how_they_are_written(tmp_path, page, names):
    content = named_in_bytes([name.encode(page) for name in names])
    uploaded = list(uploaded_photos("a.zip", content))
    assert [photo.name for photo in uploaded] == [f"a.zip/{name}" for name in sorted(names)]
    make(tmp_path, {"a.zip": content})
    files = files_at(tmp_path)
    assert [file.name for file in files] == [f"{tmp_path}/a.zip/{name}" for name in sorted(names)]
    assert {file.read() for file in [*uploaded, *files]} == {JPEG}


def test_a_name_in_a_zips_field_for_unicode_counts_if_it_is_of_this_name():
    raw, name = "??.jpg".encode("cp437"), "写真.jpg".encode()
    for crc, shown in ((zlib.crc32(raw), "写真.jpg"), (0, "??.jpg")):
        field = struct.pack("<HHBI", 0x7075, 5 + len(name), 1, crc) + name
        (photo,) = uploaded_photos("a.zip", named_in_bytes([raw], field))
        assert photo.name == f"a.zip/{shown}"


def test_skipped_files_are_told_in_a_line_each(tmp_path):
    skipped = Skipped()
    skipped.add("a\nb\udcfc.txt", "other file")
    skipped.add("a\nb\udcfc.txt", "other file")
    assert list(skipped.lines()) == ["Skipped 1 other file, a\ufffdb\\xfc.txt."]


def test_a_zip_is_opened_once_for_all_its_photos(folder, monkeypatch):
    opened = []
    real = zipfile.ZipFile
    monkeypatch.setattr(zipfile, "ZipFile", lambda path: opened.append(path) or real(path))
    zips._open_archive.cache_clear()
    assert [file.read() for file in files_at(Path("more.zip"))] == [b"x/z.jpg", b"y.png"]
    assert len(opened) == 1


def zipped(content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("a.jpg", content)
    return file.getvalue()


def refusal(content: bytes) -> str:
    (photo,) = uploaded_photos("photos.zip", content)
    with pytest.raises(ImageDecodeError) as refused:
        photo.read()
    return str(refused.value)


def test_an_uploaded_zip_gives_its_photos():
    (photo,) = uploaded_photos("photos.zip", zipped(b"pixels"))
    assert (photo.name, photo.read()) == ("photos.zip/a.jpg", b"pixels")


def test_a_zip_that_lies_about_sizes_is_not_unpacked_whole():
    honest = zipped(bytes(50_000_000))
    size = struct.pack("<I", 50_000_000)
    assert honest.count(size) == 2
    (photo,) = uploaded_photos("photos.zip", honest.replace(size, struct.pack("<I", 1000)))
    tracemalloc.start()
    with pytest.raises(ImageDecodeError):
        photo.read()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_a_zip_that_lost_its_start_and_a_path_with_nul_say_why(tmp_path):
    cut = make_zip({f"{name}.jpg": np.random.default_rng(0).bytes(600) for name in "ab"})[1_000:]
    make(tmp_path, {"cut.zip": cut})
    photos = [*uploaded_photos("cut.zip", cut), *files_at(tmp_path / "cut.zip")]
    assert len(photos) == 4
    for photo in (photos[0], photos[2], *files_at(Path("a\0.jpg"))):
        with pytest.raises(ImageDecodeError, match="cannot be read"):
            photo.read()


def test_a_member_without_a_name_is_passed_over(tmp_path):
    content = make_zip({"a.jpg": JPEG, "b.jpg": JPEG}).replace(b"a.jpg", b"\0.jpg")
    make(tmp_path, {"a.zip": content})
    for photos in (uploaded_photos("a.zip", content), files_at(tmp_path)):
        (photo,) = photos
        assert photo.name.endswith("a.zip/b.jpg")
        assert photo.read() == JPEG
    assert "no photos" in refusal(zipped(JPEG).replace(b"a.jpg", b"\0.jpg"))


def beyond_every_file(content: bytes) -> bytes:
    """Return a zip of one member with a place for it that no file has, in the fields of large zips."""
    directory, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    entry, tail = bytearray(content[directory:end]), bytearray(content[end:])
    place = struct.pack("<HHQ", 1, 8, 2**63)
    struct.pack_into("<H", entry, 30, len(place))
    struct.pack_into("<I", entry, 42, 2**32 - 1)
    struct.pack_into("<I", tail, 12, len(entry) + len(place))
    return content[:directory] + entry + place + tail


@pytest.mark.parametrize("name", ["a.jpg", "a.dat"])
def test_a_member_beyond_every_file_cannot_be_read(tmp_path, name):
    content = beyond_every_file(make_zip({name: JPEG}))
    said = "cannot be read" if name == "a.jpg" else "holds no photos"
    assert said in refusal(content)
    make(tmp_path, {"a.zip": content})
    (file,) = files_at(tmp_path / "a.zip")
    with pytest.raises(ImageDecodeError, match=said):
        file.read()


def test_a_zip_in_a_zip_is_not_listed_if_it_lists_too_much(monkeypatch):
    outer = zipped(make_zip({f"{i}": b"" for i in range(20)}))
    monkeypatch.setattr(inputs, "MAX_UPLOADED_MEMBERS", 10)
    opened = []
    real = zipfile.ZipFile
    monkeypatch.setattr(zipfile, "ZipFile", lambda file: opened.append(file) or real(file))
    assert "no photos" in refusal(outer)
    assert len(opened) == 1, "the outer zip alone"


def test_a_zip_whose_names_are_wrongly_called_utf_8_says_so(tmp_path):
    content = make_zip({"ü.jpg": JPEG}).replace("ü".encode(), b"\xff\xff")
    assert "damaged" in refusal(content)
    make(tmp_path, {"a.zip": content})
    (file,) = files_at(tmp_path)
    with pytest.raises(ImageDecodeError, match="zip is damaged"):
        file.read()


def test_of_members_with_the_same_name_the_last_is_read_and_the_others_counted(tmp_path):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.jpg", b"first")
        archive.writestr("b.jpg", b"other")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.jpg", b"last")
    make(tmp_path, {"all.zip": file.getvalue()})
    skipped = Skipped()
    uploaded = list(uploaded_photos("all.zip", file.getvalue(), skipped))
    for photos in (uploaded, files_at(tmp_path)):
        assert [photo.read() for photo in photos] == [b"last", b"other"]
    line = (
        "Skipped 1 repeated file, all.zip/a.jpg. Of files with the same name in a zip, only the last is "
        "looked at: rename one."
    )
    assert list(skipped.lines()) == [line]
    assert found(tmp_path)[1] == [line]


def test_zips_that_are_no_good_say_why(monkeypatch):
    assert "damaged" in refusal(zipped(b"x")[:40])
    assert "packed in a way" in refusal(zipped(b"x", zipfile.ZIP_BZIP2))
    assert len(bz2.compress(b"x")) > 1, "the method is there, so its refusal is ours"
    with zipfile.ZipFile(empty := io.BytesIO(), "w"):
        pass
    assert "no photos" in refusal(empty.getvalue())
    monkeypatch.setattr(inputs, "MAX_UPLOADED_MEMBER_BYTES", 3)
    assert "The limit is" in refusal(zipped(b"four"))
    monkeypatch.setattr(inputs, "MAX_UPLOADED_MEMBERS", 0)
    assert "more than 0 files" in refusal(zipped(b"x"))
