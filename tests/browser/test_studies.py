"""The experiments page as a visitor meets it."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from fer_core.studies.plans import StudyPlan, read_plan
from tests.browser.conftest import Server

pytestmark = pytest.mark.browser

NAME = "conv_stages"


@pytest.fixture(scope="module")
def plan() -> StudyPlan:
    plan = read_plan(NAME)
    assert isinstance(plan, StudyPlan)
    return plan


def test_the_page_is_found_from_the_others_and_an_unknown_study_is_no_harm(
    page: Page, server: Server
):
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Experiments").click()
    expect(page.get_by_role("heading", name="Experiments")).to_be_visible()
    page.goto(f"{server.url}/studies?study=no_such_study")
    expect(page.get_by_test_id("stPlotlyChart").first).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_study_is_told_and_the_faces_without_copies_are_one_click_away(
    page: Page, server: Server, plan: StudyPlan
):
    page.goto(f"{server.url}/studies?study={NAME}")
    expect(page.get_by_role("heading", name=plan.title)).to_be_visible()
    expect(page.get_by_text(plan.question)).to_be_visible()
    expect(page.get_by_test_id("stCode")).to_contain_text(plan.command)
    page.get_by_role("radio", name="Without duplicates").click()
    expect(page).to_have_url(re.compile("faces=clean"))
    page.get_by_text("Details and download").first.click()
    expect(
        page.get_by_text(re.compile("Duplicates of training images are left out"))
    ).to_be_visible()


@pytest.mark.slow
@pytest.mark.release
def test_a_narrow_window_never_scrolls_sideways(browser: Browser, server: Server):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{server.url}/studies?study={NAME}")
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(3)
    expect(page.get_by_role("heading", name="Reproduce")).to_be_visible()
    for place in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
        assert page.evaluate(f"{place}.scrollWidth <= {place}.clientWidth"), place
    context.close()
