"""Photos a second of bulk annotation against processes, and what follows for very many photos.

python -m tests.benchmarks.scale [--photos 200] [--total 100000000] [--price PER_CORE_HOUR] [--no-ray]

Writes `tests/benchmarks/scale.md` and prints it. Start-up counts apart: a rate is that of the photos that
come after the first finished partition.
"""

import argparse
import contextlib
import io
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import psutil

from fer_core.annotate.run import Engine, begin_run, finish_run
from fer_core.annotate.storage import list_files, open_place
from fer_core.batch.progress import duration
from fer_core.networks.bundles import default_networks
from fer_core.photos.decode import decode
from tests.benchmarks.measuring import one_face_photo, print_table

REPORT: Final = Path(__file__).with_name("scale.md")
SIZES_HW: Final = ((480, 640), (1080, 1920))
PROCESSES: Final = (1, 2)
#: Photos of a partition: small, so that the first is done early in a short measurement.
PARTITION: Final = 5
FLEETS: Final = (64, 512, 4096)
#: Share of all cores in use before the start above which the report says that it is worth little.
BUSY: Final = 0.1


@dataclass(frozen=True, slots=True)
class Measured:
    """One run.

    Attributes:
        engine: that did it.
        size_hw: of the photos in pixels.
        processes: that annotated.
        rate: photos per second after the first partition.
        start_seconds: until the first partition was done.
        photo_bytes: of a photo's file.
        row_bytes: of the output, for each photo.
    """

    engine: Engine
    size_hw: tuple[int, int]
    processes: int
    rate: float
    start_seconds: float
    photo_bytes: int
    row_bytes: float


def main(photos: int, total: int, price: float | None, engines: list[Engine]) -> None:
    """Measure, write and print."""
    busy = psutil.cpu_percent(interval=3) / 100
    found = [
        measure(engine, size_hw, processes, photos)
        for size_hw in SIZES_HW
        for engine in engines
        for processes in PROCESSES
    ]
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        print("# Throughput of bulk annotation\n\nWritten by `python -m tests.benchmarks.scale`.\n")
        if busy > BUSY:
            print(f"**Before the start {busy:.0%} of the cores were in use: this says little.**\n")
        _print_measured(found, photos)
        _print_projection(found, total, price)
    REPORT.write_text(text.getvalue().rstrip() + "\n", encoding="utf-8")
    print(text.getvalue())


def measure(engine: Engine, size_hw: tuple[int, int], processes: int, photos: int) -> Measured:
    """Annotate copies of the example photo."""
    content = _photo(size_hw)
    with tempfile.TemporaryDirectory() as scratch:
        source, output = Path(scratch) / "in", Path(scratch) / "out"
        source.mkdir()
        for i in range(photos):
            (source / f"{i:06d}.jpg").write_bytes(content)
        run = begin_run(str(source), str(output), partition_size=PARTITION)
        began = time.perf_counter()
        done = [
            (time.perf_counter() - began, summary)
            for summary in finish_run(run, engine, jobs=processes)
        ]
        assert sum(summary.faces for _, summary in done) == photos
        written = sum(size for _, size in list_files(open_place(output), recursive=False))
    (start, first), (end, _) = done[0], done[-1]
    return Measured(
        engine=engine,
        size_hw=size_hw,
        processes=processes,
        rate=(photos - first.photos) / (end - start),
        start_seconds=start,
        photo_bytes=len(content),
        row_bytes=written / photos,
    )


def _photo(size_hw: tuple[int, int]) -> bytes:
    """Return a JPEG of one face: the benchmarks' photo, in a grey frame if more pixels are wanted.

    Enlarged, its cloth would be taken for a second face.
    """
    small = decode(one_face_photo()).rgb
    top, left = ((a - b) // 2 for a, b in zip(size_hw, small.shape, strict=False))
    framed = np.full((*size_hw, 3), 128, np.uint8)
    framed[top : top + small.shape[0], left : left + small.shape[1]] = small
    encoded, content = cv2.imencode(".jpg", framed[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    assert encoded
    return content.tobytes()


def _print_measured(found: list[Measured], photos: int) -> None:
    print_table(
        f"## Throughput\n\n{photos} copies of a JPEG of one face for each line, networks "
        f"{', '.join(default_networks())}; a process has one thread.\n",
        ("photo", "engine", "processes", "photos per second", "times one process", "startup, s"),
        [
            (
                _size(m.size_hw),
                str(m.engine),
                str(m.processes),
                f"{m.rate:.1f}",
                f"{m.rate / _of(found, m, 1).rate:.2f}",
                f"{m.start_seconds:.1f}",
            )
            for m in found
        ],
    )


def _print_projection(found: list[Measured], total: int, price: float | None) -> None:
    most = max(PROCESSES)
    rows = []
    for m in found:
        if m.processes == most:
            per_core = m.rate / most
            core_hours = total / per_core / 3600
            cost = "not asked" if price is None else f"{core_hours * price:,.0f}"
            times = (duration(core_hours * 3600 / cores) for cores in FLEETS)
            rows.append(
                (
                    _size(m.size_hw),
                    str(m.engine),
                    f"{per_core:.1f}",
                    f"{core_hours:,.0f}",
                    cost,
                    *times,
                )
            )
    print_table(
        f"## {total:,} photos\n",
        (
            *("photo", "engine", "photos per second and core", "core-hours"),
            f"cost at {price} per core-hour" if price is not None else "cost (--price)",
            *(f"on {cores:,} cores" for cores in FLEETS),
        ),
        rows,
    )
    print("What this assumes:\n")
    for line in _assumptions(found, total, most):
        print(f"- {line}")


def _assumptions(found: list[Measured], total: int, most: int) -> list[str]:
    busiest = max((m for m in found if m.processes == most), key=lambda m: m.rate * m.photo_bytes)
    largest = max(m.photo_bytes for m in found)
    asked = busiest.rate / most * busiest.photo_bytes / 1e6
    return [
        f"Each core is as fast as here with {most} processes. Machines share only storage, so only processes "
        "on one machine slow each other down. On machines with many cores, measure with all of them busy.",
        "The cores are like these, and nothing else runs on them. The load average above shows whether that "
        "was so here.",
        f"Storage delivers up to {asked:.1f} MB per second and core. The larger photos are "
        f"{total * largest / 1e12:.1f} TB in all; the cost of reading them is not included.",
        "Photos have one face. Each further face costs more. A photo without a face is searched longer, and "
        "a larger photo has more tiles.",
        f"The output takes {max(m.row_bytes for m in found):,.0f} bytes per photo in partitions of "
        f"{PARTITION}, as here, and far less in partitions of 1,000.",
        "The startup, and the work that a lost machine repeats, are short compared with hours of work.",
    ]


def _of(found: list[Measured], like: Measured, processes: int) -> Measured:
    return next(
        m
        for m in found
        if (m.engine, m.size_hw, m.processes) == (like.engine, like.size_hw, processes)
    )


def _size(size_hw: tuple[int, int]) -> str:
    return f"{size_hw[1]}x{size_hw[0]}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=int, default=200, help="of each measurement")
    parser.add_argument("--total", type=int, default=100_000_000, help="photos to project to")
    parser.add_argument("--price", type=float, help="of a core for an hour, in any currency")
    parser.add_argument("--no-ray", action="store_true", help="measure the engine local alone")
    given = parser.parse_args()
    chosen = [Engine.LOCAL] if given.no_ray else list(Engine)
    main(given.photos, given.total, given.price, chosen)
