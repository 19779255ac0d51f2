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
    # The same is said of all.
    expect(alerts).to_have_count(1)
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
    captions = page.get_by_test_id("stCaptionContainer")
    # The newest is shown first.
    for i in reversed(range(len(names))):
        expect(page.get_by_alt_text(f"{names[i]} with 1 face marked")).to_be_visible()
        expect(captions.filter(has_text=names[i])).to_be_visible()
        assert_only_text(page, "[data-testid=stCaptionContainer]:has(code)")
        expect(page.get_by_alt_text(f"Thumbnail of {names[i]}")).to_be_visible()
        before = page.locator("[class*='st-key-show_'] button:visible").nth(max(0, i - 1))
        before.hover()
        expect(page.get_by_test_id("stTooltipContent")).to_contain_text(names[max(0, i - 1)])
        assert_only_text(page, "[data-testid=stTooltipContent]")
        before.click()
