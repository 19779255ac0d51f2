"""The look that this project adds to Streamlit's, as a browser computes it."""

import re

import pytest
from playwright.sync_api import Browser, expect

from pages.shared.style import PRIMARY_HOVER, PRIMARY_TEXT
from tests.browser.conftest import Server

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_primary_buttons_have_the_text_of_their_theme(browser: Browser, server: Server, theme: str):
    i = ["light", "dark"].index(theme)
    context = browser.new_context(color_scheme=theme)
    page = context.new_page()
    page.goto(server.url)
    page.get_by_role("button", name="Astronaut", exact=True).click()
    button = page.get_by_test_id("stBaseButton-primary").first
    # Streamlit puts text and icon into elements of their own.
    expect(button.locator("span").last).to_have_css("color", _rgb(PRIMARY_TEXT[i]))
    button.hover()
    expect(button).to_have_css("background-color", _rgb(PRIMARY_HOVER[i]))
    expect(button.locator("span").last).to_have_css("color", _rgb(PRIMARY_TEXT[i]))
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_chosen_options_have_the_text_of_their_theme(browser: Browser, server: Server, theme: str):
    context = browser.new_context(color_scheme=theme)
    page = context.new_page()
    page.goto(f"{server.url}/evaluation")
    chip = page.get_by_test_id("stMultiSelect").locator("[data-tag]").first
    color = _rgb(PRIMARY_TEXT[["light", "dark"].index(theme)])
    for part in (chip.locator("span").last, chip.get_by_role("button")):
        expect(part).to_have_css("color", color)
    context.close()


def _rgb(color: str) -> str:
    return f"rgb({', '.join(str(int(part, 16)) for part in re.findall('..', color[1:]))})"
