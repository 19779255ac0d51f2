"""Take docs/screenshot.png from a running app, and write what it shows: python docs/screenshot.py [URL].

`tests/test_docs.py` compares docs/screenshot.json with today's menu and predictions. If it fails, start the
app and run this.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

FILE: Final = Path(__file__).with_suffix(".png")
#: What the picture shows, as read from the same page.
SHOWN: Final = Path(__file__).with_suffix(".json")
SIZE: Final = {"width": 1400, "height": 900}
EXAMPLE: Final = "Astronaut"
COLORS_KEPT: Final = 256
#: A fresh app loads its models first.
WAIT_MS: Final = 60_000


def main() -> None:
    """Open the example photo in the light theme; save what a visitor sees, as a picture and as text."""
    url = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8501"
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        # A container's root cannot start Chromium's sandbox, and the page is our own.
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(url)
        page.get_by_role("button", name=EXAMPLE, exact=True).click()
        bars = page.get_by_role("group", name="Probability of each expression for face 1")
        expect(bars).to_be_visible()
        expect(page.get_by_text("Both networks agree").first).to_be_visible()
        # Streamlit fetches the code of these elements when they are first shown.
        expect(page.get_by_test_id("stMetricValue")).to_be_visible()
        expect(page.get_by_role("button", name="Annotated photo")).to_be_visible()
        expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
        page.mouse.move(0, 0)
        page.screenshot(path=FILE)
        shown = _shown(page)
        browser.close()
    # A palette keeps the file under 400 KB.
    with Image.open(FILE) as image:
        image.convert("RGB").quantize(COLORS_KEPT).save(FILE, optimize=True)
    SHOWN.write_text(json.dumps(shown, indent=2) + "\n", encoding="utf-8")


def _shown(page: Page) -> dict[str, Any]:
    """Return the page names, the prediction and each network's percentages, as the page says them."""
    labels = page.locator(".fer-bars > div:not(.two)").all_inner_texts()
    shares = page.locator(".fer-bars .share").all_inner_texts()
    return {
        "photo": EXAMPLE,
        "pages": page.get_by_test_id("stSidebarNavLink").locator("span[label]").all_inner_texts(),
        "prediction": page.get_by_test_id("stMetricValue").inner_text(),
        "networks": page.locator(".fer-key > span").all_inner_texts(),
        "percentages": dict(zip(labels, shares, strict=True)),
    }


if __name__ == "__main__":
    main()
