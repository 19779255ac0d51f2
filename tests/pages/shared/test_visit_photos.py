"""Files of a visit that cannot be read are told, whatever fails, and not tried again."""

import re

import pytest

from pages.shared.visit_photos import SentFile, UnreadableFile


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "not enough memory"),
        (OverflowError("too large"), r"The analysis failed \(OverflowError: too large\)"),
    ],
)
def test_a_file_over_which_a_library_fails_is_told(error: Exception, said: str):
    def fail() -> bytes:
        raise error

    read = SentFile("key", "a.jpg", fail).read()
    assert isinstance(read, UnreadableFile)
    assert read.name == "a.jpg"
    assert re.search(said, read.message)
