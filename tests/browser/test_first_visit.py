"""The pages' own addresses, on a server that nobody has visited."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from pages.shared.titles import title_of
from tests.browser.conftest import Server, expect_idle, running_server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def fresh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose first visitor opens an address with a query."""
    with running_server(tmp_path_factory) as server:
        yield server


def test_the_first_visitor_may_open_a_pages_own_address(
    browser: Browser, fresh_server: Server, astronaut: np.ndarray
):
    """With the query that the address had, and with all that the menu sets."""
    page = browser.new_page()
    # Another model than the one that is shown first.
    page.goto(f"{fresh_server.url}/models?model=dual")
    expect(page.get_by_role("heading", name=title_of("dual"), exact=True)).to_be_visible()
    expect(page.get_by_test_id("stSidebarNav").get_by_text("Research")).to_be_visible()
    # Uploads stay in memory: the server cannot write.
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Landmarks").click()
    expect(page.get_by_role("heading", name="See the landmarks of a face")).to_be_visible()
    large = io.BytesIO()
    Image.fromarray(astronaut).resize((1024, 1024)).save(large, "PNG", compress_level=0)
    photo = {"name": "large.png", "mimeType": "image/png", "buffer": large.getvalue()}
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files([photo])
    expect(page.get_by_alt_text("Thumbnail of large.png")).to_be_visible()
    # Until the page is drawn, the example's action units are there as well.
    expect_idle(page)
    expect(page.get_by_text("AU12 lip corner puller")).to_be_visible()
    page.close()
