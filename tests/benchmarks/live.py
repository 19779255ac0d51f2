"""The live camera: frames a second in a real browser, how late answers are, and where a frame's time goes.

python -m tests.benchmarks.live [--seconds 15] [--visits 1 4] [--frames 150]

Starts the app as README does, opens the Live page in Chromium, whose camera shows one face of 640x480 that
sways at 30 frames per second, and reads what the page says of itself: answers per second, and the time from
a picture to its drawn answer. Browser and server share the machine. Then visitors without a browser, who send
a frame when the last one is answered: several browsers that draw without a graphics card would take all of
the machine. Then the stages of a frame one by one, without browser and network. Processor time counts all
threads: where a machine has other work it tells more than the clock.
"""

import argparse
import asyncio
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import psutil
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from fer_core.faces.crops import face_inputs
from fer_core.live.session import LiveCamera
from fer_core.networks.bundles import default_networks, resolve
from fer_core.networks.classifier import Classifier
from fer_core.photos.decode import decode
from pages.server.live.route import decode_frame, face_record
from tests.benchmarks.load import Tally, live, server
from tests.benchmarks.measuring import median_seconds, one_face_photo, print_table
from tests.browser.conftest import camera_showing, chromium_executable, rights, y4m

#: What the browser's own encoder makes of a frame on the first step of `1_sender.js`.
QUALITY: Final = 80
WARM_UP_SECONDS: Final = 5.0


def main(seconds: float, visits: list[int], frames: int) -> None:
    """Measure and print."""
    pictures = _swaying(decode(one_face_photo()).rgb)
    with server() as (url, process):
        with _chromium(pictures) as browser:
            rows = [_in_browser(url, process, browser, seconds)]
        rows += [asyncio.run(_many(url, process, n, seconds)) for n in visits]
    print_table(
        f"{seconds:g} seconds of 640x480 with one face, {', '.join(default_networks())}",
        (
            "visits",
            "answers per second and visit",
            "ms from picture to answer",
            "ms on the server",
            "processor ms of the server per frame",
            "aim",
        ),
        rows,
    )
    _print_stages(pictures, frames)


def _in_browser(
    url: str, process: psutil.Process, browser: Browser, seconds: float
) -> tuple[str, ...]:
    """Let a page be live; medians over the time."""
    page = browser.new_page()
    page.goto(f"{url}/live")
    page.get_by_role("button", name="Start the camera").click()
    page.locator(".figures").filter(has_text="fps").wait_for(timeout=60_000)
    root = page.locator(".live")
    time.sleep(WARM_UP_SECONDS)
    before = root.evaluate("root => root.page.sender.drawn")
    worked, began = _processor_seconds(process), time.perf_counter()
    said = []
    while time.perf_counter() - began < seconds:
        time.sleep(1)
        said.append(root.evaluate("root => ({...root.dataset})"))
    passed = time.perf_counter() - began
    worked = _processor_seconds(process) - worked
    count = root.evaluate("root => root.page.sender.drawn") - before
    page.close()
    return (
        "1 in Chromium, drawn",
        f"{count / passed:.1f}",
        f"{statistics.median(float(look['delay']) for look in said):.0f}",
        f"{statistics.median(float(look['server']) for look in said):.0f}",
        f"{1e3 * worked / count:.1f}",
        "20 per second, 100 ms",
    )


async def _many(url: str, process: psutil.Process, n: int, seconds: float) -> tuple[str, ...]:
    """Let so many visits be live at once, without a browser."""
    frame = one_face_photo()
    await asyncio.gather(*(live(url, frame, time.monotonic() + 2, Tally()) for _ in range(n)))
    tallies = [Tally() for _ in range(n)]
    worked, began = _processor_seconds(process), time.perf_counter()
    until = time.monotonic() + seconds
    await asyncio.gather(*(live(url, frame, until, tally) for tally in tallies))
    passed = time.perf_counter() - began
    worked = _processor_seconds(process) - worked
    assert not any(tally.failed for tally in tallies), tallies[0].failed
    counts = [len(tally.seconds) for tally in tallies]
    waits = [wait for tally in tallies for wait in tally.seconds]
    return (
        str(n),
        f"{min(counts) / passed:.1f}",
        f"{1e3 * statistics.median(waits):.0f}",
        "",
        f"{1e3 * worked / sum(counts):.1f}",
        "4 per second" if n == 4 else "",
    )


def _processor_seconds(process: psutil.Process) -> float:
    used = process.cpu_times()
    return used.user + used.system


@contextmanager
def _chromium(pictures: list[np.ndarray]) -> Iterator[Browser]:
    """Run a browser whose camera shows the pictures again and again."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        video = Path(folder) / "camera.y4m"
        video.write_bytes(y4m(*pictures, rate=30))
        browser = playwright.chromium.launch(
            executable_path=chromium_executable(), args=[*camera_showing(video), *rights()]
        )
        yield browser
        browser.close()


def _swaying(rgb: np.ndarray) -> list[np.ndarray]:
    """Return pictures whose content moves to and fro, so that following has something to do."""
    return [np.ascontiguousarray(np.roll(rgb, 2 * abs(i - 10), axis=1)) for i in range(20)]


def _print_stages(pictures: list[np.ndarray], frames: int) -> None:
    networks = {name: Classifier(resolve(name)) for name in default_networks()}
    camera = LiveCamera(networks)
    contents = [_jpeg(picture) for picture in pictures]
    clock = iter(range(10**6))

    def decoded() -> np.ndarray:
        return decode_frame(contents[next(clock) % len(contents)])

    def found() -> object:
        i = next(clock)
        return camera._find(pictures[i % len(pictures)], 1 + i / 15)

    faces = camera.look(pictures[0], seconds=0.0).faces
    inputs = [face_inputs(pictures[0], face.face) for face in faces]
    stages: dict[str, Callable[[], object]] = {
        "decode": decoded,
        "find and follow": found,
        "crop": lambda: [face_inputs(pictures[0], face.face) for face in faces],
        **{name: (lambda model=model: model.predict(inputs)) for name, model in networks.items()},
        "answer": lambda: json.dumps([face_record(face) for face in faces]),
    }
    rows, total, worked = [], 0.0, 0.0
    for stage, action in stages.items():
        before = time.process_time()
        seconds = median_seconds(action, times=frames, warm_up=5)
        processor = (time.process_time() - before) / (frames + 5)
        total, worked = total + seconds, worked + processor
        rows.append((stage, f"{1e3 * seconds:.2f}", f"{1e3 * processor:.2f}"))
    camera.close()
    print_table(
        f"Stages of a frame with one face; a JPEG of it has {len(contents[0]) / 1000:.0f} KB",
        ("stage", "median ms", "processor ms"),
        [*rows, ("**in all**", f"**{1e3 * total:.2f}**", f"**{1e3 * worked:.2f}**")],
    )


def _jpeg(rgb: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--visits", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--frames", type=int, default=150)
    given = parser.parse_args()
    main(given.seconds, given.visits, given.frames)
