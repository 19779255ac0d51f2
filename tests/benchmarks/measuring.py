"""What every benchmark shares: the photo, the machine's description, child processes, the table."""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

PROJECT = Path(__file__).resolve().parents[2]
PHOTO_HW = (480, 640)


def one_face_photo() -> bytes:
    """Return a 640x480 JPEG of one face: the upper part of NASA's portrait of Eileen Collins."""
    from skimage import data

    portrait = data.astronaut()
    height, width = PHOTO_HW
    rows = portrait.shape[1] * height // width
    rgb = cv2.resize(portrait[:rows], (width, height), interpolation=cv2.INTER_LINEAR)
    encoded, content = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    assert encoded
    return content.tobytes()


def median_seconds(action: Callable[[], object], *, times: int, warm_up: int = 5) -> float:
    """Return the median duration of `action` after some calls that do not count."""
    for _ in range(warm_up):
        action()
    durations = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        durations.append(time.perf_counter() - began)
    return statistics.median(durations)


def interleaved_ms(
    actions: Sequence[Callable[[], object]], *, times: int, warm_up: int = 5
) -> list[float]:
    """Return the median milliseconds of actions that take turns, so that a disturbance meets all."""
    durations: list[list[float]] = [[] for _ in actions]
    for turn in range(warm_up + times):
        for action, kept in zip(actions, durations, strict=True):
            began = time.perf_counter()
            action()
            if turn >= warm_up:
                kept.append(time.perf_counter() - began)
    return [1000 * statistics.median(kept) for kept in durations]


@dataclass(frozen=True, slots=True)
class ChildRun:
    """One finished process.

    Attributes:
        first_line_seconds: from its start to its first line of output; to its end if it wrote none.
        peak_mb: greatest resident memory, in units of 1,000,000 bytes.
        first_line: what it wrote.
    """

    first_line_seconds: float
    peak_mb: float
    first_line: str


def run_child(command: Sequence[str]) -> ChildRun:
    """Run a process to its end; raise CalledProcessError if it fails."""
    began = time.perf_counter()
    child = subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert child.stdout
    first_line = child.stdout.readline()
    seconds = time.perf_counter() - began
    child.stdout.read()
    # wait4, and not wait: it alone tells this child's memory from that of all children.
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return ChildRun(seconds, usage.ru_maxrss * 1024 / 1e6, first_line.strip())


class Worker:
    """A process that answers each line on its standard input with a line of JSON."""

    def __init__(self, command: Sequence[str]) -> None:
        began = time.perf_counter()
        self._child = subprocess.Popen(
            command,
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.first_answer = self._read()
        self.first_answer_seconds = time.perf_counter() - began

    def ask(self) -> dict[str, Any]:
        """Return the answer to one more line."""
        assert self._child.stdin
        self._child.stdin.write("\n")
        self._child.stdin.flush()
        return self._read()

    def close(self) -> float:
        """End the process; return its peak memory in units of 1,000,000 bytes."""
        assert self._child.stdin
        self._child.stdin.close()
        _, status, usage = os.wait4(self._child.pid, 0)
        self._child.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_maxrss * 1024 / 1e6

    def _read(self) -> dict[str, Any]:
        assert self._child.stdout
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._child.args} ended without an answer")
        return json.loads(line)


def sgemm_peak(size: int = 2048, times: int = 8) -> float:
    """Return the machine's best float32 matrix multiplication in operations a second.

    That is 2 n^3 operations over the best time of numpy's product, on as many threads as its BLAS takes.
    """
    rng = np.random.default_rng(0)
    a, b = rng.random((2, size, size), dtype=np.float32)
    product = partial(np.matmul, a, b, out=np.empty_like(a))
    product()
    durations = []
    for _ in range(times):
        began = time.perf_counter()
        product()
        durations.append(time.perf_counter() - began)
    return 2 * size**3 / min(durations)


def machine() -> str:
    """Return a line about the machine, with what else it is busy with."""
    model = platform.processor() or platform.machine()
    flags = ""
    if (cpuinfo := Path("/proc/cpuinfo")).is_file():
        lines = dict(line.split(":", 1) for line in cpuinfo.read_text().splitlines() if ":" in line)
        fields = {name.strip(): value.strip() for name, value in lines.items()}
        model = f"{fields.get('model name', model)} (family {fields.get('cpu family', '?')})"
        widest = "AVX-512" if "avx512f" in fields.get("flags", "") else "AVX2"
        flags = f", {widest}" if "avx2" in fields.get("flags", "") else ""
    return (
        f"{model}{flags}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}; load average {os.getloadavg()[0]:.1f}"
    )


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table under a title and the machine's line."""
    print(f"{title}\n{machine()}\n", file=sys.stdout)
    for row in (header, ["---"] * len(header), *rows):
        print("| " + " | ".join(row) + " |")
    print()
