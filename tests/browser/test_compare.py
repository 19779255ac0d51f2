"""The compare page as a visitor meets it."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Server

pytestmark = pytest.mark.browser


def open_compare(page: Page) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Compare").click()
    expect(page.get_by_role("heading", name="Compare two networks")).to_be_visible()


def moved_face(page: Page) -> Locator:
    return page.get_by_alt_text(re.compile(r"^Face 1, "))


def moved_bars(page: Page) -> Locator:
    return page.get_by_role("group", name=re.compile(r"^Probabilities for face 1, "))


def test_both_networks_answer_and_say_why(page: Page):
    open_compare(page)
    expect(page.get_by_text(re.compile(r"Time per face: CNN \(web photos\) \d"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"right on [\d.]+% of [\d,]+ faces"))).not_to_have_count(0)
    expect(page.get_by_alt_text(re.compile("^Heat map on face 1"))).to_have_count(2)
    expect(
        page.get_by_role("group", name="Change in probability by region of face 1")
    ).to_be_visible()
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(0)


def test_a_preset_changes_picture_and_bars_and_reset_brings_both_back(page: Page):
    open_compare(page)
    expect(moved_face(page)).to_have_attribute("alt", "Face 1, original")
    bars = moved_bars(page).text_content()
    picture = moved_face(page).get_attribute("src")
    page.get_by_role("button", name="Surprise").click()
    expect(moved_bars(page)).to_contain_text("\u2192")
    expect(moved_face(page)).to_have_attribute("alt", re.compile(r"mouth open \+80%"))
    expect(moved_face(page)).not_to_have_attribute("src", str(picture))
    for shown in (moved_face(page), moved_bars(page)):
        expect(shown).to_be_in_viewport(ratio=0.99)
    page.get_by_role("button", name="Reset").click()
    expect(moved_face(page)).to_have_attribute("alt", "Face 1, original")
    expect(moved_face(page)).to_have_attribute("src", str(picture))
    expect(moved_bars(page)).to_have_text(str(bars))


@pytest.mark.slow
@pytest.mark.release
def test_a_slider_is_moved_by_keys(page: Page):
    open_compare(page)
    expect(moved_face(page)).to_have_attribute("alt", "Face 1, original")
    page.get_by_role("slider", name="Mouth open").focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    expect(moved_face(page)).to_have_attribute("alt", "Face 1, mouth open +40%")


@pytest.mark.slow
@pytest.mark.release
def test_another_face_is_chosen(page: Page, astronaut: np.ndarray):
    pair = io.BytesIO()
    # The second one mirrored and darker, so that not all its numbers are those of the first.
    Image.fromarray(np.hstack([astronaut, astronaut[:, ::-1] // 2])).save(pair, "PNG")
    open_compare(page)
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": "two.png", "mimeType": "image/png", "buffer": pair.getvalue()}
    )
    page.get_by_role("button", name="2", exact=True).click()
    expect(page.get_by_text("Face 2: apparent expression")).to_be_visible()
    expect(page.get_by_alt_text("Face 2, original")).to_be_visible()


@pytest.mark.slow
@pytest.mark.release
def test_a_narrow_window_shows_face_and_bars_on_one_screen_and_never_scrolls_sideways(
    browser: Browser, server: Server
):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{server.url}/compare")
    page.get_by_role("button", name="Surprise").click()
    expect(moved_bars(page)).to_contain_text("\u2192")
    face, bars = moved_face(page).bounding_box(), moved_bars(page).bounding_box()
    assert face
    assert bars
    assert face["y"] + face["height"] <= bars["y"]
    # Streamlit's header covers 60 pixels.
    assert bars["y"] + bars["height"] - face["y"] <= 844 - 60
    for place in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
        assert page.evaluate(f"{place}.scrollWidth <= {place}.clientWidth"), place
    context.close()
