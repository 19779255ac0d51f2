"""All bad and odd files of the corpus: through `decode`, and through the command line in one process."""

import contextlib
import ctypes
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from fer_core.errors import ImageDecodeError
from fer_core.photos.decode import decode
from tests.conftest import PROJECT
from tests.corpus import LARGE, Fate, Specimen

SECONDS = 3
#: Units of 1,000,000 bytes, beyond what the process had before.
EXTRA_MB = 300
#: A coloured photo of nearly 50 megapixels takes 7 bytes a pixel.
EXTRA_MB_LARGE = 360
#: What a process that analyses photos comes to hold besides.
KEPT_MB = 50


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `decode` made of a file.

    Attributes:
        fate: whether it was read.
        message: of the error.
        seconds: of processor time.
        extra_mb: memory beyond what the process had before, at the peak, in units of 1,000,000 bytes; None
            where the kernel does not tell.
    """

    fate: Fate
    message: str | None
    seconds: float
    extra_mb: float | None


@pytest.fixture(scope="module")
def outcomes(corpus) -> dict[str, Outcome]:
    """By name; anything but our own error would come through, with the name among the locals."""
    return {specimen.name: outcome_of(specimen) for specimen in corpus}


def outcome_of(specimen: Specimen) -> Outcome:
    ctypes.CDLL(None).malloc_trim(0)
    try:
        # Lets VmHWM, the peak, begin again.
        Path("/proc/self/clear_refs").write_text("5")
        before = resident("VmRSS")
    except OSError:
        before = None
    fate, message, began = Fate.PHOTO, None, time.process_time()
    try:
        rgb = decode(specimen.content).rgb
    except ImageDecodeError as error:
        fate, message = Fate.REFUSED, str(error)
    else:
        assert rgb.flags.c_contiguous, specimen.name
        assert rgb.flags.writeable, specimen.name
    seconds = time.process_time() - began
    return Outcome(fate, message, seconds, None if before is None else resident("VmHWM") - before)


def resident(key: str, process: int | str = "self") -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    return int(status[key].split()[0]) * 1024 / 1e6


def memory_limit(specimen: Specimen) -> int:
    return EXTRA_MB_LARGE if specimen.name.startswith(f"large_{LARGE}") else EXTRA_MB


def test_the_corpus_has_enough_files_of_different_names(corpus):
    assert len(corpus) >= 300
    assert len({specimen.name for specimen in corpus}) == len(corpus)


def test_every_file_is_read_or_refused_as_it_should_be(corpus, outcomes):
    fates = {specimen.name: outcomes[specimen.name].fate for specimen in corpus}
    assert [s.name for s in corpus if s.fate not in (Fate.EITHER, fates[s.name])] == []


def test_every_refusal_is_one_or_two_sentences(outcomes):
    messages = {outcome.message for outcome in outcomes.values() if outcome.message}
    assert len(messages) > 5
    assert [m for m in messages if not 20 < len(m) < 200 or not m.endswith(".")] == []


def test_no_file_takes_long(corpus, outcomes):
    """Processor time depends on what runs on the same core, so what took long is tried again."""
    slow = [specimen for specimen in corpus if outcomes[specimen.name].seconds > SECONDS]
    again = {s.name: min(outcome_of(s).seconds for _ in range(3)) for s in slow}
    assert {name: seconds for name, seconds in again.items() if seconds > SECONDS} == {}


def test_no_file_takes_much_memory(corpus, outcomes):
    extra = {s.name: outcomes[s.name].extra_mb for s in corpus}
    if None in extra.values():
        pytest.skip("this kernel does not let a process reset its peak of memory")
    assert {s.name: extra[s.name] for s in corpus if extra[s.name] > memory_limit(s)} == {}


#: A zip, a PDF and another program's picture, by the bytes they begin with.
OTHER_KINDS = ("no_image_zip", "no_image_pdf", "no_image_photoshop", "polyglot_pdf")


@pytest.mark.slow
def test_the_command_line_goes_through_all_of_them_in_one_process(corpus, tmp_path):
    for specimen in corpus:
        (tmp_path / specimen.name).write_bytes(specimen.content)
    first = tmp_path / "0_whole.png"
    first.write_bytes(next(s.content for s in corpus if s.name == "whole_face.png"))
    command = [sys.executable, "-m", "fer_core", "analyze", str(tmp_path)]
    process = psutil.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    records, slow, used, before, peak = {}, [], None, 0.0, 0.0
    # What the libraries say of damaged files is too little to fill the pipe of errors.
    for line in process.stdout:
        record = json.loads(line)
        name = Path(record["path"]).name
        records[name] = record
        times = process.cpu_times()
        now = times.user + times.system
        if used is None:
            before = resident("VmRSS", process.pid)
        elif now - used > SECONDS:
            slow.append(f"{name}: {now - used:.1f} s")
        used = now
        # The kernel's figures for a child that ended begin with its parent's memory.
        with contextlib.suppress(OSError, KeyError):
            peak = resident("VmHWM", process.pid)
    errors = process.stderr.read()
    process.wait(30)
    assert "Traceback" not in errors
    assert errors.splitlines()[-1].endswith("of the inputs could not be read.")
    assert process.returncode == 1
    # In a folder, what is no photo by its content is passed over, and counted.
    others = [s for s in corpus if s.name not in records]
    assert [s.name for s in others] == [
        s.name for s in corpus if s.name.startswith(OTHER_KINDS) and s.fate is Fate.REFUSED
    ]
    wrong = [
        s.name
        for s in corpus
        if s not in others
        and s.fate not in (Fate.EITHER, Fate.REFUSED if records[s.name]["error"] else Fate.PHOTO)
    ]
    assert wrong == []
    assert slow == []
    assert 0 < peak - before < EXTRA_MB_LARGE + KEPT_MB
