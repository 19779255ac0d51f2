"""The compare page as a visitor meets it, with the networks and the average face of this repository."""

import re

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Server
from tests.conftest import png

pytestmark = pytest.mark.browser

MOVED = re.compile(r"As it is: (\w+) \d+%\. Landmarks moved: (.+)\.")


def open_compare(page: Page) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Compare").click()
    expect(page.get_by_role("heading", name="Compare the two opinions")).to_be_visible()


def test_moved_landmarks_change_the_answer_and_go_back(page: Page):
    open_compare(page)
    page.get_by_role("button", name="Try the example photo").click()
    shown = page.get_by_text(MOVED)
    expect(shown).to_be_visible()
    before = shown.inner_text()
    slider = page.get_by_role("slider", name="Jaw open")
    slider.focus()
    for _ in range(10):
        slider.press("ArrowRight")
    expect(shown).not_to_have_text(before)
    page.get_by_role("button", name="Back to the face as it is").click()
    expect(shown).to_have_text(before)


def test_another_face_is_chosen_and_explained(page: Page, astronaut: np.ndarray):
    open_compare(page)
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": "two.png", "mimeType": "image/png", "buffer": png(np.tile(astronaut, (1, 2, 1)))}
    )
    expect(page.get_by_text("Face 1: pixels", exact=True)).to_be_visible()
    page.get_by_role("button", name="2", exact=True).click()
    expect(page.get_by_text("Face 2: pixels", exact=True)).to_be_visible()
    expect(page.get_by_text("Face 2: pixels and landmarks", exact=True)).to_be_visible()
    expect(page.get_by_alt_text("Moved landmarks of face 2")).to_be_visible()


def test_a_narrow_window_never_scrolls_sideways(browser: Browser, server: Server):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{server.url}/compare")
    page.get_by_role("button", name="Try the example photo").click()
    expect(page.get_by_text(MOVED)).to_be_visible()
    for place in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
        assert page.evaluate(f"{place}.scrollWidth <= {place}.clientWidth"), place
    context.close()
