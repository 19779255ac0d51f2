"""`python -m fer_core` as a user calls it: output, exit codes, and never a traceback."""

import contextlib
import csv
import io
import json
import os
import pty
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import Result
from PIL import Image
from rich.cells import cell_len
from typer.testing import CliRunner

from fer_core import __version__
from fer_core.__main__ import app
from fer_core.commands.analyze import OutputFolderError, _make_folder
from fer_core.commands.face_table import print_table
from fer_core.records import error_record
from tests.conftest import PROJECT


def process(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Call it in a process of its own, as a shell does."""
    return subprocess.run(
        [sys.executable, "-m", "fer_core", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        timeout=60,
        check=False,
    )


def run(*arguments: object, **environment: str) -> Result:
    """Call it in this process, which has imported everything."""
    result = CliRunner().invoke(app, [*map(str, arguments)], env=environment)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def folder(tmp_path, astronaut_png, no_face_png):
    (tmp_path / "a_portrait.png").write_bytes(astronaut_png)
    (tmp_path / "b_coffee.png").write_bytes(no_face_png)
    (tmp_path / "c_text.jpg").write_text("I am no photo")
    (tmp_path / "notes.txt").write_text("not looked at")
    return tmp_path


def test_a_line_a_photo_and_exit_1_if_one_failed(folder):
    result = process("analyze", folder)
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [len(record["faces"]) for record in records] == [1, 0, 0]
    assert [record["error"] is None for record in records] == [True, True, False]
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        f"Skipped 1 other file, {folder / 'notes.txt'}.",
        "1 of the inputs could not be read.",
    ]


def test_exit_0_and_quiet_if_all_went_well(folder):
    result = process("analyze", folder / "a_portrait.png", folder / "b_coffee.png")
    assert result.returncode == 0
    assert result.stderr == ""


def test_zips_are_read_and_password_or_missing_files_are_told(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.write(folder / "a_portrait.png", "deep/inside/a.png")
        archive.writestr("__MACOSX/deep/._a.png", "metadata")
    result = run("analyze", tmp_path / "photos.zip", tmp_path / "missing.jpg")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert records[0]["path"].endswith("photos.zip/deep/inside/a.png")
    assert len(records[0]["faces"]) == 1
    assert "no such file" in records[1]["error"]
    assert result.exit_code == 1


def test_a_photo_for_which_memory_is_short_is_told_and_the_others_are_answered(folder, monkeypatch):
    from fer_core.faces.finder import FaceFinder

    find, errors = FaceFinder.find_upright, [MemoryError()]

    def fail_first(self, rgb):
        if errors:
            raise errors.pop()
        return find(self, rgb)

    monkeypatch.setattr(FaceFinder, "find_upright", fail_first)
    result = run("analyze", *[folder / "a_portrait.png"] * 2)
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert "not enough memory" in first["error"]
    assert len(second["faces"]) == 1
    assert result.exit_code == 1


def test_an_empty_folder_is_an_error_of_that_input(tmp_path):
    (tmp_path / "empty").mkdir()
    result = run("analyze", tmp_path / "empty")
    assert "holds no photos" in json.loads(result.stdout)["error"]
    assert result.exit_code == 1


def test_csv_and_table(folder):
    printed = run("analyze", folder, "--format", "csv").stdout
    assert printed.startswith("path,"), "no byte order mark, which programs would take for a name"
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [row["cnn_photos_expression"] for row in rows] == ["happy", "", ""]
    table = run("analyze", folder, "--format", "table", COLUMNS="200").stdout
    assert "happy" in table
    assert "no face found" in table


def on_terminal(*arguments: object) -> str:
    """Call it in a process whose output is a terminal; return what that shows."""
    ours, its = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "fer_core", *map(str, arguments)],
        stdout=its,
        stderr=subprocess.PIPE,
        cwd=PROJECT,
        env=os.environ | {"COLUMNS": "200"},
    ) as running:
        os.close(its)
        shown = b""
        # Linux raises once the other end is closed.
        with contextlib.suppress(OSError):
            while part := os.read(ours, 65_536):
                shown += part
        errors = running.stderr.read()
    os.close(ours)
    assert running.returncode == 0, errors
    return shown.decode()


def test_a_terminal_gets_a_table_unless_other_output_is_asked_for(folder, tmp_path):
    photo = folder / "a_portrait.png"
    shown = on_terminal("analyze", photo, "--models", "cnn")
    assert "a_portrait.png" in shown
    assert "happy" in shown
    assert '{"path"' not in shown
    for option in (["--format", "jsonl"], ["--columns", "full"], ["--landmarks"]):
        assert on_terminal("analyze", photo, "--models", "cnn", *option).startswith('{"path"')
    assert on_terminal("analyze", photo, "--models", "cnn", "--output", tmp_path / "a.jsonl") == ""
    assert (tmp_path / "a.jsonl").read_text().startswith('{"path"')


@pytest.mark.parametrize("arguments", [["--version"], ["--version", "analyze"]])
def test_the_version_is_told(arguments):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (0, f"second-look {__version__}\n")


def test_help_and_version_load_no_library_of_the_pipeline():
    code = "import sys, fer_core.__main__; print({'numpy', 'pyarrow', 'cv2'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    assert done.stdout == "set()\n"


def test_landmarks_are_added_in_json_and_refused_elsewhere(folder):
    photo = folder / "a_portrait.png"
    (face,) = json.loads(run("analyze", photo, "--models", "cnn", "--landmarks").stdout)["faces"]
    assert [len(point) for point in face["landmarks"]] == [3] * 478
    for option in (["--format", "csv"], ["--format", "table"], ["--output", "faces.csv"]):
        refused = run("analyze", photo, "--models", "cnn", "--landmarks", *option, COLUMNS="200")
        assert refused.exit_code == 2
        assert "--landmarks has no place in" in refused.stderr


def test_the_largest_face_gives_one_row_per_photo(folder, tmp_path, astronaut):
    face = Image.fromarray(astronaut[:256, 100:356])
    canvas = Image.new("RGB", (700, 512))
    canvas.paste(face, (0, 0))
    canvas.paste(face.resize((400, 400)), (280, 0))
    canvas.save(folder / "b_two.png")
    output = tmp_path / "faces.csv"
    asked = ["analyze", folder, "--models", "cnn", "--output", output]
    assert run(*asked, "--faces", "largest").exit_code == 1
    rows = list(csv.DictReader(io.StringIO(output.read_text("utf-8-sig"))))
    assert [Path(row["path"]).stem for row in rows] == ["a_portrait", "b_coffee", "b_two", "c_text"]
    assert [row["face"] for row in rows] == ["1", "0", "1", "0"]
    assert float(rows[2]["left"]) > 280
    resumed = run(*asked, "--resume")
    assert resumed.exit_code == 2
    assert "faces was largest and is all" in resumed.stderr


def test_full_columns_and_py_feats_format(folder, tmp_path):
    result = run("analyze", folder / "a_portrait.png", "--columns", "full")
    (record,) = map(json.loads, result.stdout.splitlines())
    assert record["faces"][0]["measures"]["AU12"] > 0.5
    fex = tmp_path / "fex.csv"
    result = run("analyze", folder, "--format", "fex", "--output", fex)
    assert result.exit_code == 1
    # The format has no place for it.
    assert "c_text.jpg: This is not an image" in result.stderr
    content = fex.read_text("utf-8")
    assert content.startswith("frame,FaceRectX,")
    first, second, third = csv.DictReader(io.StringIO(content))
    assert float(first["AU12"]) == record["faces"][0]["measures"]["AU12"]
    assert (second["frame"], second["AU12"]) == ("1", "")
    assert third["input"].endswith("c_text.jpg")
    again = run("analyze", folder, "--format", "fex", "--output", fex, "--resume")
    assert again.exit_code == 2
    assert "A fex file cannot be resumed" in again.stderr


def test_no_name_and_no_encoding_ends_in_a_traceback(tmp_path):
    names = ["M\u00fcller.jpg", "\u5199\u771f.jpg", os.fsdecode(b"M\xfcller.jpg"), "a\nb.jpg"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    # In one process, which takes a second to begin.
    code = """if True:
        import contextlib, sys, fer_core.__main__
        for form in ("table", "csv", "jsonl"):
            with contextlib.suppress(SystemExit):
                fer_core.__main__.app(["analyze", sys.argv[1], "--models=cnn", f"--format={form}"])
            print("next", flush=True)"""
    result = subprocess.run(
        [sys.executable, "-c", code, tmp_path],
        capture_output=True,
        cwd=PROJECT,
        env=os.environ | {"PYTHONIOENCODING": "latin-1", "COLUMNS": "300"},
    )
    assert result.stderr.splitlines() == [b"4 of the inputs could not be read."] * 3
    table, rows, lines, _ = result.stdout.split(b"next\n")
    assert "Müller.jpg" in table.decode("latin-1")
    assert rb"M\xfcller.jpg" in table
    assert rb"\u5199\u771f.jpg" in table
    # One such name must not make the whole table unreadable.
    readable = {"M\u00fcller.jpg", "\u5199\u771f.jpg", r"M\xfcller.jpg", "a\nb.jpg"}
    found = csv.DictReader(io.StringIO(rows.decode("utf-8")))
    assert {Path(row["path"]).name for row in found} == readable
    records = [json.loads(line) for line in lines.decode("utf-8").splitlines()]
    assert {Path(record["path"]).name for record in records} == readable


def test_long_paths_are_cut_in_the_middle(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "70")
    folder = "/data/" + "a_long_name_of_a_folder/" * 5
    photos = [
        f"{folder}{name}" for name in ("first.jpg", "second.jpg", "\u5199\u771f" * 5 + ".jpg")
    ]
    print_table([error_record(photo, "Damaged.") for photo in photos], ["cnn"])
    said = capsys.readouterr().out
    assert max(map(cell_len, said.splitlines())) <= 70
    for end in ("first.jpg", "second.jpg", "\u5199\u771f.jpg"):
        (line,) = (line for line in said.splitlines() if f"{end} " in line)
        assert "/data/" in line
        assert "..." in line


def test_brackets_in_a_name_are_no_markup(astronaut_png, tmp_path):
    folder = tmp_path / "trip [beach] ["
    folder.mkdir()
    # With the folder's bracket this closes a tag that none opened.
    (folder / "y].png").write_bytes(astronaut_png)
    result = run("analyze", folder / "y].png", "--format", "table", COLUMNS="400")
    assert result.exit_code == 0, result.stderr
    assert "trip [beach] [/y].png" in result.stdout


def test_annotated_photos_are_written_where_asked(folder, tmp_path):
    target = tmp_path / "annotated"
    run("analyze", folder / "a_portrait.png", "--save-annotated", target)
    assert [file.name for file in target.iterdir()] == ["0001-a_portrait.png"]


def test_annotated_photos_of_an_earlier_run_are_not_replaced(tmp_path):
    (tmp_path / "notes.txt").write_text("A folder with other files is taken.")
    _make_folder(tmp_path, resume=False)
    (tmp_path / "0001-photo.png").write_bytes(b"of yesterday")
    with pytest.raises(OutputFolderError, match="annotated photos of an earlier run"):
        _make_folder(tmp_path, resume=False)
    _make_folder(tmp_path, resume=True)
    with pytest.raises(OutputFolderError, match=r"notes\.txt is a file\. Give a folder"):
        _make_folder(tmp_path / "notes.txt", resume=False)


def test_a_list_of_nothing_is_an_error():
    result = run("analyze", "-", "--models", "cnn")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Standard input names no files." in result.stderr


def test_models_tells_name_and_measured_accuracy(cnn_bundle):
    result = run("models")
    accuracy = cnn_bundle.spec.metrics["fer2013:test"].accuracy
    assert f"fer2013:test: accuracy {accuracy:.2%} of 3589 rows" in result.stdout
    assert "left out: 528 labelled fear, 626 labelled neutral" in result.stdout
    with (cnn_bundle.path / "layers.csv").open() as file:
        cost = sum(int(row["multiply_adds"]) for row in csv.DictReader(file))
    assert f"{cnn_bundle.spec.parameters:,} parameters, {cost:,} multiply-adds" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["analyze", "x.jpg", "--models", "nope"], {}),
        (["analyze", "x.jpg", "--models", ","], {}),
        (["analyze", "x.jpg"], {"FER_MODELS": "/nonexistent"}),
        (["models"], {"FER_MODELS": "/nonexistent"}),
        (["analyze"], {}),
        (["analyze", "x.jpg", "--format", "xml"], {}),
    ],
)
def test_bad_usage_is_exit_2_and_no_traceback(arguments, environment):
    result = run(*arguments, **environment)
    assert result.exit_code == 2
    assert result.stderr.strip()
    assert "Traceback" not in result.stderr


def test_no_traceback_leaves_a_process():
    result = process("analyze", "x.jpg", "--models", "nope")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
