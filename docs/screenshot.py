"""Take docs/screenshot.png from a running app: python docs/screenshot.py [URL]."""

import shutil
import sys
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import expect, sync_playwright

FILE: Final = Path(__file__).with_suffix(".png")
SIZE: Final = {"width": 1280, "height": 1330}
COLORS_KEPT: Final = 256
#: A fresh app loads its models first.
WAIT_MS: Final = 60_000


def main() -> None:
    """Open the example photo in the light theme and save what a visitor sees."""
    url = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8501"
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        # A container's root cannot start Chromium's sandbox, and the page is our own.
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(url)
        page.get_by_role("button", name="Astronaut", exact=True).click()
        expect(page.get_by_test_id("stPlotlyChart").get_by_text("Surprise")).to_be_visible()
        expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
        page.mouse.move(0, 0)
        page.screenshot(path=FILE)
        browser.close()
    # A palette keeps the file under 400 KB.
    with Image.open(FILE) as image:
        image.convert("RGB").quantize(COLORS_KEPT).save(FILE, optimize=True)


if __name__ == "__main__":
    main()
