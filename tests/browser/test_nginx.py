"""The app behind nginx as docs/nginx.conf sets it up: two servers, encrypted, nothing on nginx's disk."""

import io
import re
import shutil
import socket
import ssl
import subprocess
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.browser.conftest import running_server, start_camera
from tests.conftest import PROJECT

CONFIGURATION = (PROJECT / "docs" / "nginx.conf").read_text(encoding="utf-8")
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
START_SECONDS = 10
VISITS = 4


def test_the_limit_of_uploads_is_the_servers():
    config = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text())
    (limit,) = re.findall(r"client_max_body_size (\d+)m;", CONFIGURATION)
    assert int(limit) == config["server"]["maxUploadSize"]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def replaced(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in text, f"docs/nginx.conf has no {old!r}"
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app's address behind nginx, which may write its own process's number to a file and no more."""
    if NGINX is None or shutil.which("openssl") is None:
        pytest.skip(
            "no nginx or no openssl on this machine; on Debian: apt-get install nginx-light"
        )
    folder = tmp_path_factory.mktemp("nginx")
    certificate = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    certificate += ["-subj", "/CN=localhost", "-keyout", "privkey.pem", "-out", "fullchain.pem"]
    subprocess.run(certificate, cwd=folder, check=True, capture_output=True)
    plain, encrypted = free_port(), free_port()
    with running_server(tmp_path_factory) as first, running_server(tmp_path_factory) as second:
        site = replaced(
            CONFIGURATION,
            ("server 127.0.0.1:8501;", f"server {first.url.removeprefix('http://')};"),
            ("# server 127.0.0.1:8502;", f"server {second.url.removeprefix('http://')};"),
            ("listen 80;", f"listen 127.0.0.1:{plain};"),
            ("listen 443 ssl;", f"listen 127.0.0.1:{encrypted} ssl;"),
            ("/etc/ssl/second-look/", f"{folder}/"),
            ("second-look.example", "localhost"),
            ("/var/log/nginx/error.log", "stderr"),
        )
        temporary = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "".join(f"{name}_temp_path {folder}/{name};\n" for name in temporary)
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log stderr;\nevents {{}}\nhttp {{\n{paths}{site}}}\n"
        )
        # One block of 512 bytes.
        limited = ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh"]
        command = [*limited, NGINX, "-e", "stderr", "-c", str(folder / "nginx.conf")]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            wait_until_open(process, encrypted)
            yield f"https://localhost:{encrypted}"
        finally:
            process.terminate()
            process.wait(10)


def test_no_visitor_is_in_a_log(tmp_path: Path):
    """An nginx that logs as Debian's does, with nothing behind it, so that requests fail as well."""
    if NGINX is None:
        pytest.skip("no nginx on this machine; on Debian: apt-get install nginx-light")
    plain, other, closed = free_port(), free_port(), free_port()
    access, errors = tmp_path / "access.log", tmp_path / "error.log"
    site = replaced(
        re.sub(r"    ssl_.*\n", "", CONFIGURATION),
        ("server 127.0.0.1:8501;", f"server 127.0.0.1:{closed};"),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{other};"),
        ("/var/log/nginx/error.log", str(errors)),
    )
    temporary = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{name}_temp_path {tmp_path}/{name};\n" for name in temporary)
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; error_log {errors};\nevents {{}}\n"
        f"http {{\naccess_log {access};\n{paths}{site}}}\n"
    )
    command = [NGINX, "-e", str(errors), "-c", str(tmp_path / "nginx.conf")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        wait_until_open(process, plain)
        assert status_of(f"http://127.0.0.1:{plain}/?telling", follow=False) == 301
        assert status_of(f"http://127.0.0.1:{other}/?telling") == 502
        too_large = bytes(51 * 1024 * 1024)
        assert status_of(f"http://127.0.0.1:{other}/?telling", data=too_large) in (413, None)
    finally:
        process.terminate()
        process.wait(10)
    assert access.read_text() == ""
    assert "telling" not in errors.read_text()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def status_of(url: str, *, data: bytes | None = None, follow: bool = True) -> int | None:
    """Return the status of a response; None if the server closed the connection before."""
    handlers = [] if follow else [_Stay()]
    try:
        with urllib.request.build_opener(*handlers).open(url, data) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def wait_until_open(process: subprocess.Popen[str], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"nginx stopped: {process.stderr.read()}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail("nginx did not start")


@pytest.mark.slow
@pytest.mark.release
@pytest.mark.browser
def test_visits_to_several_servers_stay_with_theirs(
    browser: Browser, address: str, astronaut: np.ndarray
):
    """Each visit opens a connection, and sends its photo over another, to the same server."""
    large = io.BytesIO()
    Image.fromarray(astronaut).resize((1024, 1024)).save(large, "PNG", compress_level=0)
    for visit in range(VISITS):
        context = browser.new_context(ignore_https_errors=True)
        page = context.new_page()
        page.goto(address)
        page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
            {"name": f"{visit}.png", "mimeType": "image/png", "buffer": large.getvalue()}
        )
        expect(page.get_by_alt_text(f"{visit}.png with 1 face marked")).to_be_visible()
        with page.expect_download() as download:
            page.get_by_role("button", name="Annotated photo", exact=True).click()
        assert Image.open(Path(download.value.path())).size == (1024, 1024)
        context.close()


@pytest.mark.slow
@pytest.mark.browser
def test_the_live_camera_reaches_the_server_of_its_visit(browser: Browser, address: str):
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    page.goto(f"{address}/live")
    start_camera(page)
    expect(page.locator(".network .expression").last).to_contain_text("Happy")
    context.close()


@pytest.mark.slow
def test_answers_carry_the_headers_and_large_uploads_are_refused(address: str):
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with urllib.request.urlopen(address, context=trusting) as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'self'"
        assert "camera=(self)" in answer.headers["Permissions-Policy"]
    upload = urllib.request.Request(
        f"{address}/_stcore/upload_file/session/file", data=bytes(51 * 1024 * 1024), method="PUT"
    )
    with pytest.raises((urllib.error.HTTPError, OSError)) as refused:
        urllib.request.urlopen(upload, context=trusting)
    if isinstance(refused.value, urllib.error.HTTPError):
        assert refused.value.code == 413
