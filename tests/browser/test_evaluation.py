"""The evaluation page as a visitor meets it."""

import re

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from fer_core.evaluation.predictions import predictions_path, read_predictions
from fer_core.networks.bundles import resolve
from tests.browser.conftest import Server

pytestmark = pytest.mark.browser

#: Of test faces that the second network is asked about.
LABEL, ANSWER = "fear", "sad"


def rows_of_the_cell() -> list[int]:
    """The data set's numbers of the cell's faces, the most confident answer first."""
    result = read_predictions(predictions_path(resolve("dual").path, "fer2013", "test"))
    names = [str(expression) for expression in result.expressions]
    p = result.probabilities
    is_there = (result.labels == names.index(LABEL)) & (p.argmax(axis=1) == names.index(ANSWER))
    there = np.flatnonzero(is_there)
    return result.rows[there[np.argsort(-p[there].max(axis=1), kind="stable")]].tolist()


def shown_rows(page: Page) -> list[int]:
    pictures = page.get_by_alt_text(re.compile(rf"labelled {LABEL}, predicted {ANSWER}"))
    expect(pictures.first).to_be_visible()
    alts = [picture.get_attribute("alt") or "" for picture in pictures.all()]
    return [int(re.findall(r"row (\d+)", alt)[0]) for alt in alts]


@pytest.mark.slow
@pytest.mark.release
def test_a_click_on_a_cell_shows_its_faces_and_the_link_shows_them_again(
    page: Page, browser: Browser
):
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Evaluation").click()
    expect(page.get_by_role("heading", name="Evaluation", exact=True)).to_be_visible()
    page.goto(f"{page.url.partition('?')[0]}?data=fer2013-test")
    page.get_by_text("Confusions", exact=True).click()
    expect(page.get_by_role("heading", name="Confusion matrix of dual")).to_be_visible()
    names = [str(expression) for expression in resolve("dual").spec.labels]
    grid = page.locator(".js-plotly-plot .heatmaplayer, .js-plotly-plot .plot").first
    expect(grid).to_be_visible()
    box = grid.bounding_box()
    assert box is not None
    cell = box["width"] / len(names), box["height"] / len(names)
    x = box["x"] + (names.index(ANSWER) + 0.5) * cell[0]
    y = box["y"] + (names.index(LABEL) + 0.5) * cell[1]
    page.mouse.click(x, y)
    expected = rows_of_the_cell()
    expect(page.get_by_text(re.compile(rf"^{len(expected)} of 3,589 faces"))).to_be_visible()
    assert shown_rows(page) == expected[: len(shown_rows(page))]
    assert len(shown_rows(page)) == min(48, len(expected))

    again = browser.new_page()
    again.goto(page.url)
    assert shown_rows(again) == shown_rows(page)
    again.close()


def test_back_and_forward_move_between_the_views_and_the_link_is_short(page: Page, server: Server):
    page.goto(f"{server.url}/evaluation?view=confusions")
    confusions = page.get_by_role("heading", name="Confusion matrix of dual_photos")
    expect(confusions).to_be_visible()
    page.get_by_text("Expressions", exact=True).click()
    expressions = page.get_by_role("heading", name="One expression against the rest")
    expect(expressions).to_be_visible()
    page.get_by_text("Without duplicates", exact=True).click()
    expect(page).to_have_url(f"{server.url}/evaluation?view=expressions&faces=clean")
    page.go_back()
    expect(page).to_have_url(f"{server.url}/evaluation?view=expressions")
    expect(page.get_by_role("radio", name="All faces")).to_be_checked()
    page.go_back()
    expect(confusions).to_be_visible()
    expect(page).to_have_url(f"{server.url}/evaluation?view=confusions")
    page.go_forward()
    expect(expressions).to_be_visible()
    expect(confusions).to_have_count(0)


def test_views_with_photos_of_their_own_have_no_choice_of_faces(page: Page, server: Server):
    page.goto(f"{server.url}/evaluation?faces=clean")
    page.get_by_text("Whole photos", exact=True).click()
    expect(page.get_by_role("heading", name="Whole photos")).to_be_visible()
    chosen = page.get_by_role("radio", name="Without duplicates")
    expect(chosen).to_be_disabled()
    page.get_by_text("Confusions", exact=True).click()
    expect(page.get_by_role("heading", name="Confusion matrix of dual_photos")).to_be_visible()
    expect(chosen).to_be_checked()
    expect(chosen).to_be_enabled()


def test_an_own_file_that_is_no_table_leaves_the_page_alive(page: Page):
    page.goto(f"{page.url}evaluation")
    page.get_by_text("Add your own network").click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": "own.parquet", "mimeType": "application/octet-stream", "buffer": b"no table"}
    )
    expect(page.get_by_text("Your file cannot be used.")).to_be_visible()
    expect(page.get_by_role("heading", name="All measures")).to_be_visible()


@pytest.mark.parametrize("view", ["accuracy", "confusions", "confidence"])
def test_a_narrow_window_never_scrolls_sideways(browser: Browser, server: Server, view: str):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{server.url}/evaluation?view={view}")
    expect(page.get_by_test_id("stCaptionContainer").last).to_be_visible()
    # Charts have no bar of tools, which would cover them.
    expect(page.locator(".modebar-btn")).to_have_count(0)
    for place in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
        assert page.evaluate(f"{place}.scrollWidth <= {place}.clientWidth"), place
    context.close()
