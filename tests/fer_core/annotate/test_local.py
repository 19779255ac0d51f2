"""Bulk annotation on this machine: every photo once, whatever is killed, and the same as one by one."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from fer_core.__main__ import app
from fer_core.annotate.answering import answering
from fer_core.annotate.manifest import MANIFEST_FILE
from fer_core.annotate.partition import METADATA_KEY, annotate_partition
from fer_core.annotate.run import Engine, begin_run, finish_run
from fer_core.annotate.sources import Columns, Kind, Listing, list_input, read_photos
from fer_core.annotate.storage import list_files, open_place, write_whole
from fer_core.batch.pool import Worker
from fer_core.batch.skipped import Skipped
from fer_core.errors import DataError, JobError
from fer_core.expressions import FER2013
from fer_core.face_columns import FaceColumns
from fer_core.faces.face_measures import FACE_MEASURES
from fer_core.networks.bundles import Bundle, resolve
from fer_core.photos.decode import decode
from tests.conftest import PROJECT
from tests.fer_core.annotate.annotate_runs import (
    KILLS,
    WAITS,
    begin,
    patched_environment,
    rows,
    wait_until,
    workers_of,
)


@pytest.fixture
def photos(tmp_path: Path, astronaut_png: bytes, no_face_png: bytes) -> Path:
    """A face, none, no image, and a face deeper down; names tell in which order."""
    folder = tmp_path / "photos"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "a.png").write_bytes(astronaut_png)
    (folder / "b.png").write_bytes(no_face_png)
    (folder / "c.jpg").write_text("I am no photo")
    (folder / "deep" / "er" / "d.png").write_bytes(astronaut_png)
    (folder / "notes.txt").write_text("not looked at")
    (folder / "._a.png").write_text("a Mac's metadata")
    return folder


@pytest.fixture
def six(tmp_path: Path, no_face_png: bytes) -> Path:
    """Six pictures, the third of which waits for the gate."""
    folder = tmp_path / "six"
    folder.mkdir()
    for i in range(6):
        (folder / f"{i}.png").write_bytes(no_face_png + (WAITS if i == 2 else b""))
    return folder


# Listing and cutting.


@given(
    rows=st.lists(st.integers(0, 30), min_size=1, max_size=6),
    size=st.integers(1, 40),
    kind=st.sampled_from(Kind),
)
def test_partitions_hold_every_photo_once_and_in_order(rows, size, kind):
    if kind is Kind.PHOTOS:
        rows = [1] * sum(rows)
    files = tuple(f"{i:03d}" for i in range(len(rows)))
    listing = Listing(kind, files, (1,) * len(files), tuple(rows))
    found = []
    for number, part in enumerate(listing.partitions(size)):
        assert part.number == number
        assert part.first == len(found)
        assert 1 <= part.count <= size
        names = part.files if kind is Kind.PHOTOS else part.files * part.count
        start = part.start if kind is Kind.PARQUET else 0
        found += [(n, start + i if kind is Kind.PARQUET else 0) for i, n in enumerate(names)]
    assert found == [(f, i) for f, n in zip(files, rows, strict=True) for i in range(n)]


@pytest.mark.parametrize("in_struct", [False, True])
@pytest.mark.parametrize("size", [1, 3, 100])
def test_rows_of_parquet_are_read_across_row_groups(tmp_path, in_struct, size):
    contents = [f"image {i}".encode() if i != 4 else None for i in range(20)]
    images = [{"bytes": c, "path": "x"} for c in contents] if in_struct else contents
    table = pa.table({"id": [f"row {i}" for i in range(20)], "image": images})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=7)
    pq.write_table(table.drop(["id"]).slice(0, 2), tmp_path / "b.parquet")
    for file, ids in (
        ("a.parquet", [f"row {i}" for i in range(20)]),
        ("b.parquet", ["b.parquet#0", "b.parquet#1"]),
    ):
        place = open_place(tmp_path / file)
        listing = list_input(place)
        assert listing.columns == Columns("image", in_struct, "id" if file[0] == "a" else None)
        found = [
            photo
            for partition in listing.partitions(size)
            for photo in read_photos(place, listing.columns, partition)
        ]
        assert [photo.number for photo in found] == list(range(len(ids)))
        assert [photo.id for photo in found] == ids
        assert [photo.content for photo in found] == contents[: len(ids)]
        assert [photo.error is not None for photo in found] == [
            c is None for c in contents[: len(ids)]
        ]


def test_parquet_that_goes_bad_gives_errors_for_that_part_and_no_row_less(tmp_path):
    rng = np.random.default_rng(0)
    table = pa.table({"bytes": [rng.bytes(3000) for _ in range(40)]})
    file = tmp_path / "a.parquet"
    pq.write_table(table, file, row_group_size=10, compression="zstd")
    place = open_place(tmp_path)
    listing = list_input(place)
    content = bytearray(file.read_bytes())
    chunk = pq.read_metadata(file).row_group(2).column(0)
    begin = chunk.dictionary_page_offset
    content[begin : begin + chunk.total_compressed_size] = bytes(chunk.total_compressed_size)
    file.write_bytes(content)
    found = [
        photo
        for partition in listing.partitions(25)
        for photo in read_photos(place, listing.columns, partition)
    ]
    assert [photo.number for photo in found] == list(range(40))
    assert [photo.id for photo in found] == [f"a.parquet#{i}" for i in range(40)]
    # The third group of ten rows is the damaged one.
    for photo, content in zip(found, table["bytes"].to_pylist(), strict=True):
        if photo.number // 10 == 2:
            assert "cannot be read here" in photo.error
        else:
            assert photo.content == content


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        (
            {"picture": [b"x"]},
            {},
            "has no column image or bytes. It has: picture. .*--image-column",
        ),
        ({"image": [b"x"]}, {"id_column": "key"}, "has no column key"),
        ({"image": ["a/path.jpg"]}, {}, "of type string, and must hold the bytes"),
    ],
)
def test_parquet_without_images_says_what_it_has(tmp_path, columns, options, message):
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=message):
        list_input(open_place(tmp_path), **options)


def test_inputs_that_cannot_be_annotated_say_why(tmp_path, photos):
    for url, message in (
        (tmp_path / "nothing", "holds no photos and no parquet files"),
        ("nosuch://bucket/photos", "cannot be opened"),
    ):
        with pytest.raises(DataError, match=message):
            list_input(open_place(url))
    (photos / "table.parquet").write_text("not even one")
    with pytest.raises(DataError, match="holds 4 photos and 1 parquet files"):
        list_input(open_place(photos))
    with pytest.raises(DataError, match=r"table\.parquet is not a readable parquet file"):
        list_input(open_place(photos / "table.parquet"))


def test_photos_are_listed_by_content_and_the_rest_is_counted(tmp_path, no_face_png):
    files = dict.fromkeys(("_DSC1.JPG", "a.jfif", "b.HIF", "deep/c", "deep/d.txt"), no_face_png)
    others = {"e.mp4": b"\0\0\0\x18ftypisom" + bytes(12), "f.zip": b"PK\x05\x06" + bytes(18)}
    others |= {"g.txt": b"words", "Thumbs.db": b"x", "__MACOSX/h.jpg": b"x"}
    for name, content in (files | others).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    skipped = Skipped()
    assert list_input(open_place(tmp_path), skipped=skipped).files == tuple(sorted(files))
    assert list(skipped.lines()) == [
        "Skipped 1 other file, g.txt.",
        "Skipped 2 system files, such as Thumbs.db.",
        "Skipped 1 video, e.mp4. Videos are for python -m fer_core analyze.",
        "Skipped 1 zip, f.zip. Unpack first, or give it to python -m fer_core analyze.",
    ]
    for name in files:
        (tmp_path / name).unlink()
    with pytest.raises(DataError, match=r"holds no photos .* Skipped 1 zip, f\.zip"):
        list_input(open_place(tmp_path))


def test_a_link_into_the_folder_that_it_lies_in_is_not_followed_for_ever(tmp_path, no_face_png):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.png").write_bytes(no_face_png)
    (tmp_path / "deep" / "up").symlink_to(tmp_path)
    (tmp_path / "other").symlink_to(tmp_path / "deep")
    found = list_files(open_place(tmp_path), recursive=True)
    assert [name for name, _ in found] == ["deep/a.png", "other/a.png"]


# Rows.


def test_weights_in_place_of_the_hubs_are_told(tmp_path, photos, monkeypatch):
    cnn = resolve("cnn")
    stand_in = Bundle(cnn.path, cnn.spec, missed="The Hub cannot be reached.")
    monkeypatch.setattr("fer_core.annotate.run.resolve", lambda name: stand_in)
    run = begin_run(str(photos), str(tmp_path / "out"), models=["cnn"])
    assert run.missed == [
        f"cnn predicts with the weights of the folder {cnn.path}. The Hub cannot be reached."
    ]


def test_an_object_store_gives_the_rows_that_analyze_gives(astronaut_png, no_face_png, analyzer):
    source = open_place("memory://bucket/photos")
    contents = {"1.png": astronaut_png, "2.png": no_face_png, "x/3.jpg": b"no photo"}
    source.files.create_dir(source.path_of("x"))
    for name, content in contents.items():
        with source.files.open_output_stream(source.path_of(name)) as stream:
            stream.write(content)
    run = begin_run(source.url, "memory://bucket/faces", models=["cnn"], partition_size=2)
    done = [annotate_partition(run.task, analyzer, partition) for partition in run.missing]
    assert done == [(0, 2, 1, 0), (1, 1, 0, 1)]
    output = open_place("memory://bucket/faces")
    shown = ["part-000000.parquet", "part-000001.parquet"]
    assert [name for name, _ in list_files(output, recursive=True)] == [MANIFEST_FILE, *shown]

    table = ds.dataset(output.path, filesystem=output.files).to_table()
    found = table.to_pylist()
    (expected,) = analyzer.analyze(decode(astronaut_png)).faces
    prediction = expected.predictions["cnn"]
    face, none, bad = found
    assert [row["id"] for row in found] == list(contents)
    assert [row["photo"] for row in found] == [0, 1, 2]
    assert [row["n_faces"] for row in found] == [1, 0, None]
    assert [row["face"] for row in found] == [1, 0, 0]
    assert (none["width"], none["height"], none["error"]) == (600, 400, None)
    assert "not an image" in bad["error"]
    assert bad["width"] is bad["left"] is bad["cnn_expression"] is None
    box = [face[side] for side in ("left", "top", "right", "bottom")]
    assert box == expected.face.box_xyxy.tolist()
    assert face["yaw_degrees"] == np.float32(expected.face.head_pose.yaw)
    assert (face["cnn_expression"], face["cnn_abstained"]) == ("happy", False)
    assert face["cnn_level"] == "confident"
    columns = [name for name in table.column_names if name.startswith("cnn_p_")]
    assert columns == [f"cnn_p_{label}" for label in FER2013.labels]
    assert [face[name] for name in columns] == prediction.probabilities.tolist()
    answering = json.loads(table.schema.metadata[METADATA_KEY.encode()])
    assert (
        answering["networks"]["cnn"]["sha256"]
        == (analyzer.classifiers["cnn"].bundle.spec.sha256["model.tflite"])
    )
    assert all(field.metadata[b"about"] for field in table.schema)


def test_full_columns_have_each_measure_with_its_meaning(photos, tmp_path, analyzer):
    run = begin_run(
        str(photos),
        str(tmp_path / "out"),
        models=["cnn"],
        partition_size=10,
        face_columns=FaceColumns.FULL,
    )
    annotate_partition(run.task, analyzer, run.missing[0])
    table = pq.read_table(tmp_path / "out" / "part-000000.parquet")
    assert all(table.schema.field(measure.name).metadata[b"about"] for measure in FACE_MEASURES)
    smiles = table["AU12"].to_pylist()
    assert [smile is None for smile in smiles] == [False, True, True, False]
    assert smiles[0] == smiles[3] > 0.5


def test_a_photo_that_trips_a_library_is_a_row_and_not_the_end(photos, tmp_path, analyzer):
    class Tripping:
        def analyze(self, photo):
            if photo.width == 600:
                raise RuntimeError("graph failed")
            return analyzer.analyze(photo)

    run = begin_run(str(photos), str(tmp_path / "out"), models=["cnn"], partition_size=10)
    annotate_partition(run.task, Tripping(), run.missing[0])
    found = rows(tmp_path / "out")
    assert found["error"][1] == "The analysis failed (RuntimeError: graph failed)."
    assert found["n_faces"].fillna(-1).tolist() == [1, -1, -1, 1]


# Where a run was begun before.


def test_a_run_that_was_begun_with_something_else_is_refused(photos, tmp_path, astronaut_png):
    def again(**changes):
        return begin_run(**{"source": str(photos), "output": str(out), "models": ["cnn"]} | changes)

    out = tmp_path / "out"
    assert [p.number for p in again().missing] == [0, 1, 2, 3]
    write_whole(open_place(out), "part-000002.parquet", b"")
    assert [p.number for p in again().missing] == [0, 1, 3]
    with pytest.raises(JobError, match=r"partition_size was 1 and is 3.*choose another output"):
        again(partition_size=3)
    with pytest.raises(
        JobError, match=r"other settings: networks was cnn and is cnn, dual\. Use the earlier"
    ):
        again(models=["cnn", "dual"])
    with pytest.raises(JobError, match="face_columns was basic and is full"):
        again(face_columns=FaceColumns.FULL)
    with pytest.raises(JobError, match="lies in the input"):
        again(output=str(photos / "out"))
    with pytest.raises(JobError, match=r"holds a\.png and no _manifest.json"):
        again(output=str(photos), source=str(photos / "deep"))
    # The same number of photos, but not the same ones.
    (photos / "a.png").rename(photos / "z.png")
    with pytest.raises(JobError, match="input_sha256 was"):
        again()
    (out / MANIFEST_FILE).write_text("{}")
    with pytest.raises(JobError, match="cannot be read, or is of another version"):
        again()


def test_a_run_of_a_version_with_other_columns_is_not_resumed(photos, tmp_path):
    begin_run(str(photos), str(tmp_path / "out"), models=["cnn"])
    file = tmp_path / "out" / MANIFEST_FILE
    manifest = json.loads(file.read_text())
    del manifest["rows_version"]
    file.write_text(json.dumps(manifest))
    with pytest.raises(JobError, match=r"whose parts have other columns\. Choose another output"):
        begin_run(str(photos), str(tmp_path / "out"), models=["cnn"])


def test_a_manifest_names_every_library_that_reads_photos():
    assert {"pillow", "pillow-heif", "av"} <= answering({}).software.keys()


def test_leftovers_of_killed_writers_are_removed_and_not_read(photos, tmp_path):
    out = tmp_path / "out"
    begin_run(str(photos), str(out), models=["cnn"])
    (out / ".part-000001.parquet.0123").write_bytes(b"half a fi")
    assert len(begin_run(str(photos), str(out), models=["cnn"]).missing) == 4
    assert [file.name for file in out.iterdir()] == [MANIFEST_FILE]


def test_other_weights_on_a_machine_are_refused_by_its_worker(photos, tmp_path, monkeypatch):
    run = begin_run(str(photos), str(tmp_path / "out"), models=["cnn"])
    monkeypatch.setenv("FER_MODELS", str(tmp_path / "models"))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "cnn").symlink_to(PROJECT / "models" / "dual")
    with pytest.raises(
        JobError, match=r"differs from the one that began.*cnn.sha256 was .* and is"
    ):
        list(finish_run(run, Engine.LOCAL, jobs=1))


# Whole runs.


def test_names_may_hold_bytes_that_are_no_utf_8(tmp_path, no_face_png):
    folder = Path(os.fsdecode(bytes(tmp_path) + b"/B\xe4der"))
    folder.mkdir()
    for name in (b"M\xfcller.jpg", "Müller.jpg".encode(), b"g\xfcnter.txt"):
        Path(os.fsdecode(bytes(folder) + b"/" + name)).write_bytes(no_face_png)
    Path(os.fsdecode(bytes(folder) + b"/n\xf6.txt")).write_bytes(b"words")
    out = Path(os.fsdecode(bytes(tmp_path) + b"/Gesichter-\xf6"))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "fer_core",
            "annotate",
            folder,
            out,
            "--models",
            "cnn",
            "--jobs",
            "1",
        ],
        capture_output=True,
        cwd=PROJECT,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["photos"] == 3
    assert done.stderr.startswith(rb"Skipped 1 other file, n\xf6.txt.")
    (tmp_path / "out").symlink_to(out)
    assert rows(tmp_path / "out")["id"].tolist() == [
        *("Müller.jpg", r"M\xfcller.jpg", r"g\xfcnter.txt")
    ]


def test_a_parquet_file_may_have_any_name(tmp_path, no_face_png):
    pq.write_table(pa.table({"image": [no_face_png]}), tmp_path / "a.parquet")
    (tmp_path / "a.parquet").rename(os.fsdecode(bytes(tmp_path) + b"/\xfc.parquet"))
    place = open_place(tmp_path)
    listing = list_input(place)
    (photo,) = read_photos(place, listing.columns, *listing.partitions(1))
    assert (photo.id, photo.content) == (r"\xfc.parquet#0", no_face_png)


def test_the_command_annotates_each_photo_once_without_ray_and_goes_on_where_it_stopped(
    photos, tmp_path
):
    out = tmp_path / "out"
    # In this process Ray cannot be imported.
    code = "import sys; sys.modules['ray'] = None; from fer_core.__main__ import app; app()"
    arguments = ["annotate", f"file://{photos}", f"file://{out}", "--models", "cnn", "--jobs", "2"]
    first = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=PROJECT
    )
    assert first.returncode == 1, first.stderr
    told = json.loads(first.stdout)
    assert [told[key] for key in ("photos", "faces", "errors", "partitions")] == [4, 2, 1, 4]
    assert first.stderr.startswith(
        "Skipped 1 other file, notes.txt.\nSkipped 1 system file, ._a.png.\n"
        "4 of 4 photos, 1 of them not readable, "
    )
    whole = rows(out)
    assert whole["id"].tolist() == ["a.png", "b.png", "c.jpg", "deep/er/d.png"]

    (out / "part-000001.parquet").unlink()
    kept = (out / "part-000000.parquet").stat().st_mtime_ns
    resumed = begin_run(f"file://{photos}", f"file://{out}", models=["cnn"])
    assert list(finish_run(resumed, Engine.LOCAL)) == [(1, 1, 0, 0)]
    # The error of the first run is not forgotten.
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1, done.output
    told = json.loads(done.stdout)
    assert [told[key] for key in ("photos", "errors", "errors_done_before")] == [0, 0, 1]
    assert [told[key] for key in ("partitions", "partitions_done_before")] == [0, 4]
    assert (out / "part-000000.parquet").stat().st_mtime_ns == kept
    assert rows(out).equals(whole)


def test_a_worker_that_is_killed_loses_and_doubles_nothing(six, tmp_path, monkeypatch):
    environment = patched_environment(tmp_path / "patch")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    gate = Path(environment["WAITS_FOR"])
    out = tmp_path / "out"
    run = begin_run(str(six), str(out), models=["cnn"], partition_size=2)
    with ThreadPoolExecutor(1) as driver:
        done = driver.submit(lambda: list(finish_run(run, Engine.LOCAL, jobs=1)))
        wait_until(gate.with_suffix(".reached").exists)
        # One partition is done; the worker looks at the first photo of the second.
        (worker,) = workers_of(psutil.Process())
        assert (out / "part-000000.parquet").exists()
        worker.kill()
        gate.unlink()
    assert sorted(done.result()) == [(0, 2, 0, 0), (1, 2, 0, 0), (2, 2, 0, 0)]
    found = rows(out)
    assert found["photo"].tolist() == list(range(6))
    assert found["error"].isna().all()


def test_a_photo_that_kills_every_process_is_left_out(tmp_path, no_face_png, monkeypatch):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, end in (("a", b""), ("b", KILLS), ("c", b"")):
        (folder / f"{name}.png").write_bytes(no_face_png + end)
    environment = patched_environment(tmp_path / "patch")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    run = begin_run(str(folder), str(tmp_path / "out"), models=["cnn"], partition_size=3)
    assert list(finish_run(run, Engine.LOCAL, jobs=1)) == [(0, 3, 0, 1)]
    found = rows(tmp_path / "out")
    assert found["error"].isna().tolist() == [True, False, True]
    assert (
        found["error"][1]
        == "2 processes died (SIGKILL) while analyzing this photo, so it was skipped. Analyze it alone "
        "with: python -m fer_core analyze"
    )


def test_a_driver_that_is_killed_takes_its_workers_along_and_can_be_resumed(six, tmp_path):
    environment = patched_environment(tmp_path / "patch")
    gate = Path(environment["WAITS_FOR"])
    out = tmp_path / "out"
    driver = begin(six, out, "--jobs", 1, "--partition-size", 2, **environment)
    wait_until(gate.with_suffix(".reached").exists)
    (worker,) = workers_of(psutil.Process(driver.pid))
    driver.kill()
    driver.communicate()
    gate.unlink()
    # It says that it begins the next photo, and nobody is there to be told.
    wait_until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
    assert not (out / "part-000001.parquet").exists()
    done_before = (out / "part-000000.parquet").stat().st_mtime_ns
    resumed = begin_run(str(six), str(out), models=["cnn"], partition_size=2)
    assert sorted(finish_run(resumed, Engine.LOCAL, jobs=1)) == [(1, 2, 0, 0), (2, 2, 0, 0)]
    assert (out / "part-000000.parquet").stat().st_mtime_ns == done_before
    assert rows(out)["photo"].tolist() == list(range(6))


def test_workers_that_cannot_start_end_the_run(photos, tmp_path, monkeypatch):
    patch = tmp_path / "patch"
    patch.mkdir()
    dies = "import os, sys\nif 'fer_core.batch.worker' in sys.orig_argv: os._exit(3)"
    (patch / "sitecustomize.py").write_text(dies)
    monkeypatch.setenv("PYTHONPATH", str(patch))
    run = begin_run(str(photos), str(tmp_path / "out"), models=["cnn"])
    worker = Worker(run.task)
    with pytest.raises(JobError, match=r"3 processes died \(exit code 3\) before they had looked"):
        worker.do(run.missing[0])


def test_memory_is_not_a_place_for_several_processes(photos):
    run = begin_run(str(photos), "memory://bucket/elsewhere", models=["cnn"])
    with pytest.raises(JobError, match="one process only"):
        finish_run(run, Engine.LOCAL)


def test_without_ray_its_engine_says_how_to_install_it(photos, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)
    run = begin_run(str(photos), str(tmp_path / "out"), models=["cnn"])
    with pytest.raises(JobError, match=r"Install it with: pip install -r requirements-scale\.txt"):
        list(finish_run(run, Engine.RAY))
