"""A video on the batch page as a visitor meets it: given, looked at, read, taken away."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Server
from tests.clips import clip, moving

pytestmark = pytest.mark.browser

#: For a whole video, on a server that may still be loading its networks.
ANALYSIS_MS = 90_000


@pytest.fixture(scope="module")
def video(astronaut: np.ndarray) -> bytes:
    """Two seconds of a face that moves, a cut, and a second of nobody."""
    nobody = np.full((240, 320, 3), 90, np.uint8)
    return clip([*moving(astronaut, 20, step=2), *[nobody] * 10], rate=10)


@pytest.fixture
def batch_page(browser: Browser, server: Server):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{server.url}/batch")
    yield page
    context.close()


def give(page: Page, name: str, content: bytes) -> None:
    files = {"name": name, "mimeType": "video/mp4", "buffer": content}
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(files)


def test_a_video_is_looked_at_and_its_tables_taken_away(
    batch_page: Page, video: bytes, tmp_path: Path
):
    give(batch_page, "party.mp4", video)
    batch_page.get_by_role("button", name="Analyze the video").click()
    expect(batch_page.get_by_text("30 frames, 1 person")).to_be_visible(timeout=ANALYSIS_MS)
    expect(batch_page.get_by_test_id("stPlotlyChart").first).to_be_visible()
    expect(batch_page.get_by_alt_text("Frame 1 with 1 face marked")).to_be_visible()
    wide = batch_page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    with batch_page.expect_download() as download:
        batch_page.get_by_role("button", name="CSV", exact=True).click()
    download.value.save_as(tmp_path / "faces.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "faces.csv").read_text("utf-8-sig"))))
    assert len(rows) == 30
    assert [row["track"] for row in rows] == ["1"] * 20 + ["0"] * 10


@pytest.fixture(scope="module")
def two_people(astronaut: np.ndarray) -> bytes:
    """Half a second of two faces side by side."""
    left = moving(astronaut[:384], 5, width=240)
    right = moving(np.ascontiguousarray(astronaut[:384, ::-1]), 5, width=240)
    return clip([np.hstack(pair) for pair in zip(left, right, strict=True)], rate=10)


def test_two_people_share_a_timeline_and_a_click_chooses_one(batch_page: Page, two_people: bytes):
    give(batch_page, "two.mp4", two_people)
    batch_page.get_by_role("button", name="Analyze the video").click()
    expect(batch_page.get_by_text("2 people")).to_be_visible(timeout=ANALYSIS_MS)
    # Everybody's and one person's.
    expect(batch_page.get_by_test_id("stPlotlyChart")).to_have_count(2)
    expect(batch_page.get_by_role("heading", name="Person 1 over time")).to_be_visible()
    timeline = batch_page.locator(".st-key-figure-timeline")
    expect(timeline.get_by_text("Person 2")).to_be_visible()
    # Those of the legend have no size.
    bars = [bar for bar in timeline.locator(".barlayer path").all() if bar.bounding_box()["width"]]
    lowest = max(bars, key=lambda bar: bar.bounding_box()["y"])
    lowest.click(force=True)
    expect(batch_page.get_by_role("heading", name="Person 2 over time")).to_be_visible()
    wide = batch_page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390


def test_a_text_that_is_called_a_video_is_explained(batch_page: Page):
    give(batch_page, "notes.mp4", b"no video at all")
    expect(batch_page.get_by_text("Use an MP4")).to_be_visible()
    expect(batch_page.get_by_role("button", name="Analyze the video")).to_have_count(0)
