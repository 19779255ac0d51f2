"""What a real browser makes of file names that are Markdown, HTML, mathematics or links."""

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.pages.shared.test_verbatim import HOSTILE

pytestmark = pytest.mark.browser

NAMES = [name if name.endswith(".png") else f"{name}.png" for name in HOSTILE]


def upload(page: Page, *files: FilePayload) -> None:
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(list(files))


def assert_only_text(page: Page, where: str) -> None:
    """Nothing within became an element of its own."""
    inside = page.locator(where)
    for made in (
        "a",
        "img",
        "strong",
        "em",
        "del",
        "h1",
        "li",
        ".katex",
        "[data-testid=stIconMaterial] a",
    ):
        expect(inside.locator(made)).to_have_count(0)


def test_refused_files_are_named_as_they_are(page: Page):
    files: list[FilePayload] = [
        {"name": name, "mimeType": "image/png", "buffer": b"no image"} for name in NAMES
    ]
    upload(page, *files)
    alerts = page.get_by_test_id("stAlertContentError")
    expect(alerts).to_have_count(len(NAMES))
    # Streamlit fetches its names of emojis first where a text seems to have one.
    expect(alerts.locator("code")).to_have_count(len(NAMES))
    shown = alerts.locator("code").evaluate_all("codes => codes.map(code => code.textContent)")
    assert shown == NAMES
    assert_only_text(page, "[data-testid=stAlertContentError]")


def test_photos_are_named_as_they_are(page: Page, astronaut_png: bytes):
    names = [HOSTILE[0], HOSTILE[8], HOSTILE[10]]
    files: list[FilePayload] = [
        {"name": name, "mimeType": "image/png", "buffer": astronaut_png} for name in names
    ]
    upload(page, *files)
    captions = page.get_by_test_id("stImageCaption")
    for name in names:
        expect(captions.filter(has_text=name)).to_be_visible()
        assert_only_text(page, "[data-testid=stImageCaption]")
        expect(page.get_by_alt_text(f"{name} with 1 face marked")).to_be_visible()
        choice = page.get_by_test_id("stSelectbox").get_by_role("combobox")
        expect(choice).to_have_value(f"{name} \u2013 1 face")
        choice.click()
        options = page.get_by_role("option")
        assert options.all_inner_texts() == [f"{other} \u2013 1 face" for other in names]
        following = names[(names.index(name) + 1) % len(names)]
        options.filter(has_text=following).click()
