"""The pages in a real browser: how soon they appear, answer a photo, change, and warp a face.

python -m tests.benchmarks.pages [--visits 5]

Starts the app as README does and drives it in Chromium, on the same machine. Each visit is of a visitor of
their own, with nothing in the browser's cache. A time ends when the page shows what it is for and its script
has ended. The floor is a Streamlit app of two bare pages, measured in the same way before.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

from tests.benchmarks.load import server
from tests.benchmarks.measuring import one_face_photo, print_table
from tests.browser.conftest import chromium_executable, rights

UPLOADER: Final = "Drop, paste or choose photos"
#: Each page that the menu leads to, with its heading; the first page again is the last change.
HEADINGS: Final = {
    "Landmarks": "See the landmarks of a face",
    "Compare": "Compare two networks",
    "Evaluation": "Evaluation",
    "Experiments": "Experiments",
    "Models": "Models",
    "Live": "See expressions live",
    "Batch and video": "Batch and video",
    "About": "About Second Look",
    "API": "Use it from a program",
    "Photo": "See the expressions in a photo",
}
#: An app of which nothing can be left out: a title and an uploader, and a second page.
FLOOR: Final = """
import streamlit as st

st.set_page_config(layout="wide")


def first():
    st.title("First")
    st.file_uploader("Drop a file")


def second():
    st.title("Second")


st.navigation(
    [st.Page(first, title="First", default=True), st.Page(second, title="Second")]
).run()
"""
#: Of the Compare page, one after the other; the first loads the shapes of faces and does not count.
PRESETS: Final = ("Make it smile", "Surprise", "Make it frown", "Make it smile")

#: The image that they change.
WARPED: Final = 'img[alt^="Face 1, "]'


def main(visits: int) -> None:
    """Measure and print."""
    firsts, photos, changes, warps = [], [], {}, []
    with tempfile.TemporaryDirectory() as folder, _chromium() as browser, server() as (url, _):
        photo = Path(folder) / "photo.jpg"
        photo.write_bytes(one_face_photo())
        for _ in range(visits):
            with _visitor(browser) as page:
                firsts.append(_seconds(lambda page=page: _open(page, url, UPLOADER)))
                photos.append(_seconds(lambda page=page: _give(page, photo)))
                for menu, heading in HEADINGS.items():
                    changes.setdefault(menu, []).append(
                        _seconds(lambda page=page, m=menu, h=heading: _change(page, m, h))
                    )
                warps += _warps(page)
    floor_first, floor_change = _floor(visits)
    medians = {menu: statistics.median(seconds) for menu, seconds in changes.items()}
    rows = [
        ("first page, first visit of the server", firsts[0], "1.5"),
        ("first page, median of later visits", statistics.median(firsts[1:]), "1.5"),
        ("first page of a bare app, median", floor_first, "floor"),
        ("photo to its answer, first of the server", photos[0], "0.8"),
        ("photo to its answer, median of later visits", statistics.median(photos[1:]), "0.8"),
        ("change of page, median of all pages", statistics.median(medians.values()), "0.4"),
        ("change of page of a bare app, median", floor_change, "floor"),
        *((f"to {menu}", seconds, "") for menu, seconds in medians.items()),
        ("face warped by a preset, median", statistics.median(warps), "0.25"),
    ]
    print_table(
        f"{visits} visits, one photo of 640x480 with one face",
        ("what", "seconds", "aim"),
        [(what, f"{seconds:.2f}", aim) for what, seconds, aim in rows],
    )


@contextmanager
def _chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_executable(), args=rights())
        yield browser
        browser.close()


@contextmanager
def _visitor(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def _seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _open(page: Page, url: str, uploader: str) -> None:
    page.goto(url)
    page.get_by_text(uploader).wait_for()


def _floor(visits: int) -> tuple[float, float]:
    """Return the median seconds of the bare app: of its first page, and of a change of page."""
    firsts, changes = [], []
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder) / "app.py"
        app.write_text(FLOOR, encoding="utf-8")
        with server(app) as (url, _), _chromium() as browser:
            for _ in range(visits):
                with _visitor(browser) as page:
                    firsts.append(_seconds(lambda page=page: _open(page, url, "Drop a file")))
                    changes += [
                        _seconds(lambda page=page, name=name: _change(page, name, name))
                        for name in ("Second", "First", "Second")
                    ]
    return statistics.median(firsts), statistics.median(changes)


def _give(page: Page, photo: Path) -> None:
    page.locator("input[type=file]").first.set_input_files(photo)
    page.locator(".fer-bars").first.wait_for()
    _wait_until_ended(page)


def _change(page: Page, menu: str, heading: str) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=menu, exact=True).click()
    page.get_by_role("heading", name=heading, exact=True).first.wait_for()
    _wait_until_ended(page)


def _warps(page: Page) -> list[float]:
    """Return how long each preset takes to show another face, but for the first."""
    _change(page, "Compare", HEADINGS["Compare"])
    face = page.locator(WARPED)
    seconds = []
    for preset in PRESETS:
        button = page.get_by_role("button", name=preset, exact=True)
        button.scroll_into_view_if_needed()
        before = face.get_attribute("src")
        began = time.perf_counter()
        button.click()
        page.wait_for_function(
            "([face, before]) => {"
            " const image = document.querySelector(face);"
            " return image && image.getAttribute('src') !== before && image.complete;"
            "}",
            arg=[WARPED, before],
        )
        _wait_until_ended(page)
        seconds.append(time.perf_counter() - began)
    return seconds[1:]


def _wait_until_ended(page: Page) -> None:
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--visits", type=int, default=5, help="at least two")
    main(parser.parse_args().visits)
