"""Uploads stay in Streamlit's store for as long as the app needs them, and no longer."""

import numpy as np
import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.testing.v1 import AppTest, local_script_runner

from pages.parts.batch import taken
from tests.conftest import NAVIGATION, png


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryUploadedFileManager:
    """The store of one server for all runs of a page, to which a browser sends each file once."""
    store, sent = MemoryUploadedFileManager("/mock/upload"), set[str]()
    add = store.add_file

    def add_once(session_id, file):
        if file.file_id not in sent:
            sent.add(file.file_id)
            add(session_id, file)

    store.add_file = add_once
    monkeypatch.setattr(local_script_runner, "MemoryUploadedFileManager", lambda _: store)
    return store


@pytest.fixture(scope="module")
def small(astronaut: np.ndarray) -> bytes:
    return png(astronaut[:256, 100:356])


def stored(store: MemoryUploadedFileManager) -> list[str]:
    return sorted(file.name for files in store.file_storage.values() for file in files.values())


def open_page(name: str = "") -> AppTest:
    page = AppTest.from_file(NAVIGATION, default_timeout=60)
    return (page.switch_page(f"../{name}.py") if name else page).run()


def upload(page: AppTest, **files: bytes) -> AppTest:
    given = [(f"{name}.png", content, "image/png") for name, content in files.items()]
    page = page.file_uploader[0].set_value(given).run()
    assert not page.exception
    return page


def photos(page: AppTest) -> list[str]:
    return [photo.name for photo in page.session_state["intake"].photos]


def test_a_photo_is_not_stored_beside_its_pixels(store, small: bytes):
    page = upload(open_page(), a=small, broken=b"no image")
    assert photos(page) == ["a.png"]
    assert "broken.png" in page.error[0].value
    assert stored(store) == []
    page = upload(page, b=small)
    assert photos(page) == ["a.png", "b.png"]
    assert stored(store) == []


LISTED_AGAIN = """
import streamlit as st
from streamlit.runtime.uploaded_file_manager import DeletedFile
from pages.shared import photo_intake, visit_photos

st.session_state["intake"] = visit_photos.Intake((), (visit_photos.UnreadableFile("a", "b"),))
for listed in (DeletedFile("1"), [DeletedFile("1"), DeletedFile("2")]):
    st.session_state["listed"] = listed
    photo_intake._take_widget("listed")
"""


def test_deleted_files_that_a_widget_still_lists_change_nothing():
    """A browser that has not heard of the next widget lists them, and Streamlit calls that a change."""
    page = AppTest.from_string(LISTED_AGAIN, default_timeout=60).run()
    assert not page.exception
    assert len(page.session_state["intake"].unreadable) == 1
    assert "sent_files" not in page.session_state


def button(page: AppTest, label: str):
    return next(button for button in page.button if button.label == label)


def test_what_is_removed_from_a_batch_is_not_stored(store, small: bytes):
    page = upload(open_page("batch"), a=small, b=small)
    assert stored(store) == ["a.png", "b.png"]
    page = page.switch_page("../models.py").run().switch_page("../batch.py").run()
    page = upload(page, c=small)
    assert stored(store) == ["a.png", "b.png", "c.png"]
    page = button(page, "Remove photos, videos and results").click().run()
    assert not page.exception
    assert stored(store) == []
    page = upload(page, d=small)
    assert page.dataframe[0].value["photo"].tolist() == ["d.png"]
    assert stored(store) == ["d.png"]


def test_what_is_too_much_for_a_batch_is_said_and_not_stored(store, small: bytes, monkeypatch):
    monkeypatch.setattr(taken, "MAX_MEGABYTES", 1.5 * len(small) / 1e6)
    page = upload(open_page("batch"), a=small, b=small)
    assert stored(store) == ["a.png"]
    batch = page.session_state["batch"]
    page = page.run()
    assert not page.exception
    assert page.session_state["batch"] is batch, "the same files made another batch"
    table = page.dataframe[0].value
    assert table["photo"].tolist() == ["a.png", "b.png"]
    assert "Remove other files and upload it again." in table["notes"].iloc[1]
