"""What a server says and whom it asks while it is visited: no names, no pixels, and nobody."""

import base64
import contextlib
import io
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Server, running_server

pytestmark = pytest.mark.browser

TELLING = "anna-at-the-clinic"
ATTEMPT = "ATTEMPT TO CONNECT TO"
#: Python starts with it: whatever would leave the machine is said and fails.
SITECUSTOMIZE = f'''
import ipaddress, os, socket

def guarded(method):
    def guard(self, *arguments):
        address = next((a for a in arguments if isinstance(a, tuple)), None)
        if address and self.family in (socket.AF_INET, socket.AF_INET6):
            if not ipaddress.ip_address(address[0]).is_loopback:
                os.write(2, f"{ATTEMPT} {{address}}\\n".encode())
                raise OSError("this test lets nothing out")
        return method(self, *arguments)
    return guard

for name in ("connect", "connect_ex", "sendto", "sendmsg"):
    setattr(socket.socket, name, guarded(getattr(socket.socket, name)))

look_up = socket.getaddrinfo

def local_only(host, *arguments, **options):
    if host not in (None, "", "localhost", b"localhost", "127.0.0.1", "::1", "0.0.0.0", "::"):
        os.write(2, f"{ATTEMPT} {{host}}\\n".encode())
        raise socket.gaierror("this test looks nothing up")
    return look_up(host, *arguments, **options)

socket.getaddrinfo = local_only
'''


@dataclass
class Log:
    """What a server printed so far."""

    chunks: list[bytes] = field(default_factory=list)

    @property
    def text(self) -> str:
        return b"".join(self.chunks).decode(errors="replace")


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Log]]:
    """A server at every address of this machine, whose output is kept and whose connections fail."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE)
    log, (reading, writing) = Log(), os.pipe()

    def keep() -> None:
        while chunk := os.read(reading, 65536):
            log.chunks.append(chunk)

    reader = threading.Thread(target=keep, daemon=True)
    reader.start()
    options = ("--server.address=0.0.0.0", "--logger.level=debug")
    try:
        with running_server(
            tmp_path_factory, *options, output=writing, environment={"PYTHONPATH": str(folder)}
        ) as server:
            yield server, log
    finally:
        os.close(writing)
        reader.join(10)
        os.close(reading)


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
        page.get_by_role("button", name="CSV", exact=True).click()
    look_at_all_pages(page)
    context.close()
    return watched


def look_at_all_pages(page: Page) -> None:
    for name in ("Landmarks", "Compare", "Evaluation", "Studies", "Models"):
        page.get_by_test_id("stSidebarNavLink").filter(has_text=name).click()
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
    first = astronaut[0, :3].ravel()
    assert str(first)[1:-1] not in said
    photo = io.BytesIO()
    Image.fromarray(astronaut).save(photo, "JPEG")
    assert base64.b64encode(photo.getvalue()[:60]).decode() not in said
    assert max(map(len, said.splitlines())) < 2_000


def test_a_visit_makes_the_server_ask_nobody(visited: tuple[Server, Log]):
    assert ATTEMPT not in visited[1].text


def test_a_page_from_elsewhere_is_refused_without_asking_anybody(visited: tuple[Server, Log]):
    server, log = visited
    began = time.monotonic()
    assert handshake(server, "http://elsewhere.example").startswith("HTTP/1.1 403")
    assert time.monotonic() - began < 1
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
