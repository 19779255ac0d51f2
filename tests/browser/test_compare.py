"""The page of the two opinions as a visitor meets it."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Server, running_server, visit

pytestmark = pytest.mark.browser

#: The sentence under the sliders, as long as nothing was moved.
UNMOVED = re.compile(r"As it is: (\w+ \d+%)\. Landmarks moved: \1\.")


def open_compare(page: Page) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Compare").click()
    expect(page.get_by_role("heading", name="Compare the two opinions")).to_be_visible()


def moved_answer(page: Page) -> Locator:
    return page.get_by_text(re.compile(r"As it is: .* Landmarks moved: "))


def test_both_networks_answer_and_say_why(page: Page):
    open_compare(page)
    page.get_by_role("button", name="Try the example photo").click()
    expect(page.get_by_text("Face 1: CNN, web photos", exact=True)).to_be_visible()
    expect(page.get_by_text("Face 1: Dual-input, web photos", exact=True)).to_be_visible()
    expect(
        page.get_by_text(re.compile(r"Time of each network a face: CNN, web photos \d"))
    ).to_be_visible()
    expect(page.get_by_text(re.compile(r"of [\d,]+ faces; 95 % interval"))).not_to_have_count(0)
    expect(page.get_by_alt_text(re.compile("^Activation map of "))).to_have_count(2)
    # Answers, influence, what if.
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(3)


@pytest.mark.slow
@pytest.mark.release
def test_a_slider_changes_the_answer_and_the_button_brings_it_back(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
):
    """With networks that are less than 100 % sure of the example photo."""
    environment = {"FER_NETWORKS": "cnn,dual"}
    with (
        running_server(tmp_path_factory, environment=environment) as server,
        visit(browser, server) as page,
    ):
        move_and_reset(page)


def move_and_reset(page: Page) -> None:
    page.get_by_role("button", name="Try the example photo").click()
    expect(page.get_by_text("Face 1: CNN, FER2013", exact=True)).to_be_visible()
    open_compare(page)
    expect(moved_answer(page)).to_have_text(UNMOVED)
    mesh = page.get_by_alt_text("Moved landmarks of face 1")
    unmoved_picture = mesh.get_attribute("src")
    page.get_by_role("slider", name="Smile").focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    expect(moved_answer(page)).not_to_have_text(UNMOVED)
    assert mesh.get_attribute("src") != unmoved_picture
    page.get_by_role("button", name="Back to the face as it is").click()
    expect(moved_answer(page)).to_have_text(UNMOVED)


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
    expect(page.get_by_text("Face 1: CNN, web photos", exact=True)).to_be_visible()
    page.get_by_role("button", name="2", exact=True).click()
    expect(page.get_by_text("Face 2: Dual-input, web photos", exact=True)).to_be_visible()
    expect(page.get_by_alt_text("Moved landmarks of face 2")).to_be_visible()


@pytest.mark.slow
@pytest.mark.release
def test_a_narrow_window_never_scrolls_sideways(browser: Browser, server: Server):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{server.url}/compare")
    page.get_by_role("button", name="Try the example photo").click()
    expect(page.get_by_alt_text("Moved landmarks of face 1")).to_be_visible()
    for place in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
        assert page.evaluate(f"{place}.scrollWidth <= {place}.clientWidth"), place
    context.close()
