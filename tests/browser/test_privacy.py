"""What a server says and whom it asks while it is visited: no names, no pixels, and nobody."""

import base64
import contextlib
import io
import json
import os
import re
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Server, running_server
from tests.browser.probes import (
    ATTEMPT,
    SITECUSTOMIZE,
    TELLING,
    Log,
    kept_log,
    wait_for,
    watch_memory,
)
from tests.clips import clip, moving
from tests.conftest import PROJECT, png

pytestmark = pytest.mark.browser

#: What Streamlit keeps of an upload.
UPLOAD = "streamlit.runtime.uploaded_file_manager.UploadedFileRec"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Log]]:
    """A server at every address of this machine, whose output is kept and whose connections fail."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE)
    options = ("--server.address=0.0.0.0", "--logger.level=debug")
    with (
        kept_log() as (log, writing),
        running_server(
            tmp_path_factory, *options, output=writing, environment={"PYTHONPATH": str(folder)}
        ) as server,
    ):
        yield server, log


@pytest.fixture(scope="module")
def visited(
    watched: tuple[Server, Log], browser: Browser, astronaut: np.ndarray
) -> tuple[Server, Log]:
    """The same after a photo with a telling name, a broken one, downloads, and a look at every page."""
    server, _ = watched
    photo = io.BytesIO()
    Image.fromarray(astronaut).save(photo, "JPEG")
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.url)
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        [
            {"name": f"{TELLING}.jpg", "mimeType": "image/jpeg", "buffer": photo.getvalue()},
            {
                "name": f"{TELLING}-cut.jpg",
                "mimeType": "image/jpeg",
                "buffer": photo.getvalue()[:9000],
            },
        ]
    )
    expect(page.get_by_alt_text(f"{TELLING}.jpg with 1 face marked")).to_be_visible()
    expect(page.get_by_test_id("stAlertContentError")).to_contain_text(f"{TELLING}-cut.jpg")
    with page.expect_download():
        page.get_by_role("button", name=re.compile("^CSV")).click()
    look_at_all_pages(page)
    context.close()
    return watched


def look_at_all_pages(page: Page) -> None:
    links = page.get_by_test_id("stSidebarNavLink")
    expect(links).to_have_count(len(list((PROJECT / "pages").glob("*.py"))))
    for link in links.all()[1:]:
        link.click()
        expect(page.get_by_test_id("stMain").get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
        expect(page.get_by_test_id("stException")).to_have_count(0)


def test_the_log_names_no_file_and_shows_no_pixels(
    visited: tuple[Server, Log], astronaut: np.ndarray
):
    said = visited[1].text
    assert "http://" in said, "the log is empty, so nothing was tested"
    assert TELLING not in said
    # Neither an array's printed form nor an image's bytes in base64.
    photo = io.BytesIO()
    Image.fromarray(astronaut).save(photo, "JPEG")
    decoded = np.asarray(Image.open(photo))
    assert str(decoded[0, 0])[1:-1] not in said
    assert base64.b64encode(photo.getvalue()[:60]).decode() not in said
    assert max(map(len, said.splitlines())) < 2_000


def test_a_visit_makes_the_server_ask_nobody(visited: tuple[Server, Log]):
    assert ATTEMPT not in visited[1].text


def test_a_page_from_elsewhere_is_refused_without_asking_anybody(visited: tuple[Server, Log]):
    server, log = visited
    seconds = []
    for _ in range(3):
        began = time.monotonic()
        assert handshake(server, "http://elsewhere.example").startswith("HTTP/1.1 403")
        seconds.append(time.monotonic() - began)
    # A server that asks is slow each time; a machine that is busy only now and then.
    assert min(seconds) < 1
    assert handshake(server, server.url).startswith("HTTP/1.1 101")
    assert ATTEMPT not in log.text


def handshake(server: Server, origin: str) -> str:
    """Return the first line of the answer to a request for a WebSocket."""
    host, port = server.url.removeprefix("http://").split(":")
    request = (
        f"GET /_stcore/stream HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {origin}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: streamlit\r\n\r\n"
    )
    with contextlib.closing(socket.create_connection((host, int(port)), timeout=10)) as connection:
        connection.sendall(request.encode())
        return connection.recv(4096).decode(errors="replace").splitlines()[0]


@pytest.fixture
def forgetting(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path):
    """Start a server that forgets a visit after three seconds, and says how many of some things it holds."""

    @contextlib.contextmanager
    def start(*kinds: str) -> Iterator[tuple[Server, Log]]:
        (tmp_path / "sitecustomize.py").write_text(watch_memory(*kinds))
        with (
            kept_log() as (log, writing),
            running_server(
                tmp_path_factory,
                "--server.disconnectedSessionTTL=3",
                output=writing,
                environment={"PYTHONPATH": str(tmp_path)},
            ) as server,
        ):
            yield server, log

    return start


@pytest.mark.slow
def test_a_visitor_who_left_is_forgotten_without_another_who_comes(
    forgetting, browser: Browser, astronaut: np.ndarray
):
    """The session, its files and its pixels are gone from memory soon after its time is over."""
    kinds = ("fer_core.photos.decode.Photo", "pages.shared.visit_photos.ChosenPhoto", UPLOAD)
    with forgetting(*kinds) as (server, log):
        context = browser.new_context()
        page = context.new_page()
        page.goto(server.url)
        # Two, of which the bar shows both.
        portrait = {"mimeType": "image/png", "buffer": png(astronaut)}
        give(page, [portrait | {"name": f"{name}.png"} for name in "ab"])
        expect(page.get_by_alt_text("b.png with 1 face marked")).to_be_visible()
        expect(page.get_by_alt_text("Thumbnail of a.png")).to_be_visible()
        # What was decoded is not kept as it was uploaded, too.
        assert wait_for(lambda: log.alive[-1:] == [[2, 2, 0]])
        context.close()
        # Fifteen seconds between two looks, three for coming back.
        assert wait_for(lambda: log.alive[-1:] == [[0, 0, 0]], seconds=25)
        following = browser.new_page()
        following.goto(server.url)
        following.get_by_role("button", name="Astronaut", exact=True).click()
        expect(following.get_by_test_id("stMetricValue").first).to_be_visible()
        following.close()


@pytest.mark.slow
def test_nothing_stays_of_a_photo_that_a_program_sent(forgetting, astronaut: np.ndarray):
    kinds = ("fer_core.photos.decode.Photo", "fer_core.analysis.Analysis")
    with forgetting(*kinds) as (server, log):
        asked = urllib.request.Request(f"{server.url}/api/analyze", png(astronaut))
        for _ in range(3):
            with urllib.request.urlopen(asked, timeout=60) as answered:
                assert len(json.load(answered)["faces"]) == 1
        seen = len(log.alive)
        assert wait_for(lambda: len(log.alive) > seen + 1 and log.alive[-1] == [0, 0])


@pytest.mark.slow
@pytest.mark.release
def test_a_batch_of_a_visitor_who_left_is_forgotten(
    forgetting, browser: Browser, astronaut: np.ndarray
):
    """Its photos, what was found in them, and its videos."""
    video = clip(moving(astronaut[:240, 90:410], 5), rate=10)
    kinds = (
        "pages.parts.batch.work.Batch",
        "pages.parts.batch.jobs.VideoJob",
        "fer_core.batch.results.PhotoResult",
        UPLOAD,
    )
    with forgetting(*kinds) as (server, log):
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{server.url}/batch")
        films = [{"name": f"{n}.mp4", "mimeType": "video/mp4", "buffer": video} for n in "ab"]
        portrait = {"name": "a.png", "mimeType": "image/png", "buffer": png(astronaut)}
        give(page, [portrait, *films])
        page.get_by_role("button", name="Analyze the video").click()
        # Two uploads and a video: on a slow machine, beside other tests, more than the usual half minute.
        expect(page.get_by_text("5 frames, 1 person")).to_be_visible(timeout=90_000)
        expect(page.get_by_test_id("stDataFrame")).to_be_visible(timeout=90_000)
        page.locator(".st-key-batch_view").get_by_text("Contact sheet", exact=True).click()
        page.get_by_alt_text("Face 1 of a.png").click()
        expect(page.get_by_alt_text("a.png with 1 face marked")).to_be_visible()
        assert wait_for(lambda: log.alive[-1:] == [[1, 1, 1, 3]])
        context.close()
        assert wait_for(lambda: log.alive[-1:] == [[0, 0, 0, 0]], seconds=25)


@pytest.mark.slow
def test_what_is_removed_from_a_batch_is_forgotten_at_once(
    forgetting, browser: Browser, astronaut: np.ndarray
):
    """The visitor stays, and uploads again."""
    kinds = ("pages.parts.batch.work.Batch", UPLOAD)
    with forgetting(*kinds) as (server, log):
        page = browser.new_page()
        page.goto(f"{server.url}/batch")
        portrait = {"mimeType": "image/png", "buffer": png(astronaut[:256, 100:356])}
        for n_photos in (2, 1):
            give(page, [portrait | {"name": f"{number}.png"} for number in range(n_photos)])
            expect(page.get_by_test_id("stDataFrame")).to_be_visible()
            assert wait_for(lambda n=n_photos: log.alive[-1:] == [[1, n]])
            page.get_by_role("button", name="Remove all").click()
            page.get_by_role("button", name="Remove photos, videos and results").click()
            expect(page.get_by_test_id("stDataFrame")).to_have_count(0)
            assert wait_for(lambda: log.alive[-1:] == [[0, 0]])
        page.close()


def give(page: Page, files: list[dict[str, object]]) -> None:
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(files)


def test_the_watch_sees_an_attempt(tmp_path: Path):
    """What the proofs above rest on."""
    import subprocess
    import sys

    (tmp_path / "sitecustomize.py").write_text(SITECUSTOMIZE)
    attempt = (
        "from streamlit import net_util; net_util.get_internal_ip(); net_util.get_external_ip()"
    )
    done = subprocess.run(
        [sys.executable, "-c", attempt],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        timeout=60,
    )
    assert f"{ATTEMPT} ('8.8.8.8', 1)" in done.stderr
    assert f"{ATTEMPT} checkip.amazonaws.com" in done.stderr
