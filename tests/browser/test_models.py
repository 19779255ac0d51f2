"""The models page as a visitor meets it."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from pages.shared.titles import title_of
from tests.browser.conftest import Server

pytestmark = pytest.mark.browser


@pytest.mark.slow
@pytest.mark.release
def test_a_model_is_chosen_and_stands_in_the_address(page: Page):
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Models").click()
    expect(page.get_by_role("heading", name="Models", exact=True)).to_be_visible()
    page.get_by_test_id("stSelectbox").click()
    page.get_by_role("option", name="landmarks_only").click()
    title = title_of("landmarks_only")
    expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/models\?model=landmarks_only$"))
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(3)


@pytest.mark.slow
@pytest.mark.release
def test_a_narrow_window_never_scrolls_sideways(browser: Browser, server: Server):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{server.url}/models?model=dual")
    expect(page.get_by_role("heading", name=title_of("dual"), exact=True)).to_be_visible()
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(3)
    page.get_by_text("Model card", exact=True).click()
    expect(page.get_by_role("heading", name="Intended use")).to_be_visible()
    for place in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
        assert page.evaluate(f"{place}.scrollWidth <= {place}.clientWidth"), place
    context.close()
