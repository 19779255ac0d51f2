"""Changes good files at random and gives them to what reads files of strangers.

python -m tests.fuzz --runs 1000000
python -m tests.fuzz --runs 20000 --target decode --seed 7

Atheris (libFuzzer) changes the files, and keeps those changes that reach lines of ours that none reached
before. Whatever is raised but the errors meant for users, a crash of a library, or a file that takes too
long or too much memory ends a target's run; the file is then kept and named. Prints a table: how many
files were tried, read and refused, and what the slowest took.
"""

import argparse
import contextlib
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import atheris
import numpy as np
import pandas as pd

# The process that starts those that try files needs no instrumentation.
with (
    atheris.instrument_imports(include=["fer_core"])
    if "--counts" in sys.argv
    else contextlib.nullcontext()
):
    from fer_core.errors import DataError, ImageDecodeError
    from fer_core.evaluation.predictions import EvaluationResult, write_predictions
    from fer_core.evaluation.user_predictions import parse_predictions
    from fer_core.expressions import FER2013
    from fer_core.photos.decode import Photo, decode

from tests.benchmarks.measuring import PROJECT, print_table
from tests.corpus import FORMATS, encoded, photos

#: A phone's photo takes a twentieth of it; what takes longer is worth a look.
SLOW_SECONDS = 3.0
#: By the clock, where something hangs.
HANGING_SECONDS = 30
MAX_BYTES = 8192
MAX_MEMORY_MB = 2048


class FuzzError(Exception):
    """A target did what it must not do."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the files of one target.

    Attributes:
        read, refused: how many.
        slowest: processor seconds of the slowest.
        seconds: that all took.
    """

    read: int
    refused: int
    slowest: float
    seconds: float


def good_photos() -> list[bytes]:
    """Return small files of every format and of several modes."""
    small = photos()["face"].resize((24, 24))
    files = [encoded(small, name, **options) for name, (_, options) in FORMATS.items()]
    alpha = small.convert("RGBA")
    frames = [small.rotate(90)]
    return [
        *files,
        encoded(small, "JPEG", progressive=True),
        encoded(small.convert("CMYK"), "JPEG"),
        encoded(alpha, "PNG"),
        encoded(small.quantize(16), "PNG"),
        encoded(small.convert("1"), "PNG"),
        encoded(alpha, "WEBP", lossless=True),
        encoded(small, "GIF", save_all=True, append_images=frames),
        encoded(small, "WEBP", save_all=True, append_images=frames),
        encoded(small.convert("F"), "TIFF"),
        encoded(small.convert("1"), "TIFF", compression="group4"),
        encoded(small, "TIFF", compression="jpeg"),
    ]


def good_tables() -> list[bytes]:
    """Return the same predictions as parquet, as CSV, and as German Excel writes them."""
    n = 12
    p = np.full((n, 7), 1 / 7, np.float32)
    flags = np.arange(n) % 2 == 0
    result = EvaluationResult(FER2013.labels, np.arange(n), np.arange(n) % 7, p, flags, ~flags)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.parquet"
        write_predictions(result, path)
        parquet = path.read_bytes()
    frame = pd.read_parquet(io.BytesIO(parquet))
    german = frame.round(4).to_csv(index=False, sep=";", decimal=",").encode("utf-8-sig")
    return [parquet, frame.to_csv(index=False).encode(), german]


def try_photo(content: bytes) -> bool:
    """Decode; return whether it is a photo, and raise if that photo is not what is promised."""
    try:
        photo = decode(content)
    except ImageDecodeError as error:
        return refused(error)
    assert isinstance(photo, Photo)
    assert photo.rgb.flags.c_contiguous
    assert min(photo.rgb.shape) > 0
    return True


def try_table(content: bytes) -> bool:
    """Parse; return whether it is a table, and raise if that table is not what is promised."""
    name = "own.parquet" if content.startswith(b"PAR1") else "own.csv"
    try:
        result = parse_predictions(content, name)
    except DataError as error:
        return refused(error)
    assert np.isfinite(result.probabilities).all()
    assert ((result.labels >= 0) & (result.labels < len(result.expressions))).all()
    return True


def refused(error: Exception) -> bool:
    """Return False; raise if the visitor would not be told why."""
    assert str(error).strip()
    return False


TARGETS: dict[str, tuple[Callable[[], list[bytes]], Callable[[bytes], bool]]] = {
    "decode": (good_photos, try_photo),
    "parse_predictions": (good_tables, try_table),
}


def fuzz(target: str, runs: int, seed: int) -> Tally:
    """Try so many files in a process of its own.

    Raises:
        FuzzError: a file did what it must not do; says where it is kept.
    """
    findings = Path(tempfile.mkdtemp(prefix="second-look-fuzz-"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, content in enumerate(TARGETS[target][0]()):
            (folder / f"{number:02d}").write_bytes(content)
        counts = np.memmap(findings / "counts", np.float64, "w+", shape=(3,))
        command = [
            sys.executable,
            "-m",
            "tests.fuzz",
            "--target",
            target,
            "--counts",
            counts.filename,
        ]
        command += ["--runs", str(runs), "--", f"-seed={seed + 1}", f"-max_len={MAX_BYTES}"]
        command += [f"-timeout={HANGING_SECONDS}", f"-rss_limit_mb={MAX_MEMORY_MB}"]
        command += [f"-artifact_prefix={findings}/", str(folder)]
        began = time.perf_counter()
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, check=False)
        seconds = time.perf_counter() - began
    if done.returncode:
        said = done.stderr.decode(errors="replace")
        raise FuzzError(f"{target} failed; the file is in {findings}\n{said[-3000:]}")
    read, refusals, slowest = counts.tolist()
    Path(counts.filename).unlink()
    findings.rmdir()
    return Tally(int(read), int(refusals), slowest, seconds)


def try_changed_files(target: str, counts: Path, runs: int, options: list[str]) -> None:
    """Be the process in which libFuzzer works, which ends after so many files."""
    attempt = TARGETS[target][1]
    # What becomes of files, where the process that started this one sees it.
    tally = np.memmap(counts, np.float64, "r+", shape=(3,))

    def one(content: bytes) -> None:
        began = time.process_time()
        was_read = attempt(content)
        seconds = time.process_time() - began
        tally[0 if was_read else 1] += 1
        tally[2] = max(tally[2], seconds)
        assert seconds < SLOW_SECONDS, f"{seconds:.1f} s"
        if tally[:2].sum() >= runs:
            # libFuzzer would end the process with `exit`, in which Arrow sometimes waits for its threads
            # for ever.
            os._exit(0)

    atheris.Setup([sys.argv[0], *options], one)
    atheris.Fuzz()


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10_000, help="files for each target")
    parser.add_argument("--target", choices=TARGETS, help="one alone")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--counts", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("options", nargs="*", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.counts:
        try_changed_files(arguments.target, arguments.counts, arguments.runs, arguments.options)
    rows = []
    for target in [arguments.target] if arguments.target else TARGETS:
        tally = fuzz(target, arguments.runs, arguments.seed)
        tried = tally.read + tally.refused
        rows.append(
            (
                f"`{target}`",
                f"{tried:,}",
                f"{tally.read:,}",
                f"{tally.refused:,}",
                f"{tally.slowest:.2f}",
                f"{tried / tally.seconds:,.0f}",
            )
        )
    header = ("reads", "files", "read", "refused", "slowest, s", "files a second")
    print_table(f"Files changed at random, seed {arguments.seed}", header, rows)


if __name__ == "__main__":
    try:
        main()
    except FuzzError as error:
        sys.exit(str(error))
