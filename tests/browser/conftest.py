"""A real server that the kernel keeps from writing, and a real Chromium with a fake camera."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    FrameLocator,
    Page,
    expect,
    sync_playwright,
)

from tests.conftest import PROJECT, THREADS

START_SECONDS = 60
#: The first photo of a fresh server also loads the models.
EXPECT_MS = 30_000
CAMERA_HW = (480, 640)
# Of linux/prctl.h and linux/capability.h.
_DROP_CAPABILITY, _RAISE_PRIORITY = 24, 23


@dataclass(frozen=True, slots=True)
class Server:
    """A running app, with every place where a program may leave files by habit."""

    url: str
    folders: tuple[Path, ...]
    process: subprocess.Popen[bytes]


def unable_to_write(command: list[str]) -> list[str]:
    """Return the command so that every write to any file fails, also to one without a name.

    Pipes, sockets and devices still work.
    """
    return ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *command]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that many visitors of these tests share."""
    with running_server(tmp_path_factory) as server:
        yield server


@contextmanager
def running_server(
    tmp_path_factory: pytest.TempPathFactory,
    *options: str,
    output: int = subprocess.DEVNULL,
    environment: Mapping[str, str] | None = None,
    port: int | None = None,
    path: str = "",
    may_write: bool = False,
) -> Iterator[Server]:
    """Run the app as README says, but from an empty folder and unable to write a byte.

    Args:
        tmp_path_factory: makes the folders.
        options: of `streamlit run`, after ours.
        output: where all that it prints goes.
        environment: variables beside ours.
        port: where it listens; by default one that is free.
        path: "/of/the/app" under which it is served.
        may_write: whether it is able to write after all.
    """
    folders = {name: tmp_path_factory.mktemp(name) for name in ("home", "tmp", "cwd")}
    if port is None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(PROJECT / "app.py")]
    command += ["--server.headless=true", "--server.address=127.0.0.1", f"--server.port={port}"]
    command += [f"--server.baseUrlPath={path}", *options]
    # As many threads as it has where it serves.
    usual = {name: value for name, value in os.environ.items() if name not in THREADS}
    variables = usual | {
        "HOME": str(folders["home"]),
        "TMPDIR": str(folders["tmp"]),
        "PYTHONDONTWRITEBYTECODE": "1",
        **(environment or {}),
    }
    if models := os.environ.get("FER_MODELS"):
        variables["FER_MODELS"] = str(Path(models).resolve())
    process = subprocess.Popen(
        command if may_write else unable_to_write(command),
        cwd=folders["cwd"],
        env=variables,
        stdout=output,
        stderr=output,
    )
    url = f"http://127.0.0.1:{port}{path}"
    try:
        wait_until_healthy(url, process)
        yield Server(url, tuple(folders.values()), process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


@contextmanager
def visit(browser: Browser, server: Server) -> Iterator[Page]:
    """Give a page of a visitor of their own, on which no traceback may appear."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(server.url)
    yield page
    expect(page.get_by_test_id("stException")).to_have_count(0)
    context.close()


def expect_idle(page: Page) -> None:
    """Wait until the page is drawn and nothing is left of the page before."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def start_camera(page: Page | FrameLocator) -> None:
    """Click the button of *Live* when the page's script listens to it: before, a click is lost."""
    expect(page.locator(".stage .message")).to_contain_text("The camera is off.")
    page.get_by_role("button", name="Start the camera").click()


def wait_until_healthy(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the server stopped with exit code {process.returncode}")
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the server did not answer within {START_SECONDS} s")


def chromium_executable() -> str:
    """Return the path of this machine's Chromium; skip the test without."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    return executable


def camera_showing(video: Path) -> list[str]:
    """Return what gives Chromium a camera that shows a file of `y4m` and asks for no permission."""
    return [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
    ]


def rights() -> list[str]:
    """Return what Chromium must be told to start as this user."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []


def forbid_higher_priority() -> None:
    """Keep programs that this thread starts from raising their priority, which root may.

    Chromium does so for what draws, which computes all the time without a graphics card: the servers and the
    other tests would get a small part of the cores.
    """
    ctypes.CDLL(None).prctl(_DROP_CAPABILITY, _RAISE_PRIORITY, 0, 0, 0)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray) -> Iterator[Browser]:
    """Chromium whose camera shows the example photo and asks for no permission."""
    video = tmp_path_factory.mktemp("camera") / "astronaut.y4m"
    video.write_bytes(y4m(astronaut))
    arguments = camera_showing(video)
    expect.set_options(timeout=EXPECT_MS)
    forbid_higher_priority()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_executable(), args=[*arguments, *rights()]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def warm_context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that keeps the app's scripts, which a fresh one compiles anew."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture
def tab(warm_context: BrowserContext) -> Iterator[Page]:
    """An empty tab, without cookies and what pages stored before."""
    warm_context.clear_cookies()
    page = warm_context.new_page()
    page.add_init_script(
        "if (!sessionStorage.kept) { localStorage.clear(); sessionStorage.kept = 1; }"
    )
    yield page
    page.close()


@pytest.fixture
def page(tab: Page, server: Server) -> Page:
    """The app in a new tab."""
    tab.goto(server.url)
    return tab


def y4m(*images_rgb: np.ndarray, rate: int = 10) -> bytes:
    """Return a video in the one form that Chromium's fake camera reads: YUV4MPEG2 in yuv420p.

    Args:
        images_rgb: the frames; one alone makes a still video.
        rate: frames a second.
    """
    height, width = CAMERA_HW
    side = min(height, width)
    content = f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420mpeg2\n".encode()
    for image_rgb in images_rgb if len(images_rgb) > 1 else 2 * images_rgb:
        frame = image_rgb
        if image_rgb.shape[:2] != CAMERA_HW:
            frame = np.zeros((height, width, 3), np.uint8)
            left = (width - side) // 2
            frame[:, left : left + side] = cv2.resize(
                image_rgb, (side, side), interpolation=cv2.INTER_AREA
            )
        content += b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes()
    return content
