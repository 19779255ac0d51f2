"""The landmarks page as a visitor meets it."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Server

pytestmark = pytest.mark.browser


def open_landmarks(page: Page) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Landmarks").click()
    expect(page.get_by_role("heading", name="See the landmarks of a face")).to_be_visible()


def test_an_example_has_its_landmarks_at_once(page: Page):
    open_landmarks(page)
    expect(page.get_by_alt_text(re.compile("Face 1 with .*contours"))).to_be_visible()
    expect(page.get_by_text("AU12 lip corner puller")).to_be_visible()
    page.get_by_role("tab", name="3D mesh").click()
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(1)


@pytest.mark.slow
@pytest.mark.release
def test_overlays_are_switched_on_and_off(page: Page):
    open_landmarks(page)
    expect(page.get_by_alt_text(re.compile("Face 1 with .*contours"))).to_be_visible()
    pictures = set()
    for overlay, switched_on in (
        ("Contours", "irises"),
        ("Irises", "no overlay"),
        ("Mesh", "mesh"),
        ("Keypoints", "mesh, keypoints"),
        ("15-point model", "mesh, keypoints, 15-point model"),
    ):
        page.get_by_test_id("stButtonGroup").get_by_text(overlay, exact=True).click()
        image = page.get_by_alt_text(f"Face 1 with {switched_on}", exact=True)
        expect(image).to_be_visible()
        pictures.add(image.get_attribute("src"))
    assert len(pictures) == 5


@pytest.mark.slow
@pytest.mark.release
def test_a_narrow_window_never_scrolls_sideways(browser: Browser, server: Server):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{server.url}/landmarks")
    expect(page.get_by_text("AU12 lip corner puller")).to_be_visible()
    for place in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
        assert page.evaluate(f"{place}.scrollWidth <= {place}.clientWidth"), place
    context.close()
