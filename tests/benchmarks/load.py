"""Many visitors at once: does each get the answer to the own photo, how soon, and does memory come back?

python -m tests.benchmarks.load
python -m tests.benchmarks.load --visitors 20 --minutes 1

Starts the app as README does and lets visitors come, who speak the browser's protocol. Each sends photos
of its own, one in five as large as a phone's, waits for the answer, compares the JSON file with what the
same code says of that photo in this process, looks at it for a while, and after some photos leaves for
another to come. They all come in the same second, so the first photos stand in line. Meanwhile some
programs send photos over HTTP, one after the other. Server, visitors and programs share the machine.
"""

import argparse
import asyncio
import io
import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
import numpy as np
import psutil
from PIL import Image, ImageEnhance

from fer_core.analysis import Analyzer
from fer_core.faces.finder import FaceFinder
from fer_core.networks.bundles import default_networks, resolve
from fer_core.networks.classifier import Classifier
from fer_core.photos.decode import decode
from fer_core.records import to_record
from pages.server.live.route import TOKEN_HEADER
from tests.benchmarks.measuring import PROJECT, one_face_photo, print_table
from tests.benchmarks.visits import Visit, VisitError, visit

N_PHOTOS: Final = 60
PHOTOS_A_VISIT: Final = 5
LARGE: Final = (4032, 3024)
#: A session is kept for two minutes for who lost the network, and looked for four times a minute.
SECONDS_UNTIL_FORGOTTEN: Final = 150
AIM_MEMORY: Final = 1.15
#: Seconds on average between two photos of a program.
PROGRAMS_THINK: Final = 1.0


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo to send, and what its answer must be."""

    content: bytes
    record: dict[str, Any]


@dataclass(slots=True)
class Tally:
    """What the visitors met.

    Attributes:
        seconds: from a photo's first byte until its page was drawn, of each answer.
        told_to_wait: of how many photos a visitor was told a place in the line.
        turned_away: how often a program was told to ask again later.
        mixed_up: answers that were not that photo's.
        failed: what went wrong, in words.
        visits: that were begun.
    """

    seconds: list[float] = field(default_factory=list)
    told_to_wait: int = 0
    turned_away: int = 0
    mixed_up: int = 0
    failed: list[str] = field(default_factory=list)
    visits: int = 0


def make_photos(rng: np.random.Generator) -> list[Photo]:
    """Return photos of one to three faces, no two with the same places of faces."""
    from skimage import data

    portrait = Image.fromarray(data.astronaut()[:300, 60:360])
    analyzer = Analyzer(
        FaceFinder(), {name: Classifier(resolve(name)) for name in default_networks()}
    )
    photos = []
    for number in range(N_PHOTOS):
        width, height = LARGE if number % 5 == 0 else (int(rng.integers(800, 1600)), 900)
        canvas = Image.new("RGB", (width, height), tuple(int(v) for v in rng.integers(60, 200, 3)))
        for column in range(number % 3 + 1):
            side = int(rng.integers(220, 260)) * height // 900
            left, top = column * width // 3, int(rng.integers(0, height - side))
            face = ImageEnhance.Brightness(portrait.resize((side, side)))
            canvas.paste(face.enhance(rng.uniform(0.7, 1.1)), (left, top))
        file = io.BytesIO()
        canvas.save(file, "JPEG", quality=90)
        record = to_record("", analyzer.analyze(decode(file.getvalue())))
        photos.append(Photo(file.getvalue(), json.loads(json.dumps(record))))
    places = {json.dumps(photo.record["faces"]) for photo in photos}
    assert len(places) == N_PHOTOS, "two photos have the same answer"
    return photos


@contextmanager
def server(app: Path = PROJECT / "app.py") -> Iterator[tuple[str, psutil.Process]]:
    """Run an app, ours unless another is named; give its address and process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(app)]
    command += ["--server.headless=true", "--server.address=127.0.0.1", f"--server.port={port}"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            while process.poll() is None:
                with suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health"):
                    break
                time.sleep(0.1)
            yield url, psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(20)
            log.seek(0)
            said = [line for line in log.read().decode().splitlines() if "Traceback" in line]
            if said:
                sys.exit(f"The server printed {len(said)} tracebacks.")


async def send(page: Visit, photo: Photo, name: str, tally: Tally) -> None:
    """Send a photo, wait for its answer and compare."""
    told = False

    def look(delta: Any) -> None:
        nonlocal told
        told = told or any(words in str(delta) for words in ("ahead of yours", "is next"))

    page.seen = look
    began = time.perf_counter()
    await page.upload(name, photo.content)
    seconds = time.perf_counter() - began
    if problems := [alert.body for alert in page.of_kind("alert") if alert.format in (1, 2)]:
        raise VisitError(problems[0])
    tally.seconds.append(seconds)
    tally.told_to_wait += told
    # One for each photo of the visit.
    records = {record["path"]: record for record in json.loads(await page.download("JSON"))}
    tally.mixed_up += not (name in records and is_of(photo, records[name]))


def is_of(photo: Photo, record: dict[str, Any]) -> bool:
    """Return whether an answer is that photo's."""
    without = {"path", "seconds"}
    return {k: v for k, v in record.items() if k not in without} == {
        k: v for k, v in photo.record.items() if k not in without
    }


async def visitor(
    number: int, url: str, photos: list[Photo], until: float, think: float, tally: Tally
) -> None:
    """Come, send photos, leave, come again, until the time is over."""
    chance = random.Random(number)
    while time.monotonic() < until:
        tally.visits += 1
        try:
            async with visit(url) as page:
                for turn in range(PHOTOS_A_VISIT):
                    photo = chance.choice(photos)
                    await send(page, photo, f"visitor{number}_{tally.visits}_{turn}.jpg", tally)
                    await asyncio.sleep(chance.expovariate(1 / think))
                    if time.monotonic() > until:
                        break
        except Exception as error:  # whatever it is counts against the server
            tally.failed.append(f"{type(error).__name__}: {error}")


async def program(
    number: int, url: str, photos: list[Photo], until: float, think: float, tally: Tally
) -> None:
    """Send photos over HTTP until the time is over; where the server says so, ask again later."""
    chance = random.Random(f"program {number}")
    async with httpx2.AsyncClient(timeout=120) as client:
        while time.monotonic() < until:
            photo = chance.choice(photos)
            began = time.perf_counter()
            try:
                answered = await client.post(f"{url}/api/analyze", content=photo.content)
                if later := answered.headers.get("Retry-After"):
                    tally.turned_away += 1
                    await asyncio.sleep(int(later))
                    continue
                answered.raise_for_status()
                tally.seconds.append(time.perf_counter() - began)
                tally.mixed_up += not is_of(photo, answered.json())
            except Exception as error:  # whatever it is counts against the server
                tally.failed.append(f"over HTTP, {type(error).__name__}: {error}")
            await asyncio.sleep(chance.expovariate(1 / think))


async def live(url: str, frame: bytes, until: float, tally: Tally) -> None:
    """Be on the Live page until the time is over: one frame under way, the next after its answer."""
    try:
        async with visit(url) as page:
            await page.open("live")
            told = [
                c.json for c in page.of_kind("bidi_component") if c.component_name == "live_camera"
            ]
            headers = {TOKEN_HEADER: json.loads(told[0])["token"], "Content-Type": "image/jpeg"}
            async with httpx2.AsyncClient(timeout=120) as client:
                while time.monotonic() < until:
                    began = time.perf_counter()
                    answered = await client.post(f"{url}/api/live", content=frame, headers=headers)
                    answered.raise_for_status()
                    tally.seconds.append(time.perf_counter() - began)
                    tally.mixed_up += len(answered.json()["faces"]) != 1
                await client.post(f"{url}/api/live?end=1", headers=headers)
    except Exception as error:  # whatever it is counts against the server
        tally.failed.append(f"live, {type(error).__name__}: {error}")


async def watch(process: psutil.Process, samples: list[float]) -> None:
    """Note the server's memory each second."""
    while True:
        samples.append(megabytes(process))
        await asyncio.sleep(1)


class Busy:
    """How busy all cores are from its making on, and how much of that is the server."""

    def __init__(self, server: psutil.Process) -> None:
        self._server = server
        self._before = self._now()

    def shares(self) -> tuple[float, float]:
        """Return the share of the cores' time that was used, and the server's share of their time."""
        seconds, idle, of_server = (
            now - before for now, before in zip(self._now(), self._before, strict=True)
        )
        return 1 - idle / seconds, of_server / seconds

    def _now(self) -> tuple[float, float, float]:
        """Return seconds of processor time: of all cores, of which idle, and used by the server."""
        cores, own = psutil.cpu_times(), self._server.cpu_times()
        return sum(cores), cores.idle + getattr(cores, "iowait", 0.0), own.user + own.system


def megabytes(process: psutil.Process) -> float:
    """Return resident memory in units of 1,000,000 bytes."""
    return process.memory_info().rss / 1e6


async def measure(arguments: argparse.Namespace, photos: list[Photo]) -> None:
    """Run the visitors and print."""
    with server() as (url, process):
        alone = Tally()
        # Every photo once, so that memory before is that of a server at work, and times are without a line.
        for first in range(0, len(photos), PHOTOS_A_VISIT):
            async with visit(url) as page:
                for number, photo in enumerate(photos[first : first + PHOTOS_A_VISIT], first):
                    await send(page, photo, f"alone{number}.jpg", alone)
        await asyncio.sleep(SECONDS_UNTIL_FORGOTTEN)
        before = megabytes(process)
        tally, programs, samples = Tally(), Tally(), []
        watched = Tally()
        frame = one_face_photo()
        watching = asyncio.create_task(watch(process, samples))
        busy = Busy(process)
        until = time.monotonic() + 60 * arguments.minutes
        await asyncio.gather(
            *(
                visitor(n, url, photos, until, arguments.think, tally)
                for n in range(arguments.visitors)
            ),
            *(
                program(n, url, photos, until, PROGRAMS_THINK, programs)
                for n in range(arguments.programs)
            ),
            *(live(url, frame, until, watched) for _ in range(arguments.live)),
        )
        in_all, of_server = busy.shares()
        await asyncio.sleep(SECONDS_UNTIL_FORGOTTEN)
        watching.cancel()
        after = megabytes(process)
    rows = [
        ("visits, each with a session of its own", f"{tally.visits}", ""),
        ("photos answered", f"{len(tally.seconds)}", ""),
        ("a second", f"{len(tally.seconds) / 60 / arguments.minutes:.1f}", ""),
        ("failed", f"{len(tally.failed)}", "0"),
        ("answers to the photo of another", f"{tally.mixed_up + alone.mixed_up}", "0"),
        ("told their place in the line", f"{tally.told_to_wait}", ""),
        ("seconds to an answer, alone: median", f"{statistics.median(alone.seconds):.2f}", ""),
        ("seconds to an answer: median", f"{np.percentile(tally.seconds, 50):.2f}", ""),
        ("95 % within", f"{np.percentile(tally.seconds, 95):.2f}", ""),
        ("longest", f"{max(tally.seconds):.2f}", ""),
        ("over HTTP: photos answered", f"{len(programs.seconds)}", ""),
        ("failed", f"{len(programs.failed)}", "0"),
        ("answers to the photo of another", f"{programs.mixed_up}", "0"),
        ("told to ask again later", f"{programs.turned_away}", ""),
        ("seconds to an answer: median", percentile(programs, 50), ""),
        ("95 % within", percentile(programs, 95), ""),
        ("live: frames per second of a visit", _rate(watched, arguments), "at least 4"),
        ("failed", f"{len(watched.failed)}", "0"),
        ("milliseconds to an answer: median", _milliseconds(watched, 50), ""),
        ("95 % within", _milliseconds(watched, 95), ""),
        ("all cores busy, %", f"{100 * in_all:.0f}", ""),
        ("of them by the server, %", f"{100 * of_server:.0f}", ""),
        ("memory before, MB", f"{before:.0f}", ""),
        ("at the peak", f"{max(samples):.0f}", ""),
        (
            f"{SECONDS_UNTIL_FORGOTTEN} s after the last left",
            f"{after:.0f}",
            f"{before * AIM_MEMORY:.0f}",
        ),
    ]
    title = (
        f"{arguments.visitors} visitors for {arguments.minutes:g} minutes, who look at an answer for "
        f"{arguments.think:g} s on average, {arguments.programs} programs and {arguments.live} live visitors"
    )
    print_table(title, ("what", "measured", "aim: at most"), rows)
    failed = tally.failed + programs.failed + watched.failed
    for problem in sorted(set(failed)):
        print(f"{failed.count(problem)} times: {problem}")


def _rate(tally: Tally, arguments: argparse.Namespace) -> str:
    seconds = 60 * arguments.minutes * max(1, arguments.live)
    return f"{len(tally.seconds) / seconds:.1f}"


def _milliseconds(tally: Tally, percent: float) -> str:
    return f"{1000 * np.percentile(tally.seconds, percent):.0f}" if tally.seconds else ""


def percentile(tally: Tally, percent: float) -> str:
    """Return within how many seconds that share of the answers came; nothing where none did."""
    return f"{np.percentile(tally.seconds, percent):.2f}" if tally.seconds else ""


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--visitors", type=int, default=50, help="at the same time")
    parser.add_argument("--programs", type=int, default=2, help="that use the HTTP API meanwhile")
    parser.add_argument("--live", type=int, default=4, help="visitors on the Live page meanwhile")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--think", type=float, default=10, help="seconds between two photos")
    arguments = parser.parse_args()
    photos = make_photos(np.random.default_rng(0))
    asyncio.run(measure(arguments, photos))


if __name__ == "__main__":
    main()
