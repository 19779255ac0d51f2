"""Files are replaced whole or not at all, under every name that a file may have."""

import os

import pytest

from fer_core.files import plain_stem, replace_file, replace_text

#: The most that file systems of Linux and macOS take.
MOST_BYTES = 255


def ascii_start(text: str) -> str:
    """Return the name of a case: names of 300 letters make none."""
    return ascii(text[:12])


@pytest.mark.parametrize(
    "name",
    [
        "spec.json",
        "state.weights.h5",
        "2024.05.01 " + "a" * 125 + ".mp4",
        "a" * (MOST_BYTES - 4) + ".mp4",
        "写" * 83 + ".json",
    ],
    ids=["short", "two endings", "many points", "long", "signs of three bytes"],
)
def test_a_file_of_any_name_is_replaced_and_its_temporary_one_has_the_same_endings(tmp_path, name):
    path = tmp_path / name
    path.write_text("old")
    written = []

    def write(temporary):
        written.append(temporary)
        temporary.write_text("new")

    replace_file(path, write)
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
    (temporary,) = written
    assert temporary.name.startswith(".")
    assert temporary.name.endswith(name[name.index(".") :][-20:])


def test_a_write_that_fails_leaves_the_file_that_was_there(tmp_path):
    path = tmp_path / "spec.json"
    path.write_text("old")

    def write(temporary):
        temporary.write_text("half")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        replace_file(path, write)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_text_is_written_in_utf_8_into_a_folder_that_is_created(tmp_path):
    path = tmp_path / "new" / "folder" / "card.md"
    replace_text(path, "\u5199\n")
    assert path.read_bytes() == "\u5199\n".encode()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("trip/Müller (1).jpg", "Müller (1)"),
        ("trip\\a:b?.jpg", "a_b_"),
        (os.fsdecode(b"x\xff.jpg"), "x_"),
        (". .jpg", "photo"),
        ("a" * 300, "a" * 100),
        ("é" * 120 + ".jpg", "é" * 100),
        ("写" * 83 + ".jpg", "写" * 66),
    ],
    ids=ascii_start,
)
def test_a_plain_stem_is_short_and_fit_for_every_system(name, stem):
    assert plain_stem(name) == stem
