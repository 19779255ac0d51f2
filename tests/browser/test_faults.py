"""A real server under which something breaks: what a visitor sees, and what comes back by itself.

What needs no browser, and so is tested faster, is in tests/pages/test_faults.py.
"""

import contextlib
import io
import json
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect

from fer_core.networks.bundles import SERVING_FILE, SPEC_FILE
from tests.browser.conftest import expect_idle, running_server, visit
from tests.conftest import PROJECT, png
from tests.hub_server import HubServer, running_hub

pytestmark = pytest.mark.browser

REPO = "somebody/faces"
HOUR = 3600
#: Python starts with it: the clock that programs read goes wrong by as many seconds as a file says. The one
#: that measures how long things take goes on, as the kernel's does when a clock is set.
WRONG_CLOCK = """
import os, time

right, right_ns = time.time, time.time_ns

def wrong_by():
    with open(os.environ["CLOCK_IS_WRONG_BY"]) as file:
        return int(file.read() or 0)

time.time = lambda: right() + wrong_by()
time.time_ns = lambda: right_ns() + wrong_by() * 10**9
"""
#: Python starts with it: a failed pull is tried again at once.
IMPATIENT = """
import sys, threading, time

def set_it():
    while not hasattr(sys.modules.get("fer_core.networks.hub"), "RETRY_SECONDS"):
        time.sleep(0.01)
    sys.modules["fer_core.networks.hub"].RETRY_SECONDS = 0.0

threading.Thread(target=set_it, daemon=True).start()
"""
#: What the process may take beside what it has: enough for a small photo, not for 48 megapixels.
SPARE_BYTES = 100 * 1024 * 1024


def try_example(page: Page) -> None:
    page.get_by_role("button", name="Astronaut", exact=True).click()
    expect_answer(page, "astronaut.png")


def upload(page: Page, name: str, content: bytes) -> None:
    # While the page is drawn, its uploader is there twice.
    expect_idle(page)
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": content}
    )


def expect_answer(page: Page, name: str) -> None:
    expect(page.get_by_alt_text(f"{name} with 1 face marked")).to_be_visible()
    # The last to come; while the page is drawn, it can be there twice.
    bars = page.get_by_role("group", name="Probability of each expression for face 1")
    expect(bars.first).to_be_visible()


def predictions_on(page: Page) -> Locator:
    """The titles above the bars, one of each network that answers."""
    return page.locator(".fer-key span")


def interact(page: Page) -> None:
    """Do what makes the server draw the page again, and wait until it did."""
    # While the page is drawn, what moves is there twice.
    expect_idle(page)
    page.get_by_text("Show the 478 landmarks of each face").click()
    expect_idle(page)


def expect_disconnected(page: Page) -> None:
    expect(page.get_by_test_id("stStatusWidget")).to_contain_text("Connecting", ignore_case=True)


def alert(page: Page) -> Locator:
    return page.get_by_test_id("stAlert")


def origins(page: Page) -> Locator:
    """The place that says which weights answer, where these are not the embedded ones."""
    return page.locator(".st-key-weights")


def sitecustomize(folder: Path, program: str) -> dict[str, str]:
    (folder / "sitecustomize.py").write_text(program)
    return {"PYTHONPATH": str(folder)}


# The server


@pytest.mark.slow
@pytest.mark.release
def test_a_killed_server_is_found_again_and_photos_are_asked_for(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, astronaut_png: bytes
):
    """The page outlives the server, and says what it lost at the next click; it needs no reload."""
    with running_server(tmp_path_factory) as server, visit(browser, server) as page:
        upload(page, "before.png", astronaut_png)
        expect_answer(page, "before.png")
        server.process.kill()
        server.process.wait(10)
        expect_disconnected(page)
        # What was answered stays to be read.
        expect(page.get_by_alt_text("before.png with 1 face marked")).to_be_visible()
        port = int(server.url.rpartition(":")[2])
        with running_server(tmp_path_factory, port=port):
            expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
            # A file of what is gone cannot be made, and says so; the next click draws the page again.
            page.get_by_role("button", name="CSV", exact=True).click()
            expect(page.get_by_test_id("stDownloadButtonError")).to_be_visible()
            page.get_by_text("Show the 478 landmarks").click()
            expect(alert(page)).to_contain_text("those that you gave are gone")
            expect(page.get_by_text("before.png")).to_have_count(0)
            upload(page, "after.png", astronaut_png)
            expect_answer(page, "after.png")
            expect(alert(page)).to_have_count(0)


@pytest.mark.release
@pytest.mark.slow
@pytest.mark.parametrize("away", ["shortly", "too long"])
def test_a_lost_connection_keeps_the_photo_for_a_while(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, astronaut_png: bytes, away: str
):
    seconds = 60 if away == "shortly" else 1
    with running_server(tmp_path_factory, f"--server.disconnectedSessionTTL={seconds}") as server:
        context = browser.new_context()
        page = context.new_page()
        open_routes: list[WebSocketRoute] = []
        is_cut = False

        def connect(route: WebSocketRoute) -> None:
            if is_cut:
                route.close()
            else:
                route.connect_to_server()
                open_routes.append(route)

        page.route_web_socket("**/_stcore/stream", connect)
        page.goto(server.url)
        upload(page, "kept.png", astronaut_png)
        expect_answer(page, "kept.png")
        is_cut = True
        open_routes.pop().close()
        expect_disconnected(page)
        # Longer than the shorter time for coming back.
        page.wait_for_timeout(2_000)
        is_cut = False
        expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
        interact(page)
        if away == "shortly":
            expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
            expect(alert(page)).to_have_count(0)
            expect_answer(page, "kept.png")
        else:
            expect(alert(page)).to_contain_text("those that you gave are gone")
            expect(page.get_by_text("kept.png")).to_have_count(0)
        context.close()


# The disk, and the Hub


def publish(hub: HubServer) -> str:
    """Put the shipped `cnn_photos` on a Hub and return what the settings call it."""
    folder = PROJECT / "models" / "cnn_photos"
    files = {name: (folder / name).read_bytes() for name in (SPEC_FILE, SERVING_FILE)}
    return f"{REPO}@{hub.add(REPO, files)}"


def from_hub(hub: HubServer, wanted: str) -> dict[str, str]:
    return {
        "FER_HUB_REPO_CNN_PHOTOS": wanted,
        "HF_ENDPOINT": hub.url,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }


@pytest.mark.slow
def test_weights_that_no_disk_takes_are_told_and_others_answer(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
):
    with (
        running_hub() as hub,
        running_server(tmp_path_factory, environment=from_hub(hub, publish(hub))) as server,
        visit(browser, server) as page,
    ):
        try_example(page)
        expect(origins(page)).to_contain_text("The local weights are used for cnn_photos")
        expect(origins(page)).to_contain_text("File too large. Make room there")


@pytest.mark.release
@pytest.mark.slow
def test_a_disk_that_is_full_and_gets_room_and_may_then_only_be_read(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
):
    cache = tmp_path / "cache"
    with (
        small_disk(cache, "100k"),
        running_hub() as hub,
        running_server(
            tmp_path_factory,
            environment=from_hub(hub, publish(hub))
            | {"HF_HUB_CACHE": str(cache)}
            | sitecustomize(tmp_path, IMPATIENT),
            may_write=True,
        ) as server,
        visit(browser, server) as page,
    ):
        try_example(page)
        expect(origins(page)).to_contain_text("No space left on device. Make room there")
        subprocess.run(["mount", "-o", "remount,size=64m", cache], check=True)
        interact(page)
        expect(origins(page)).to_contain_text("cnn_photos is from the Hub")
        expect_answer(page, "astronaut.png")
        subprocess.run(["mount", "-o", "remount,ro", cache], check=True)
        with visit(browser, server) as other:
            try_example(other)
            expect(origins(other)).to_contain_text("cnn_photos is from the Hub")


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """Mount a file system of its own, in memory."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("only root may mount a small disk, and not in every container")
    try:
        yield
    finally:
        # Detached at once, as the server still has it open.
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.release
@pytest.mark.slow
def test_what_came_from_the_hub_answers_without_it_after_a_restart_as_well(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
):
    with running_hub() as hub:
        environment = from_hub(hub, publish(hub)) | {"HF_HUB_CACHE": str(tmp_path / "cache")}
        with (
            running_server(tmp_path_factory, environment=environment, may_write=True) as server,
            visit(browser, server) as page,
        ):
            try_example(page)
            expect(origins(page)).to_contain_text("cnn_photos is from the Hub")
            hub.shutdown()
            hub.server_close()
            interact(page)
            expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
            expect(origins(page)).to_contain_text("cnn_photos is from the Hub")
        with (
            running_server(tmp_path_factory, environment=environment) as server,
            visit(browser, server) as page,
        ):
            try_example(page)
            expect(origins(page)).to_contain_text("cnn_photos is from the Hub")


# Files of the networks


@pytest.mark.slow
def test_a_network_that_is_copied_over_another_answers_once_it_is_whole(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
):
    """Its specification comes first and its weights in two halves, as `cp` and `rsync` do it."""
    for name in ("cnn", "dual"):
        (tmp_path / name).mkdir()
        for file in (SPEC_FILE, SERVING_FILE):
            shutil.copy(PROJECT / "models" / name / file, tmp_path / name)
    new = PROJECT / "models" / "landmarks_only"
    content = (new / SERVING_FILE).read_bytes()
    (weights,) = json.loads((new / SPEC_FILE).read_text())["sha256"].keys() & {SERVING_FILE}
    environment = {"FER_MODELS": str(tmp_path)}
    with (
        running_server(tmp_path_factory, environment=environment) as server,
        visit(browser, server) as page,
    ):
        try_example(page)
        expect(predictions_on(page)).to_have_count(2)
        (tmp_path / "dual" / weights).unlink()
        interact(page)
        expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
        expect(alert(page)).to_have_count(0)
        shutil.copy(new / SPEC_FILE, tmp_path / "dual")
        (tmp_path / "dual" / weights).write_bytes(content[: len(content) // 2])
        interact(page)
        expect(alert(page)).to_contain_text("One of the networks cannot be loaded")
        expect(predictions_on(page)).to_have_count(1)
        (tmp_path / "dual" / weights).write_bytes(content)
        interact(page)
        expect(predictions_on(page)).to_have_count(2)
        expect(alert(page)).to_have_count(0)
        page.get_by_test_id("stSidebarNav").get_by_role("link", name="About").click()
        expect(page.get_by_test_id("stMain")).to_contain_text("Landmarks alone (FER2013)")


# The clock


@pytest.mark.slow
@pytest.mark.release
def test_a_clock_that_is_set_changes_nothing(
    browser: Browser,
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    astronaut_png: bytes,
):
    clock = tmp_path / "clock"
    clock.write_text("0")
    environment = sitecustomize(tmp_path, WRONG_CLOCK) | {"CLOCK_IS_WRONG_BY": str(clock)}
    with (
        running_server(tmp_path_factory, environment=environment) as server,
        visit(browser, server) as page,
    ):
        upload(page, "now.png", astronaut_png)
        expect_answer(page, "now.png")
        for hours in (-6, 24 * 365):
            clock.write_text(str(hours * HOUR))
            interact(page)
            expect_answer(page, "now.png")
            # With the token that this page got before the clock was set, and one of after.
            upload(page, f"later{hours}.png", astronaut_png)
            expect(page.get_by_alt_text(f"Thumbnail of later{hours}.png")).to_be_visible()
            with visit(browser, server) as other:
                upload(other, f"{hours}.png", astronaut_png)
                expect_answer(other, f"{hours}.png")


# Memory


@pytest.mark.slow
def test_a_photo_for_which_memory_is_short_is_told_and_the_next_is_answered(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray
):
    """The kernel refuses the process more memory, as it does where a limit on it is set."""
    # Among much grey: enlarged as a whole, the portrait would show more faces than it has.
    canvas = Image.new("RGB", (6900, 6900), "grey")
    canvas.paste(Image.fromarray(astronaut).resize((2048, 2048)), (2400, 2400))
    large = io.BytesIO()
    canvas.save(large, "PNG", compress_level=1)
    with running_server(tmp_path_factory) as server, visit(browser, server) as page:
        try_example(page)
        process = server.process.pid
        status = Path(f"/proc/{process}/status").read_text()
        (size,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmSize")]
        most = int(size) * 1024 + SPARE_BYTES
        before = resource.prlimit(process, resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
        upload(page, "large.png", large.getvalue())
        expect(alert(page)).to_contain_text("There was not enough memory")
        upload(page, "small.png", png(astronaut))
        expect_answer(page, "small.png")
        expect(alert(page)).to_have_count(0)
        resource.prlimit(process, resource.RLIMIT_AS, before)
        upload(page, "large.png", large.getvalue())
        expect_answer(page, "large.png")
        assert server.process.poll() is None
