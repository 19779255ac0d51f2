"""The live camera as a visitor meets it: a real connection, in a browser whose camera shows the portrait."""

import io
import ipaddress
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect

from tests.browser.conftest import Server, running_server
from tests.browser.probes import (
    ATTEMPT,
    SITECUSTOMIZE,
    Log,
    kept_log,
    wait_for,
    watch_memory,
)

pytestmark = pytest.mark.browser

#: A machine with more to do than its cores can says little about speed.
IS_BUSY = os.getloadavg()[0] > 2 * (os.cpu_count() or 1)
#: From the click to the first answers.
CONNECT_MS = 30_000 if IS_BUSY else 10_000
#: As the page counts them, on a machine that the browser shares; the benchmark says what the server does.
FRAMES_A_SECOND = 0 if IS_BUSY else 3
#: Remembers what servers each connection is made with.
REMEMBER_SERVERS = """
const Original = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Original {
  constructor(configuration) {
    super(configuration);
    (window.servers ??= []).push(this.getConfiguration().iceServers);
  }
};
"""


def own_addresses() -> list[str]:
    return [
        address.address.partition("%")[0]
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family in (socket.AF_INET, socket.AF_INET6)
    ]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Log]]:
    """A server whose attempts to reach another machine are said and fail, and which has tempting tokens."""
    if all(ipaddress.ip_address(address).is_loopback for address in own_addresses()):
        pytest.skip("WebRTC needs an address besides that of loopback")
    folder = tmp_path_factory.mktemp("site")
    inside = "ipaddress.ip_address(address[0]).is_loopback"
    assert inside in SITECUSTOMIZE
    (folder / "sitecustomize.py").write_text(
        SITECUSTOMIZE.replace(
            f"not {inside}",
            f"not {inside} and address[0].partition('%')[0] not in {own_addresses()}",
        )
    )
    # streamlit-webrtc would fetch servers from elsewhere with such a token, were it left to itself.
    variables = {"PYTHONPATH": str(folder), "HF_TOKEN": "hf_none", "FER_ICE_SERVERS": ""}
    with (
        kept_log() as (log, writing),
        running_server(tmp_path_factory, output=writing, environment=variables) as server,
    ):
        yield server, log


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.add_init_script(REMEMBER_SERVERS)
    yield context
    context.close()


def component(page: Page) -> FrameLocator:
    return page.frame_locator("iframe[title*='webrtc_streamer']")


def start(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/live")
    component(page).get_by_role("button", name="Start the camera").click()


def frames_a_second(page: Page) -> int:
    said = page.get_by_text(re.compile(r"Frames a second: \d+")).inner_text()
    return int(said.partition(":")[2].split(".")[0])


def test_the_camera_is_seen_answered_frozen_and_nobody_else_is_asked(
    context: BrowserContext, watched: tuple[Server, Log]
):
    server, log = watched
    page = context.new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(server.url)
    expect(page.get_by_role("button", name="Try the example photo")).to_be_visible()
    start(page, server)
    # The first answer, the time of loading the networks included.
    answers = page.get_by_test_id("stMetricValue")
    expect(answers).to_have_text(["Happy", "Happy"], timeout=CONNECT_MS)
    picture = component(page).locator("video")
    assert picture.evaluate("video => [video.videoWidth, video.videoHeight]") == [640, 480]

    # The strip grows, in the same element: another one in its place would flicker.
    area = page.locator(".strip polygon").first
    strip = page.locator(".strip")
    strip.evaluate("strip => { strip.seenBefore = true }")
    points = area.evaluate("polygon => polygon.points.length")
    assert wait_for(lambda: area.evaluate("polygon => polygon.points.length") > points + 8)
    assert strip.evaluate("strip => strip.seenBefore")
    assert wait_for(lambda: frames_a_second(page) >= FRAMES_A_SECOND, seconds=15)
    main = "document.querySelector('[data-testid=stMain]')"
    assert page.evaluate(f"{main}.scrollWidth <= {main}.clientWidth")

    page.get_by_role("button", name="Freeze this moment").click()
    expect(page.get_by_alt_text("Frozen picture with 1 face marked")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Annotated PNG").click()
    frozen = Image.open(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert (frozen.format, frozen.size) == ("PNG", (640, 480))

    (inner,) = [frame for frame in page.frames if "webrtc_streamer" in frame.url]
    assert inner.evaluate("window.servers") == [[]]
    page.get_by_role("link", name="Open in Analyze").click()
    expect(page.get_by_role("heading", name="See the expressions in a photo")).to_be_visible()
    expect(answers.first).to_have_text("Happy")
    assert requests
    assert [a for a in requests if not a.startswith((server.url, "data:", "blob:"))] == []
    assert ATTEMPT not in log.text
    assert "Traceback" not in log.text


def test_a_camera_that_is_not_allowed_is_explained_and_a_snapshot_offered(
    context: BrowserContext, server: Server
):
    page = context.new_page()
    deny_camera(page)
    page.goto(f"{server.url}/live")
    expect(page.get_by_test_id("stAlertContentWarning")).to_contain_text(
        "The camera is not allowed for this page"
    )
    page.get_by_role("button", name="Take a snapshot or upload a photo").click()
    expect(page.get_by_test_id("stCameraInput")).to_be_visible()


def test_a_browser_that_gives_no_camera_is_told_of_https(context: BrowserContext, server: Server):
    """As browsers do with pages over plain HTTP from another machine."""
    context.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'mediaDevices', { value: undefined })"
    )
    page = context.new_page()
    page.goto(f"{server.url}/live")
    expect(page.get_by_test_id("stAlertContentWarning")).to_contain_text("begins with https")
    expect(page.get_by_role("button", name="Take a snapshot or upload a photo")).to_be_visible()


@pytest.mark.slow
def test_a_connection_that_finds_no_way_is_explained(context: BrowserContext, server: Server):
    """A browser that keeps its addresses to itself, as if nothing it sends arrived."""
    context.add_init_script(
        "RTCPeerConnection.prototype.setRemoteDescription = () => new Promise(() => {})"
    )
    page = context.new_page()
    start(page, server)
    expect(page.get_by_test_id("stAlertContentWarning")).to_contain_text("TURN server")
    expect(page.get_by_role("button", name="Take a snapshot or upload a photo")).to_be_visible()


def deny_camera(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    target = session.send("Target.getTargetInfo")["targetInfo"]
    session.send(
        "Browser.setPermission",
        {
            "permission": {"name": "camera"},
            "setting": "denied",
            "browserContextId": target["browserContextId"],
        },
    )


@pytest.mark.slow
@pytest.mark.release
def test_no_picture_of_a_camera_outlives_its_visit(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser, tmp_path: Path
):
    """Nor does what MediaPipe knows of it; the numbers may wait for the garbage collector."""
    (tmp_path / "sitecustomize.py").write_text(
        watch_memory(
            "fer_core.faces.mediapipe_models.VideoLandmarker", "fer_core.live.session.LiveFrame"
        )
    )
    options = ("--server.disconnectedSessionTTL=3",)
    variables = {"PYTHONPATH": str(tmp_path), "FER_ICE_SERVERS": ""}
    with (
        kept_log() as (log, writing),
        running_server(tmp_path_factory, *options, output=writing, environment=variables) as server,
    ):
        context = browser.new_context()
        page = context.new_page()
        start(page, server)
        expect(page.get_by_test_id("stMetricValue").first).to_have_text("Happy")
        assert wait_for(lambda: bool(log.alive and min(log.alive[-1]) > 0))
        # To stop is enough, though the visit goes on.
        component(page).get_by_role("button", name="Stop").click()
        assert wait_for(lambda: log.alive[-1] == [0, 0])
        component(page).get_by_role("button", name="Start the camera").click()
        assert wait_for(lambda: bool(log.alive and min(log.alive[-1]) > 0))
        page.get_by_role("button", name="Freeze this moment").click()
        expect(page.get_by_alt_text("Frozen picture with 1 face marked")).to_be_visible()
        # The page is left without a word: the connection itself must tell, or the session's end.
        context.close()
        gone = wait_for(lambda: log.alive[-1] == [0, 0], seconds=60)
        assert gone, log.text[-2000:]
