"""The speed of a bundle's network on this machine, with the serving code."""

import os
import platform
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from fer_core.errors import FerError
from fer_core.faces.landmarks import FEATURE_SIZE
from fer_core.networks.bundles import BaseBundle
from fer_core.networks.kinds import kind_of

#: Faces in a call that are measured: a portrait, and a photo of a crowd.
BATCHES: Final = (1, 32)
_LEAST_REPEATS: Final = 3
_measuring = threading.Lock()


class AlreadyMeasuringError(FerError):
    """Another measurement is running on this machine; two at once would disturb each other."""


@dataclass(frozen=True, slots=True)
class Speed:
    """The measured speed.

    Attributes:
        milliseconds: a face, the median of the repeats, by the number of faces in a call.
        cpu: the processor's name.
        cores: that the system offers.
    """

    milliseconds: dict[int, float]
    cpu: str
    cores: int


def measure_speed(bundle: BaseBundle[Any], *, seconds: float = 0.4) -> Speed:
    """Measure a bundle's serving file on random faces, without face and landmark detection.

    Args:
        bundle: of any kind.
        seconds: to spend on each number of faces in a call, beside the warm-up.

    Raises:
        AlreadyMeasuringError: another measurement runs in this process.
        BundleError: the serving file is missing or damaged.
    """
    if not _measuring.acquire(blocking=False):
        raise AlreadyMeasuringError(
            "Something is being measured on this machine just now, and two measurements would slow each "
            "other down. Try again in a few seconds."
        )
    try:
        answer = _answering(bundle)
        return Speed(
            {n: 1000 * _median_seconds(answer, n, seconds) / n for n in BATCHES},
            cpu_name(),
            os.cpu_count() or 1,
        )
    finally:
        _measuring.release()


def _answering(bundle: BaseBundle[Any]) -> Callable[[int], object]:
    """Return a function that runs a separate instance of the network on n faces."""
    rng = np.random.default_rng(0)
    most = max(BATCHES)
    images = rng.integers(0, 256, (most, *bundle.spec.input_hw), dtype=np.uint8)
    landmarks = rng.normal(size=(most, FEATURE_SIZE)).astype(np.float32)
    ask = kind_of(bundle).load_runner(bundle)
    return lambda n: ask(images[:n], landmarks[:n])


def _median_seconds(answer: Callable[[int], object], n: int, seconds: float) -> float:
    # The first call with a batch size allocates its memory.
    answer(n)
    durations: list[float] = []
    while len(durations) < _LEAST_REPEATS or sum(durations) < seconds:
        began = time.perf_counter()
        answer(n)
        durations.append(time.perf_counter() - began)
    return statistics.median(durations)


def cpu_name() -> str:
    """Return the processor's name, if the system reports it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()
