"""Many photos through the command line: in order, in several processes, killed and gone on with."""

import contextlib
import csv
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image
from typer.testing import CliRunner

from fer_core.__main__ import app
from fer_core.batch.inputs import PhotoFile, input_files
from fer_core.batch.processes import Recorder, Settings, records_in_processes
from fer_core.errors import JobError
from fer_core.networks.bundles import resolve
from tests.conftest import PROJECT
from tests.fer_core.commands.test_analyze import process as run

SETTINGS = Settings({"cnn": resolve("cnn")})


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "fer_core", "analyze", *map(str, arguments), "--models", "cnn"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray) -> Path:
    """12 photos of one, two or no faces, of different sizes, and a broken one in the middle."""
    folder = tmp_path_factory.mktemp("photos")
    face = Image.fromarray(astronaut[:256, 100:356])
    for i in range(12):
        width = 1 + i % 3
        canvas = Image.new("RGB", (256 * width, 256))
        for k in range(width - (i % 4 == 3)):
            canvas.paste(face, (256 * k, 0))
        canvas.save(folder / f"{i:02d}.jpg")
    (folder / "05x.jpg").write_text("I am no photo")
    return folder


def without_seconds(lines: str) -> list[dict]:
    return [json.loads(line) | {"seconds": None} for line in lines.splitlines()]


def test_several_processes_say_the_same_in_the_same_order(photos, tmp_path):
    one = run("analyze", photos, "--jobs", 1)
    two = run("analyze", photos, "--jobs", 2, "--save-annotated", tmp_path)
    assert len(without_seconds(one.stdout)) == 13
    assert without_seconds(two.stdout) == without_seconds(one.stdout)
    assert (one.returncode, two.returncode, two.stderr) == (1, 1, one.stderr)
    written = sorted(p.name for p in tmp_path.iterdir())
    assert written[4:7] == ["0005-04.png", "0006-05.png", "0008-06.png"]


@pytest.mark.parametrize("stem", ["a" * 251, "写" * 83], ids=["letters", "signs of three bytes"])
def test_a_file_with_the_longest_name_is_annotated(photos, tmp_path, stem):
    source, target = tmp_path / f"{stem}.jpg", tmp_path / "annotated"
    source.write_bytes((photos / "00.jpg").read_bytes())
    target.mkdir()
    file = PhotoFile(str(source), source)
    (record,) = Recorder(Settings(SETTINGS.bundles, target), threads=1).records(1, file)
    assert len(record["faces"]) == 1
    (written,) = target.iterdir()
    assert written.name.startswith(f"0001-{stem[:60]}")
    assert written.suffix == ".png"


def test_annotated_photos_in_an_input_folder_are_no_photos_of_the_resumed_run(photos, tmp_path):
    folder = tmp_path / "party"
    folder.mkdir()
    for name in ("00.jpg", "01.jpg"):
        (folder / name).write_bytes((photos / name).read_bytes())
    output = tmp_path / "faces.jsonl"
    asked = ("analyze", folder, "--save-annotated", folder, "--output", output, "--models", "cnn")
    assert run(*asked).returncode == 0
    first = output.read_bytes()
    again = run(*asked, "--resume")
    assert again.returncode == 0
    assert output.read_bytes() == first
    assert len(list(folder.iterdir())) == 4


@pytest.mark.parametrize(
    ("failing", "error", "words"),
    [
        ("fer_core.batch.processes.decode", MemoryError(), "memory"),
        ("fer_core.drawing.picture_of_faces", ValueError("odd"), "failed (ValueError: odd)"),
    ],
)
def test_a_photo_over_which_a_library_fails_ends_no_run(
    photos, tmp_path, monkeypatch, failing, error, words
):
    def fail(*_args, **_options):
        raise error

    recorder = Recorder(Settings(SETTINGS.bundles, tmp_path), threads=1)
    file = PhotoFile("00.jpg", photos / "00.jpg")
    with monkeypatch.context() as patched:
        patched.setattr(failing, fail)
        (record,) = recorder.records(1, file)
    assert words in record["error"]
    assert not list(tmp_path.iterdir())
    (record,) = recorder.records(1, file)
    assert record["error"] is None


def killed_after(lines: int, arguments: list[object], output: Path) -> None:
    """Kill a run without warning once its output has that many lines, and see its processes go."""
    process = psutil.Popen(command(*arguments), cwd=PROJECT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if output.exists() and output.read_bytes().count(b"\n") >= lines:
            break
        time.sleep(0.002)
    children = []
    # Unless it was done before.
    with contextlib.suppress(psutil.NoSuchProcess):
        children = process.children(recursive=True)
        process.kill()
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []


def paths_in(output: Path) -> list[str]:
    content = output.read_text("utf-8-sig")
    if output.suffix == ".csv":
        rows = csv.DictReader(io.StringIO(content))
        return [row["path"] for row in rows if row["face"] in "01"]
    return [json.loads(line)["path"] for line in content.splitlines()]


@pytest.mark.slow
@pytest.mark.release
def test_a_killed_run_is_gone_on_with(photos, tmp_path):
    output = tmp_path / "faces.jsonl"
    arguments = [photos, "--output", output, "--jobs", 2]
    killed_after(4, arguments, output)
    assert run(*command(*arguments)[3:]).returncode == 2, "without --resume it stays as it is"
    done = run(*command(*arguments, "--resume")[3:])
    assert done.returncode == 1
    assert done.stderr.strip() == "1 of the inputs could not be read."
    assert paths_in(output) == [file.name for file in input_files([str(photos)], io.BytesIO())]


@pytest.mark.slow
@pytest.mark.release
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_run_killed_anywhere_any_number_of_times_is_completed(photos, tmp_path, form):
    rng = random.Random(0)
    output = tmp_path / f"faces.{form}"
    inputs = [photos, photos / "00.jpg", photos]
    arguments = [*inputs, "--output", output, "--resume"]
    for _ in range(8):
        written = output.read_bytes().count(b"\n") if output.exists() else 0
        killed_after(
            written + rng.randrange(6), [*arguments, "--jobs", 1 + rng.randrange(3)], output
        )
    run(*command(*arguments)[3:])
    expected = [file.name for file in input_files(map(str, inputs), io.BytesIO())]
    assert paths_in(output) == expected
    whole = run(*command(*inputs)[3:]).stdout
    faces = Counter({r["path"]: 0 for r in without_seconds(whole)})
    for record in without_seconds(whole):
        faces[record["path"]] += max(1, len(record["faces"]))
    if form == "csv":
        rows = Counter(
            row["path"] for row in csv.DictReader(io.StringIO(output.read_text("utf-8-sig")))
        )
        assert rows == faces


class Killer(PhotoFile):
    """Ends whoever reads it, as the kernel does where memory is short."""

    __slots__ = ()

    def read(self) -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return b""


def test_a_photo_that_ends_its_process_is_told_and_the_others_go_on(photos):
    files = [
        PhotoFile("a", photos / "00.jpg"),
        Killer("b", photos),
        PhotoFile("c", photos / "01.jpg"),
    ]
    outcomes = records_in_processes(enumerate(files, start=1), SETTINGS, jobs=1)
    found = list(chain.from_iterable(outcomes))
    assert [record["path"] for record in found] == ["a", "b", "c"]
    assert [len(record["faces"]) for record in found] == [1, 0, 2]
    assert "ended its process" in found[1]["error"]


def test_a_process_that_cannot_begin_ends_the_run(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\nif 'fer_core.batch.worker' in sys.orig_argv: os._exit(3)"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    files = [PhotoFile("a", Path("a.jpg"))]
    with pytest.raises(JobError, match="ended as it began"):
        list(records_in_processes(enumerate(files, start=1), SETTINGS, jobs=1))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--resume"],
        ["--output", "x.jsonl", "--format", "table"],
        ["--jobs", "0"],
        ["--output", "/nonexistent/x.jsonl"],
    ],
)
def test_bad_usage_is_told(arguments):
    result = CliRunner().invoke(app, ["analyze", "x.jpg", *arguments])
    assert result.exit_code == 2, result.exception
    assert "Traceback" not in result.stderr
