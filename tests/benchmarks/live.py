"""The live camera: frames a second in a real browser, how late answers are, and where a frame's time goes.

python -m tests.benchmarks.live [--seconds 15] [--visits 1 4] [--frames 150]

Starts the app as README does, opens the Live page in Chromium, whose camera shows one face of 640x480 that
sways at 30 frames a second, and reads what the page says of itself: answers a second, and the time from a
picture to its drawn answer. Browser and server share the machine. Then the stages of a frame one by one,
without browser and network. Processor time counts all threads: where a machine has other work it tells more
than the clock.
"""

import argparse
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import psutil
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from fer_core.faces.crops import face_inputs
from fer_core.live.session import LiveCamera
from fer_core.networks.bundles import opinions, resolve
from fer_core.networks.classifier import Classifier
from fer_core.photos.decode import decode
from pages.server.live.route import decode_frame, face_record
from tests.benchmarks.load import server
from tests.benchmarks.measuring import median_seconds, one_face_photo, print_table
from tests.browser.conftest import chromium_executable, rights, y4m

#: What the browser's own encoder makes of a frame on the first step of `1_sender.js`.
QUALITY: Final = 80
WARM_UP_SECONDS: Final = 5.0
AIMS: Final = {1: "20 a second, 100 ms", 4: "4 a second each"}


def main(seconds: float, visits: list[int], frames: int) -> None:
    """Measure and print."""
    pictures = _swaying(decode(one_face_photo()).rgb)
    with server() as (url, process), _chromium(pictures) as browser:
        rows = [_live(url, process, browser, n, seconds) for n in visits]
    print_table(
        f"{seconds:g} seconds of 640x480 with one face, {', '.join(opinions())}",
        (
            "visits",
            "answers a second, least of a visit",
            "ms from picture to drawn answer",
            "ms on the server",
            "processor ms of the server a frame",
            "aim",
        ),
        rows,
    )
    _print_stages(pictures, frames)


def _live(
    url: str, process: psutil.Process, browser: Browser, n: int, seconds: float
) -> tuple[str, ...]:
    """Let so many visits be live at once; medians over them and the time."""
    with ExitStack() as stack:
        pages = []
        for _ in range(n):
            context = stack.enter_context(browser.new_context())
            page = context.new_page()
            page.goto(f"{url}/live")
            page.get_by_role("button", name="Start the camera").click()
            page.locator(".figures").filter(has_text="fps").wait_for(timeout=60_000)
            pages.append(page)
        time.sleep(WARM_UP_SECONDS)
        before = [
            page.locator(".live").evaluate("root => root.page.sender.drawn") for page in pages
        ]
        worked, began = _processor_seconds(process), time.perf_counter()
        said = []
        while time.perf_counter() - began < seconds:
            time.sleep(1)
            said += [
                page.locator(".live").evaluate("root => ({...root.dataset})") for page in pages
            ]
        passed = time.perf_counter() - began
        worked = _processor_seconds(process) - worked
        after = [page.locator(".live").evaluate("root => root.page.sender.drawn") for page in pages]
    counts = [b - a for a, b in zip(before, after, strict=True)]
    return (
        str(n),
        f"{min(counts) / passed:.1f}",
        f"{statistics.median(float(look['delay']) for look in said):.0f}",
        f"{statistics.median(float(look['server']) for look in said):.0f}",
        f"{1e3 * worked / sum(counts):.1f}",
        AIMS.get(n, ""),
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
        arguments = [
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-video-capture={video}",
        ]
        browser = playwright.chromium.launch(
            executable_path=chromium_executable(), args=[*arguments, *rights()]
        )
        yield browser
        browser.close()


def _swaying(rgb: np.ndarray) -> list[np.ndarray]:
    """Return pictures whose content moves to and fro, so that following has something to do."""
    return [np.ascontiguousarray(np.roll(rgb, 2 * abs(i - 10), axis=1)) for i in range(20)]


def _print_stages(pictures: list[np.ndarray], frames: int) -> None:
    networks = {name: Classifier(resolve(name)) for name in opinions()}
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
