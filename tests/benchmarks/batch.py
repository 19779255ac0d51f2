"""Images a second of `python -m fer_core analyze` from files to lines, and its memory over many images.

python -m tests.benchmarks.batch [FOLDER] [--seconds 60] [--against-fer ENVIRONMENT]
python -m tests.benchmarks.batch [FOLDER] --soak 10000

Without a folder, NASA's portrait at several sizes as JPEG, each by one process and by one a core; the time
includes the start. With an environment as `tests.benchmarks.against_peers` makes it, the PyPI package `fer`
looks at the same images in a loop, as its description shows it. A soak goes over the images again and again,
on all cores, with `--output`, and prints the memory of all its processes when the first line is there, after
each tenth, and at the end.
"""

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import psutil

from fer_core.batch.inputs import input_files
from fer_core.cores import available_cores
from tests.benchmarks.against_peers import fer_environment
from tests.benchmarks.measuring import PROJECT, one_face_photo, print_table

_FER_LOOP = """
import sys
import cv2
from fer.fer import FER
detector = FER()
with open(sys.argv[1], "w") as output:
    for path in sys.stdin.read().split("\\0")[:-1]:
        output.write(f"{detector.detect_emotions(cv2.imread(path))!r}\\n")
        output.flush()
"""
#: Width in pixels of the example photo: of a thumbnail, a screen and a phone's camera.
WIDTHS = (640, 1920, 4000)
#: Images a second and core that no machine reaches, so that no run ends too soon.
TOO_FAST = 200
TENTHS = 10
_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the command line, while it goes on.

    Attributes:
        process: the one that was started, the father of the others.
        output: its file of results.
        began: by the monotonic clock.
    """

    process: psutil.Popen
    output: Path
    began: float

    @property
    def lines(self) -> int:
        """Photos that are done."""
        return self.output.read_bytes().count(b"\n") if self.output.exists() else 0

    def memory_mb(self) -> tuple[float, float]:
        """Return resident memory of the first process and of the others together, 1,000,000 bytes each."""
        first = self.process.memory_info().rss / 1e6
        children = self.process.children(recursive=True)
        return first, sum(child.memory_info().rss for child in children) / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--seconds", type=float, default=60, help="in all, for the speeds")
    parser.add_argument("--against-fer", type=Path, metavar="ENVIRONMENT")
    parser.add_argument("--soak", nargs="?", type=int, const=10_000, metavar="N")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        sets = photo_sets(arguments.folder, Path(place))
        if arguments.soak:
            _soak(next(iter(sets.values())), arguments.soak, Path(place))
        else:
            fer = arguments.against_fer and fer_environment(arguments.against_fer.resolve())
            _speeds(sets, arguments.seconds, Path(place), fer)


def photo_sets(folder: Path | None, place: Path) -> dict[str, list[Path]]:
    """Return files by what they are: those of a folder, or the example photo at each size."""
    if folder is not None:
        files = input_files([str(folder)], io.BytesIO())
        return {str(folder): [file.path for file in files if file.member is None]}
    sets = {}
    small = cv2.imdecode(np.frombuffer(one_face_photo(), np.uint8), cv2.IMREAD_COLOR)
    for width in WIDTHS:
        height = width * small.shape[0] // small.shape[1]
        file = place / f"{width}.jpg"
        cv2.imwrite(str(file), cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))
        sets[f"{width} x {height} JPEG, one face"] = [file]
    return sets


def analyze_command(output: Path, jobs: int) -> list[str]:
    """Return the command line that reads paths and writes a file of results."""
    command = [sys.executable, "-m", "fer_core", "analyze", "-"]
    return [*command, "--output", str(output), "--jobs", str(jobs)]


@contextmanager
def running(command: list[str], files: list[Path], n: int, output: Path) -> Iterator[Run]:
    """Give a command the paths of `n` photos, the files again and again, and end it."""
    listed = output.with_name("list")
    output.unlink(missing_ok=True)
    listed.write_bytes(b"\0".join(os.fsencode(files[i % len(files)]) for i in range(n)) + b"\0")
    with listed.open("rb") as given:
        process = psutil.Popen(command, cwd=PROJECT, stdin=given, stderr=subprocess.DEVNULL)
    try:
        yield Run(process, output, time.monotonic())
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _wait_for(run: Run, lines: int, deadline: float = float("inf")) -> None:
    while run.process.poll() is None and run.lines < lines and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _speeds(sets: dict[str, list[Path]], seconds: float, place: Path, fer: Path | None) -> None:
    """Measure and print; `fer` is the Python of an environment that has that package."""
    output = place / "faces.jsonl"
    commands = {
        f"{jobs} of ours": analyze_command(output, jobs) for jobs in sorted({1, available_cores()})
    }
    if fer:
        commands["1 of `fer`"] = [str(fer), "-c", _FER_LOOP, str(output)]
    each = seconds / (len(sets) * len(commands))
    rows = []
    for name, files in sets.items():
        speeds: list[float] = []
        counts: list[int] = []
        for command in commands.values():
            n = int(TOO_FAST * available_cores() * each)
            with running(command, files, n, output) as run:
                _wait_for(run, 1)
                first = time.monotonic()
                _wait_for(run, n, first + each)
                speeds.append((run.lines - 1) / (time.monotonic() - first))
                counts.append(run.lines)
        for processes, speed, count in zip(commands, speeds, counts, strict=True):
            ratio = f"{speed / speeds[-1]:.1f}" if fer else ""
            rows.append((name, processes, f"{speed:.1f}", f"{count:,}", ratio))
    header = ("images", "processes", "images a second", "images done", "times `fer`")
    print_table(f"From files to results, after the first, {each:.0f} s each", header, rows)


def _soak(files: list[Path], n: int, place: Path) -> None:
    rows = []
    output = place / "faces.jsonl"
    with running(analyze_command(output, available_cores()), files, n, output) as run:
        for tenth in range(TENTHS + 1):
            _wait_for(run, max(1, tenth * n // TENTHS))
            if run.process.poll() is not None:
                break
            first, others = run.memory_mb()
            seconds = time.monotonic() - run.began
            rows.append((f"{run.lines:,}", f"{seconds:.0f}", f"{first:.0f}", f"{others:.0f}"))
        code = run.process.wait()
        rows.append(
            (f"{run.lines:,}, ended with {code}", f"{time.monotonic() - run.began:.0f}", "", "")
        )
    print_table(
        f"Memory over {n:,} images, {available_cores()} processes",
        ("images", "seconds", "first process, MB", "the others together, MB"),
        rows,
    )


if __name__ == "__main__":
    main()
