import io
import re
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st

from pages.shared.downloads import offer_file, offer_files

PAGES = Path(__file__).parents[3] / "pages"


@pytest.fixture
def buttons(monkeypatch):
    """What is given to Streamlit's buttons: the content that a visitor gets, by the file's name."""
    offered = {}

    def button(label, data, file_name, mime, **looks):
        offered[file_name] = data() if callable(data) else data

    monkeypatch.setattr(st, "download_button", button)
    return offered


@pytest.mark.parametrize("is_made_later", [True, False])
def test_csv_comes_with_the_mark_that_excel_reads_umlauts_by(buttons, is_made_later):
    text = "path,expression\nMüller größer.jpg,happy\n"
    offer_file("CSV", (lambda: text) if is_made_later else text, "faces.csv", "text/csv")
    content = buttons["faces.csv"]
    # Excel takes the mark for UTF-8, and a file without it for the encoding of its own system.
    assert content.startswith(b"\xef\xbb\xbfpath")
    assert content.decode("utf-8-sig") == text
    assert pd.read_csv(io.BytesIO(content))["path"].tolist() == ["Müller größer.jpg"]


def test_a_name_that_is_no_unicode_does_not_end_a_download(buttons):
    offer_file("CSV", "path\nM\udcfcller.jpg\n", "faces.csv")
    assert buttons["faces.csv"].decode("utf-8-sig") == "path\nM?ller.jpg\n"


def test_other_files_stay_as_they_are(buttons):
    offer_files(
        [("JSON", lambda: "{}", "a.json", "application/json"), ("Zip", b"PK", "a.zip", "a/zip")]
    )
    assert buttons == {"a.json": "{}", "a.zip": b"PK"}


def test_every_download_of_the_app_goes_through_here():
    found = [
        file.relative_to(PAGES).as_posix()
        for file in sorted(PAGES.rglob("*.py"))
        if re.search(r"\bdownload_button\(", file.read_text("utf-8"))
    ]
    assert found == ["shared/downloads.py"]
