"""The page as a visitor meets it."""

import base64
import io
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from fer_core.photos.decode import decode
from pages.shared.loading import load_analyzer
from pages.shared.results import prediction_text
from tests.browser.conftest import Server, expect_idle, unable_to_write

pytestmark = pytest.mark.browser

#: As the clipboard gives a picture to a page.
PASTE = """
content => {
  const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], "pasted.png", { type: "image/png" }));
  const options = { clipboardData: data, bubbles: true, cancelable: true };
  document.body.dispatchEvent(new ClipboardEvent("paste", options));
}
"""

#: A file is dragged over the title or dropped on it.
DRAG = """
([content, kind]) => {
  const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
  const options = { dataTransfer, bubbles: true, cancelable: true };
  document.querySelector("h1").dispatchEvent(new DragEvent(kind, options));
}
"""

#: Starlette moves larger uploads to a temporary file unless it is told not to.
SPOOLED_ABOVE = 1024 * 1024
EVENT_SECONDS = 20


@pytest.fixture(scope="module")
def expected(astronaut_png: bytes) -> str:
    face = load_analyzer().analyze(decode(astronaut_png)).faces[0]
    return prediction_text(face.predictions["dual_photos"])


def upload(page: Page, *files: FilePayload) -> None:
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(list(files))


def take_snapshot(page: Page) -> None:
    # The button is there before the first frame is, and then takes nothing.
    page.wait_for_function(
        "document.querySelector('video')?.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA"
    )
    page.get_by_role("button", name="Take Photo").click()


def shown_answer(page: Page) -> Locator:
    """The answer of the network that is said first."""
    return page.get_by_test_id("stMetricValue").first


def bars(page: Page) -> Locator:
    return page.get_by_role("group", name="Probability of each expression for face 1")


def test_upload_a_photo_and_read_the_expression(page: Page, astronaut_png: bytes, expected: str):
    upload(page, {"name": "me.png", "mimeType": "image/png", "buffer": astronaut_png})
    expect(shown_answer(page)).to_have_text(expected)
    expect(page.get_by_text("Face 1: apparent expression", exact=True)).to_be_visible()
    expect(page.get_by_text("Both networks agree").first).to_be_visible()
    expect(bars(page)).to_be_visible()
    expect(page.get_by_alt_text("me.png with 1 face marked")).to_be_visible()


def test_a_photo_is_pasted_and_the_bar_keeps_all_of_the_visit(page: Page, astronaut_png: bytes):
    expect(page.get_by_role("button", name="Astronaut", exact=True)).to_be_visible()
    page.get_by_role("button", name="Naval officer", exact=True).click()
    expect(page.get_by_alt_text("officer.jpg with 1 face marked")).to_be_visible()
    page.evaluate(PASTE, base64.b64encode(astronaut_png).decode())
    expect(page.get_by_alt_text("pasted.png with 1 face marked")).to_be_visible()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Landmarks").click()
    expect(page.get_by_alt_text("Thumbnail of officer.jpg")).to_be_visible()
    expect(page.get_by_alt_text("Thumbnail of pasted.png")).to_be_visible()
    expect(page.get_by_role("button", name="Shown: pasted.png")).to_be_visible()
    page.get_by_role("button", name="Remove pasted.png").click()
    expect(page.get_by_alt_text("Thumbnail of pasted.png")).to_have_count(0)
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Photo").click()
    expect(page.get_by_alt_text("officer.jpg with 1 face marked")).to_be_visible()


def test_a_photo_is_dropped_anywhere_on_the_page(page: Page, astronaut_png: bytes):
    page.get_by_role("button", name="Naval officer", exact=True).click()
    expect(page.get_by_alt_text("officer.jpg with 1 face marked")).to_be_visible()
    content = base64.b64encode(astronaut_png).decode()
    page.evaluate(DRAG, [content, "dragover"])
    expect(page.get_by_text("Drop to add files")).to_be_visible()
    page.evaluate(DRAG, [content, "drop"])
    expect(page.get_by_alt_text("dropped.png with 1 face marked")).to_be_visible()
    # While the page runs, the one of the run before may still be there.
    expect(page.get_by_text("Drop to add files").locator("visible=true")).to_have_count(0)
    expect(page.get_by_alt_text("Thumbnail of dropped.png")).to_have_count(1)


def test_a_snapshot_is_added_to_the_photos_and_the_camera_is_switched_off(page: Page):
    page.get_by_role("button", name="Naval officer", exact=True).click()
    expect(page.get_by_alt_text("officer.jpg with 1 face marked")).to_be_visible()
    expect(page.get_by_test_id("stCameraInput")).to_have_count(0)
    page.get_by_role("button", name="Camera").click()
    take_snapshot(page)
    expect(page.get_by_alt_text(re.compile("^Thumbnail of "))).to_have_count(2)
    expect(page.get_by_alt_text("officer.jpg with 1 face marked")).to_have_count(0)
    expect(page.get_by_test_id("stCameraInput")).to_have_count(0)


def test_a_click_on_one_of_29_faces_shows_it(page: Page):
    page.get_by_role("button", name="Group of 29", exact=True).click()
    expect(page.get_by_alt_text("conference_1927.jpg with 29 faces marked")).to_be_visible()
    expect(page.locator(".st-key-face_card_29")).to_be_attached()
    # Without their pictures cards are lower, and the 17th would be elsewhere later.
    page.wait_for_function(
        "[...document.querySelectorAll('.st-key-faces img')].every((i) => i.complete && i.naturalHeight)"
    )
    page.get_by_role("button", name=re.compile("^Face 17: ")).click()
    expect(page.get_by_text("Face 17: apparent expression", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Face 17: "))).to_have_attribute(
        "aria-pressed", "true"
    )
    # A keyboard goes on from there.
    expect(page.get_by_role("button", name=re.compile("^Face 17: "))).to_be_focused()
    # The list is scrolled to its card, which is far below the first ones.
    page.wait_for_function(
        """() => {
            const [list, card] = [".st-key-faces", ".st-key-face_card_17"].map(
                (name) => document.querySelector(name).getBoundingClientRect()
            );
            return list.top <= card.top && card.top < list.bottom;
        }"""
    )


def test_networks_are_chosen_by_the_url(browser: Browser, server: Server):
    page = browser.new_page()
    page.goto(f"{server.url}/?networks=cnn,landmarks_only")
    page.get_by_role("button", name="Astronaut", exact=True).click()
    expect(bars(page)).to_be_visible()
    # Until the page is drawn, the first screen's choice of networks is there as well.
    expect_idle(page)
    expect(
        page.get_by_role("button", name="CNN (FER2013) + Landmarks alone (FER2013)")
    ).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    head, *rows = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    assert "cnn_expression" in head
    assert "landmarks_only_expression" in head
    assert "photos" not in head
    assert len(rows) == 1
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Compare").click()
    expect(page).to_have_url(re.compile(r"/compare\?networks=cnn(,|%2C)landmarks_only"))
    page.close()


def test_take_a_snapshot_and_read_the_expression(page: Page):
    expect(page.get_by_role("button", name="Astronaut", exact=True)).to_be_visible()
    expect(page.get_by_test_id("stCameraInput")).to_have_count(0)
    page.get_by_role("tab", name="Camera").click()
    take_snapshot(page)
    expect(page.get_by_text("Face 1: apparent expression", exact=True)).to_be_visible()
    # Chromium's camera is a file with the baby's happy face.
    expect(shown_answer(page)).to_contain_text("Happy")


def test_download_the_results(page: Page, expected: str):
    page.get_by_role("button", name="Astronaut", exact=True).click()
    expect(shown_answer(page)).to_have_text(expected)
    contents = {}
    for label in ("JSON", "CSV", "Annotated photo"):
        with page.expect_download() as download:
            page.get_by_role("button", name=label, exact=True).click()
        contents[label] = Path(download.value.path()).read_bytes()
    assert b'"box_xyxy"' in contents["JSON"]
    assert contents["CSV"].decode("utf-8-sig").startswith("path,")
    assert Image.open(io.BytesIO(contents["Annotated photo"])).size == (512, 512)


def test_a_broken_file_is_explained(page: Page):
    upload(page, {"name": "cat.jpg", "mimeType": "image/jpeg", "buffer": b"not an image"})
    expect(page.get_by_test_id("stAlert")).to_contain_text("cat.jpg")


def test_a_narrow_window_never_scrolls_sideways(browser: Browser, server: Server):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(server.url)
    page.get_by_role("button", name="Astronaut", exact=True).click()
    expect(shown_answer(page)).to_be_visible()
    expect(bars(page)).to_be_visible()
    for place in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
        assert page.evaluate(f"{place}.scrollWidth <= {place}.clientWidth"), place
    context.close()


def test_a_visit_asks_no_other_server_for_anything(browser: Browser, server: Server, expected: str):
    context = browser.new_context()
    page = context.new_page()
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.goto(server.url)
    page.get_by_role("button", name="Astronaut", exact=True).click()
    expect(shown_answer(page)).to_have_text(expected)
    context.close()
    assert addresses
    assert [a for a in addresses if not a.startswith((server.url, "data:", "blob:"))] == []


class Recorder(FileSystemEventHandler):
    """Remembers what was made or changed; reading is no matter."""

    def __init__(self, last: Path) -> None:
        self.last = last
        self.saw_last = threading.Event()
        self.seen: list[str] = []

    def on_any_event(self, event: FileSystemEvent) -> None:
        if Path(str(event.src_path)) == self.last:
            self.saw_last.set()
        elif event.event_type in ("created", "moved", "closed") or (
            event.event_type == "modified" and not event.is_directory
        ):
            self.seen.append(f"{event.event_type} {event.src_path}")


def test_no_photo_reaches_a_disk(page: Page, server: Server, astronaut: np.ndarray):
    """The server answers although no write of its can succeed, and it does not even try.

    The limit on writing holds for every file system and for files without a name, which a watch
    alone would miss; the watch sees attempts that a fallback would hide.
    """
    last = server.folders[0] / "written_by_the_test"
    recorder, observer = Recorder(last), Observer()
    for folder in server.folders:
        observer.schedule(recorder, str(folder), recursive=True)
    observer.start()
    try:
        buffer = io.BytesIO()
        large = Image.fromarray(astronaut).resize((1024, 1024))
        large.save(buffer, "PNG", compress_level=0)
        assert len(buffer.getvalue()) > 2 * SPOOLED_ABOVE
        upload(page, {"name": "large.png", "mimeType": "image/png", "buffer": buffer.getvalue()})
        expect(page.get_by_alt_text("large.png with 1 face marked")).to_be_visible()
        expect(shown_answer(page)).to_be_visible()
        page.get_by_role("button", name="Camera").click()
        take_snapshot(page)
        expect(page.get_by_alt_text("large.png with 1 face marked")).to_have_count(0)
        expect(shown_answer(page)).to_be_visible()
        # Events come in order: once this one is here, so are all before it.
        last.touch()
        assert recorder.saw_last.wait(EVENT_SECONDS)
    finally:
        observer.stop()
        observer.join()
    assert recorder.seen == []
    assert [path for folder in server.folders for path in folder.rglob("*")] == [last]


@pytest.mark.parametrize("flags", ["os.O_CREAT", "os.O_TMPFILE"])
def test_the_limit_on_writing_holds(tmp_path: Path, flags: str):
    """What the proof above rests on: one byte is too much, in a file without a name as well."""
    place = tmp_path if "TMPFILE" in flags else tmp_path / "file"
    attempt = f"import os; os.write(os.open({str(place)!r}, os.O_RDWR | {flags}), b'x')"
    done = subprocess.run(
        unable_to_write([sys.executable, "-c", attempt]),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert "File too large" in done.stderr
