"""The HTTP API on a real server that cannot write: under a path, with bad connections, from pages."""

import contextlib
import http.client
import io
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from fer_core.networks.bundles import DEFAULT_PAIR
from pages.server.api.analyze import BODY_SECONDS
from pages.server.api.examples import examples
from tests.browser.conftest import Server, running_server, start_camera
from tests.browser.probes import TELLING, Log, kept_log, wait_for

pytestmark = pytest.mark.browser

BASE = "/look/at"
MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Log]]:
    """A server under a path of its own, and what it prints."""
    with (
        kept_log() as (log, writing),
        running_server(tmp_path_factory, path=BASE, output=writing) as server,
    ):
        yield server, log


@pytest.fixture(scope="module")
def photo(astronaut: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(astronaut).save(buffer, "JPEG")
    return buffer.getvalue()


def ask(server: Server, method: str, path: str, body=None, **headers: str) -> tuple[int, dict]:
    """Return the status of an answer and its JSON."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers)
        answered = connection.getresponse()
        return answered.status, json.load(answered)


def test_the_live_camera_works_below_the_path_of_the_app(served, browser: Browser):
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(f"{served[0].url}/live")
        start_camera(page)
        expect(page.locator(".network .expression").last).to_contain_text("Happy")


def test_it_answers_below_the_path_of_the_app(served, photo):
    server, _ = served
    status, told = ask(server, "GET", f"{BASE}/api/openapi.json")
    assert (status, told["servers"]) == (200, [{"url": f"{BASE}/api"}])
    status, answer = ask(server, "POST", f"{BASE}/api/analyze", photo)
    assert status == 200
    assert answer["faces"][0]["predictions"][DEFAULT_PAIR[-1]]["expression"] == "happy"
    status, failed = ask(server, "GET", f"{BASE}/api/nothing")
    assert (status, list(failed)) == (404, ["error"])


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's files are read")
def test_it_is_ready_once_the_networks_are_loaded_and_a_crash_writes_nothing(served):
    server, _ = served
    assert wait_for(lambda: ask(server, "GET", f"{BASE}/api/health")[0] == 200, seconds=120)
    _, health = ask(server, "GET", f"{BASE}/api/health")
    assert set(health["networks"]) == set(DEFAULT_PAIR)
    limits = Path(f"/proc/{server.process.pid}/limits").read_text()
    (cores,) = (line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert cores.split()[4:6] == ["0", "0"]
    if os.geteuid():
        # What cannot be dumped belongs to root there.
        assert Path(f"/proc/{server.process.pid}/mem").stat().st_uid == 0


def test_the_log_has_lines_and_no_names(served, photo):
    server, log = served
    form = (
        f'--x\r\nContent-Disposition: form-data; name="file"; filename="{TELLING}.jpg"\r\n\r\n'
    ).encode()
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    body = form + photo + b"\r\n--x--\r\n"
    status, answer = ask(server, "POST", f"{BASE}/api/analyze", body, **kind)
    assert (status, answer["path"]) == (200, None)
    assert ask(server, "POST", f"{BASE}/api/analyze?x={TELLING}", body, **kind)[0] == 400
    assert ask(server, "PUT", f"{BASE}/api/{TELLING}.jpg", photo)[0] == 404
    assert wait_for(lambda: "PUT (another path) 404" in log.text)
    assert f"POST {BASE}/api/analyze 200" in log.text
    assert TELLING not in log.text


def test_nothing_was_written(served):
    assert [path for folder in served[0].folders for path in folder.rglob("*")] == []


@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_that_is_too_large_is_refused_in_words(served, chunked):
    server, _ = served
    body = (b"x" * MEGABYTE for _ in range(51)) if chunked else b"x" * 51 * MEGABYTE
    status, failed = ask(server, "POST", f"{BASE}/api/analyze", body)
    assert status == 413
    assert "The limit is 50 MB" in failed["error"]


def connect(server: Server, head: bytes, length: int) -> socket.socket:
    """Begin to send a photo."""
    host, port = urlsplit(server.url).netloc.split(":")
    connection = socket.create_connection((host, int(port)), timeout=60)
    start = f"POST {BASE}/api/analyze HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n"
    connection.sendall(f"{start}Content-Length: {length}\r\n\r\n".encode() + head)
    return connection


def test_uploads_that_break_off_are_given_up(served, photo):
    server, log = served
    given_up = log.text.count("/api/analyze 400")
    # Together more than are let in at once.
    for _ in range(2):
        for _ in range(40):
            connect(server, photo[:1000], len(photo)).close()
        given_up += 40
        assert wait_for(lambda: log.text.count("/api/analyze 400") == given_up)  # noqa: B023
    assert ask(server, "POST", f"{BASE}/api/analyze", photo)[0] == 200
    assert "Traceback" not in log.text


def test_slow_uploads_keep_nobody_waiting(served, photo):
    server, _ = served
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connect(server, photo[:1000], len(photo))) for _ in range(20)]
        began = time.monotonic()
        assert ask(server, "POST", f"{BASE}/api/analyze", photo)[0] == 200
        assert time.monotonic() - began < BODY_SECONDS / 2
        slow[0].sendall(photo[1000:])
        assert slow[0].recv(100).startswith(b"HTTP/1.1 200")


@pytest.fixture
def page(served: tuple[Server, Log], browser: Browser) -> Iterator[Page]:
    """The page on the API, opened by its own address."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{served[0].url}/api")
    expect(page.get_by_role("heading", name="Use it from a program")).to_be_visible()
    yield page
    expect(page.get_by_test_id("stException")).to_have_count(0)
    context.close()


def with_a_photo(page: Page, photo: bytes) -> None:
    """Put a field for files on the page, with a photo in it."""
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('input'), {type: 'file'}))"
    )
    file = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo}
    page.locator("body > input[type=file]").set_input_files(file)


def test_the_page_shows_examples_that_work_from_it(served, page, photo):
    server, _ = served
    *_, javascript = examples(f"{server.url}/api", DEFAULT_PAIR[-1])
    page.get_by_role("tab", name="JavaScript").click()
    shown = page.get_by_role("tabpanel").filter(visible=True).get_by_test_id("stCode")
    expect(shown).to_contain_text(javascript.code.splitlines()[1])
    expect(page.get_by_role("link", name="openapi.json")).to_have_attribute(
        "href", f"{server.url}/api/openapi.json"
    )
    with_a_photo(page, photo)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.evaluate(f"(async () => {{ {javascript.code} }})()")
    assert len(said) == 1
    assert "happy" in said[0]


def test_a_page_of_another_site_gets_nothing(served, page, photo):
    """For a browser, localhost and 127.0.0.1 are two sites."""
    server, log = served
    page.goto(server.url.replace("127.0.0.1", "localhost") + "/_stcore/health")
    before = log.text.count("/api/analyze 403")
    send = """async ([address, mode]) => {
        try { return (await fetch(address, { method: "POST", body: "x", mode })).type }
        catch { return "refused" }
    }"""
    # What a form of that page could send as well reaches the server and is refused there.
    assert page.evaluate(send, [f"{server.url}/api/analyze", "no-cors"]) == "opaque"
    assert page.evaluate(send, [f"{server.url}/api/analyze", "cors"]) == "refused"
    assert wait_for(lambda: log.text.count("/api/analyze 403") == before + 2)
    page.goto(f"{server.url}/api")
