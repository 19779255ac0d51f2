"""What inputs stand for: files, folders, patterns, lists and zips, on disk and uploaded."""

import bz2
import io
import os
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from fer_core.batch import inputs
from fer_core.batch.inputs import (
    Kind,
    input_files,
    kind_of,
    kind_of_name,
    photo_files,
    uploaded_photos,
)
from fer_core.errors import ImageDecodeError


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


def names(*given: str, standard_input: bytes = b"") -> list[str]:
    return [file.name for file in input_files(given, io.BytesIO(standard_input))]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a.jpg", ["a.jpg"]),
        ("./a.jpg", ["a.jpg"]),
        ("deep", ["deep/c.JPG", "deep/er/d.webp"]),
        ("more.zip", ["more.zip/x/z.jpg", "more.zip/y.png"]),
        ("*.jpg", ["a.jpg"]),
        ("**/*.[jJ]*", ["a.jpg", "deep/c.JPG"]),
        ("d??p", ["deep/c.JPG", "deep/er/d.webp"]),
        ("*.zip", ["more.zip/x/z.jpg", "more.zip/y.png"]),
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


def test_one_place_decides_what_an_input_is(folder):
    assert kind_of(Path("deep")) is Kind.FOLDER
    assert kind_of(Path("more.zip")) is Kind.ARCHIVE
    Path("false.zip").write_text("no zip")
    assert kind_of(Path("false.zip")) is Kind.PHOTO
    assert [kind_of_name(n) for n in ("a/B.Heic", "a.ZIP", "a.txt", "x/._a.jpg")] == [
        *(Kind.PHOTO, Kind.ARCHIVE, None, None)
    ]


def test_a_zip_is_opened_once_for_all_its_photos(folder, monkeypatch):
    opened = []
    real = zipfile.ZipFile
    monkeypatch.setattr(zipfile, "ZipFile", lambda path: opened.append(path) or real(path))
    inputs._open_archive.cache_clear()
    assert [file.read() for file in photo_files([Path("more.zip")])] == [b"x/z.jpg", b"y.png"]
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


def test_zips_that_are_no_good_say_why(monkeypatch):
    assert "damaged" in refusal(zipped(b"x")[:40])
    assert "packed in a way" in refusal(zipped(b"x", zipfile.ZIP_BZIP2))
    assert len(bz2.compress(b"x")) > 1, "the method is there, so its refusal is ours"
    with zipfile.ZipFile(empty := io.BytesIO(), "w"):
        pass
    assert "no photos" in refusal(empty.getvalue())
    monkeypatch.setattr(inputs, "MAX_UPLOADED_MEMBER_BYTES", 3)
    assert "are the most" in refusal(zipped(b"four"))
    monkeypatch.setattr(inputs, "MAX_UPLOADED_MEMBERS", 0)
    assert "more than 0 files" in refusal(zipped(b"x"))
