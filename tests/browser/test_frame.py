"""The app within a page of another site, as a Space is shown: uploads work there, or the page says where."""

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, FilePayload, FrameLocator, Page, expect

from tests.browser.conftest import (
    Server,
    chromium_executable,
    rights,
    running_server,
    start_camera,
)

pytestmark = pytest.mark.browser

REFUSED = "Uploads and the camera do not work here"


@contextlib.contextmanager
def page_around(address: str) -> Iterator[str]:
    """Serve a page that shows another in a frame; give its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            style = "width:1200px;height:1400px"
            frame = f'<iframe src="{address}" allow="camera" style="{style}"></iframe>'
            self.wfile.write(b"<!DOCTYPE html>" + frame.encode())

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@contextlib.contextmanager
def framed(
    context: BrowserContext, server: Server, path: str = ""
) -> Iterator[tuple[Page, FrameLocator]]:
    """Show the app within a page of another site: for a browser, localhost and 127.0.0.1 are two."""
    page = context.new_page()
    with page_around(server.url.replace("127.0.0.1", "localhost") + path) as address:
        page.goto(address)
        yield page, page.frame_locator("iframe")


@pytest.fixture(scope="module")
def lenient_browser(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserContext]:
    """A browser that lets frames of other sites keep cookies."""
    profile = tmp_path_factory.mktemp("profile")
    (profile / "Default").mkdir(parents=True)
    allowed = {"profile": {"cookie_controls_mode": 0, "block_third_party_cookies": False}}
    (profile / "Default" / "Preferences").write_text(json.dumps(allowed))
    context = browser.browser_type.launch_persistent_context(
        profile, executable_path=chromium_executable(), args=rights()
    )
    yield context
    context.close()


@pytest.fixture
def lenient(lenient_browser: BrowserContext) -> Iterator[BrowserContext]:
    """The same without the cookies and the pages of visits before."""
    lenient_browser.clear_cookies()
    yield lenient_browser
    # A browser without a page would end.
    lenient_browser.new_page()
    for page in lenient_browser.pages[:-1]:
        page.close()


@pytest.fixture
def strict(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that blocks the cookies of frames of other sites."""
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server as in a Space."""
    with running_server(tmp_path_factory, "--server.xsrfCookieSameSite=none") as server:
        yield server


def photo(content: bytes) -> FilePayload:
    return {"name": "me.png", "mimeType": "image/png", "buffer": content}


def test_uploads_work_in_a_frame_of_another_site_as_in_a_space(
    lenient: BrowserContext, space: Server, astronaut_png: bytes
):
    with framed(lenient, space) as (_, app):
        app.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(photo(astronaut_png))
        expect(app.get_by_alt_text("me.png with 1 face marked")).to_be_visible()
        expect(app.get_by_text(REFUSED)).to_have_count(0)


def test_an_upload_without_the_token_is_refused_in_a_space_too(
    lenient: BrowserContext, space: Server
):
    """A page of another site may send the cookie along, but cannot read it to say it in a header."""
    with framed(lenient, space) as (_, app):
        expect(app.get_by_role("button", name="Astronaut", exact=True)).to_be_visible()
        address = space.url.replace("127.0.0.1", "localhost")
        (cookie,) = lenient.cookies(address)
        assert (cookie["name"], cookie["sameSite"]) == ("_streamlit_xsrf", "None")
        answer = lenient.request.put(
            f"{address}/_stcore/upload_file/session/file", multipart={"file": photo(b"a")}
        )
        assert answer.status == 403


@pytest.mark.parametrize("kind", ["lenient", "strict"])
def test_where_uploads_are_refused_the_page_says_so_and_leads_to_where_they_work(
    kind: str, request: pytest.FixtureRequest, server: Server, space: Server, astronaut_png: bytes
):
    """With the stricter cookie in every browser, with that of a Space where the browser blocks it."""
    context = request.getfixturevalue(kind)
    with framed(context, server if kind == "lenient" else space) as (page, app):
        expect(app.get_by_text(REFUSED)).to_be_visible()
        with page.expect_response("**/upload_file/**") as answer:
            app.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(photo(astronaut_png))
        assert answer.value.status == 403
        with page.context.expect_page() as opened:
            app.get_by_role("link", name="Open in a tab").click()
        alone = opened.value
        alone.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(photo(astronaut_png))
        expect(alone.get_by_alt_text("me.png with 1 face marked")).to_be_visible()
        expect(alone.get_by_text(REFUSED)).to_have_count(0)


def test_the_live_camera_works_in_a_frame_that_may_have_it(strict: BrowserContext, space: Server):
    """It needs no cookie: a visit's frames bring a token of their own."""
    with framed(strict, space, "/live") as (_, app):
        start_camera(app)
        expect(app.locator(".network .expression").last).to_contain_text("Happy")


def test_nothing_is_said_on_a_first_visit_without_a_frame(page: Page):
    expect(page.get_by_role("button", name="Astronaut", exact=True)).to_be_visible()
    expect(page.get_by_text(REFUSED)).to_have_count(0)
