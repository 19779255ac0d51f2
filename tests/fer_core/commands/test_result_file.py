"""A file of results after any end: whole photos stay, what is torn goes, each photo comes once."""

import codecs
import csv
import io
import json
import os
import tracemalloc

import pytest

from fer_core.annotate.answering import Answering, answering
from fer_core.commands.result_file import (
    Contents,
    ResultFile,
    ResultFileError,
    json_line,
    to_bytes,
)
from fer_core.commands.result_meta import ResultMeta, ResultMetaError, meta_path
from fer_core.expressions import FER2013
from fer_core.face_columns import FaceChoice, FaceColumns
from fer_core.networks.bundles import resolve
from fer_core.records import csv_lines, error_record

LABELS = {"cnn": FER2013.labels}
HEADER = next(csv_lines([], LABELS))


def face(confidence: float) -> dict:
    return {
        "box_xyxy": [1.0, 2.0, 3.0, 4.0],
        "detector_confidence": 0.9,
        "head_pose_degrees": None,
        "landmarks_found": False,
        "quality": ["small", "dark"],
        "predictions": {
            "cnn": {
                "expression": "happy",
                "confidence": confidence,
                "abstained": False,
                "level": "confident",
                "probabilities": dict.fromkeys(map(str, FER2013.labels), confidence),
            }
        },
    }


def photo(path: str, faces: int) -> dict:
    return error_record(path, "") | {"faces": [face(i / 10) for i in range(faces)], "error": None}


#: With faces in several rows, errors, a path given twice, and names that need quotes in CSV.
RECORDS = [
    photo("a.jpg", 2),
    error_record("=b.jpg", "It, broke."),
    photo('c "d"\n,e.jpg', 3),
    photo("twice.jpg", 1),
    photo("f.jpg", 0),
    photo("twice.jpg", 1),
    error_record("g\udcff.jpg", "No."),
]


def texts(form: str) -> list[str]:
    if form == "jsonl":
        return [json_line(record) for record in RECORDS]
    return list(csv_lines(RECORDS, LABELS))[1:]


def test_a_file_with_other_columns_is_refused(tmp_path):
    write(tmp_path / "basic.jsonl", "jsonl", resume=False)
    with pytest.raises(ResultFileError, match="other --columns"):
        ResultFile(
            tmp_path / "basic.jsonl",
            header="",
            networks=("cnn",),
            contents=Contents(columns=FaceColumns.FULL),
            resume=True,
        )


def test_a_file_without_landmarks_is_not_continued_with_them(tmp_path):
    write(tmp_path / "basic.jsonl", "jsonl", resume=False)
    with pytest.raises(ResultFileError, match="line 1 was written without --landmarks"):
        ResultFile(
            tmp_path / "basic.jsonl",
            header="",
            networks=("cnn",),
            contents=Contents(landmarks=True),
            resume=True,
        )
    record = photo("a.jpg", 1)
    record["faces"][0]["landmarks"] = None
    (tmp_path / "landmarks.jsonl").write_text(json_line(record))
    with pytest.raises(ResultFileError, match="line 1 was written with --landmarks"):
        open_file(tmp_path / "landmarks.jsonl", "jsonl")


def test_a_csv_file_of_an_earlier_version_is_refused_with_what_it_lacks(tmp_path):
    path = tmp_path / "old.csv"
    path.write_text(HEADER.replace(",cnn_level", ""))
    with pytest.raises(
        ResultFileError, match=r"earlier version .* without cnn_level\. Give another"
    ):
        open_file(path, "csv")
    assert path.read_text() == HEADER.replace(",cnn_level", "")


@pytest.fixture(scope="module")
def conditions() -> Answering:
    return answering({"cnn": resolve("cnn")})


def open_with_meta(path, meta: ResultMeta, *, resume: bool = True) -> None:
    file = ResultFile(path, header="", networks=("cnn",), meta=meta, resume=resume)
    if not file.done:
        file.append(json_line(RECORDS[0]))
    file.close()


def test_other_weights_or_faces_are_not_mixed_into_a_file(tmp_path, conditions):
    path = tmp_path / "a.jsonl"
    meta = ResultMeta(answering=conditions)
    open_with_meta(path, meta, resume=False)
    assert ResultMeta.model_validate_json((tmp_path / "a.jsonl.meta.json").read_text()) == meta
    open_with_meta(path, meta)
    retrained = conditions.networks["cnn"].model_copy(
        update={"sha256": "f" * 64, "abstention_threshold": 0.5}
    )
    other = conditions.model_copy(update={"networks": {"cnn": retrained}})
    with pytest.raises(ResultMetaError, match=r"cnn\.sha256 was .* is ffffffffffff.*threshold was"):
        open_with_meta(path, ResultMeta(answering=other))
    with pytest.raises(ResultMetaError, match="faces was all and is largest"):
        open_with_meta(path, meta.model_copy(update={"faces": FaceChoice.LARGEST}))
    assert path.read_text() == json_line(RECORDS[0])


def test_a_file_without_meta_is_continued_and_one_with_a_damaged_meta_is_not(tmp_path, conditions):
    path = tmp_path / "a.jsonl"
    path.write_text(json_line(RECORDS[0]))
    open_with_meta(path, ResultMeta(answering=conditions))
    assert not meta_path(path).exists()
    meta_path(path).write_text("{}")
    with pytest.raises(ResultMetaError, match=r"meta\.json cannot be read, .* Delete it"):
        open_with_meta(path, ResultMeta(answering=conditions))


def test_a_run_that_was_stopped_before_its_first_photo_begins_again(tmp_path, conditions):
    path = tmp_path / "a.jsonl"
    path.touch()
    meta_path(path).write_text("of another run")
    open_with_meta(path, ResultMeta(answering=conditions))
    assert ResultMeta.model_validate_json(meta_path(path).read_text()).answering == conditions


def open_file(path, form: str, *, resume: bool = True, networks=("cnn",)) -> ResultFile:
    return ResultFile(
        path, header=HEADER if form == "csv" else "", networks=networks, resume=resume
    )


def write(path, form: str, *, resume: bool = True) -> ResultFile:
    """Write all records that are not there."""
    file = open_file(path, form, resume=resume)
    for record, text in zip(RECORDS, texts(form), strict=True):
        if not file.take(record["path"]):
            file.append(text)
    file.close()
    return file


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_file_torn_anywhere_is_completed_to_the_same_bytes(tmp_path, monkeypatch, form):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    write(tmp_path / "whole", form, resume=False)
    whole = (tmp_path / "whole").read_bytes()
    torn = tmp_path / "torn"
    ends = [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    near = {end + offset for end in ends for offset in (-1, 0, 1)}
    for end in sorted({*range(0, len(whole), 17), *near} - {len(whole) + 1}):
        torn.write_bytes(whole[:end])
        write(torn, form)
        assert torn.read_bytes() == whole, end


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_what_is_whole_is_not_done_again(tmp_path, form):
    path = tmp_path / "file"
    write(path, form, resume=False)
    file = open_file(path, form)
    file.close()
    # Of CSV, where nothing tells how many rows a photo has, the last one is done again.
    assert sum(file.done.values()) == len(RECORDS) - (form == "csv")
    assert file.failed == (2 if form == "jsonl" else 1)


def test_json_lines_and_rows_read_back(tmp_path):
    write(tmp_path / "a.jsonl", "jsonl", resume=False)
    lines = (tmp_path / "a.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == RECORDS
    write(tmp_path / "a.csv", "csv", resume=False)
    content = (tmp_path / "a.csv").read_text("utf-8-sig", errors="surrogateescape")
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    assert [row["face"] for row in rows] == [*"12", "0", *"123", "1", "0", "1", "0"]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_names_that_earlier_versions_wrote_in_bytes_are_found(tmp_path, form):
    name, other = "g\udcff.jpg", photo("a.jpg", 1)
    if form == "jsonl":
        text = json_line(other | {"path": name}) + json_line(other)
    else:
        text = "".join(csv_lines([other, other], LABELS)).replace("a.jpg", name, 1)
    (tmp_path / "old").write_bytes(to_bytes(text))
    file = open_file(tmp_path / "old", form)
    assert file.take(name)
    file.close()


def test_a_csv_file_has_the_mark_that_excel_reads_umlauts_by(tmp_path):
    write(tmp_path / "a.csv", "csv", resume=False)
    content = (tmp_path / "a.csv").read_bytes()
    assert content.startswith(codecs.BOM_UTF8 + b"path,")
    assert content.count(codecs.BOM_UTF8) == 1
    write(tmp_path / "a.jsonl", "jsonl", resume=False)
    assert (tmp_path / "a.jsonl").read_bytes().startswith(b"{")


@pytest.mark.parametrize("length", [0, 1, 40, 400, 700])
def test_a_csv_file_without_the_mark_is_gone_on_with(tmp_path, length):
    path = tmp_path / "a.csv"
    write(path, "csv", resume=False)
    whole = path.read_bytes()
    unmarked = whole.removeprefix(codecs.BOM_UTF8)
    path.write_bytes(unmarked[:length])
    write(path, "csv")
    # A header that was not whole is written again, and then with the mark.
    assert path.read_bytes() == (whole if length < len(HEADER) else unmarked)


def test_lengths_without_content_at_the_end_are_torn_too(tmp_path):
    path = tmp_path / "a.jsonl"
    write(path, "jsonl", resume=False)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20] + bytes(19) + b"\n")
    write(path, "jsonl")
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("jsonl", b"my notes\nmore notes\n"),
        ("jsonl", b"my notes\n"),
        ("jsonl", b"my notes"),
        ("jsonl", b'{"path": 3}\n{}\n'),
        ("csv", b"a,b\n1,2\n"),
        ("csv", b"my notes"),
        ("csv", HEADER.encode() + b"1,2\n3,4\n"),
    ],
)
def test_a_file_of_something_else_is_left_alone(tmp_path, form, content):
    path = tmp_path / "notes"
    path.write_bytes(content)
    with pytest.raises(ResultFileError, match="cannot be resumed"):
        open_file(path, form)
    assert path.read_bytes() == content


def test_other_networks_a_file_that_is_there_and_one_in_use_are_refused(tmp_path):
    path = tmp_path / "a.jsonl"
    file = open_file(path, "jsonl", resume=False)
    file.append(json_line(RECORDS[0]))
    with pytest.raises(ResultFileError, match="Another run"):
        open_file(path, "jsonl")
    file.close()
    with pytest.raises(ResultFileError, match="--resume"):
        open_file(path, "jsonl", resume=False)
    with pytest.raises(ResultFileError, match="other networks"):
        open_file(path, "jsonl", networks=("cnn", "dual"))
    with pytest.raises(ResultFileError, match="cannot be written"):
        open_file(tmp_path / "no" / "folder", "jsonl", resume=False)


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_large_file_is_read_row_by_row(tmp_path, form):
    path = tmp_path / f"faces.{form}"
    file = open_file(path, form, resume=False)
    records = [error_record(f"{i}.jpg", 20_000 * "x") for i in range(200)]
    lines = map(json_line, records) if form == "jsonl" else list(csv_lines(records, LABELS))[1:]
    file.append("".join(lines))
    file.close()
    tracemalloc.start()
    file = open_file(path, form)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    file.close()
    assert sum(file.done.values()) >= 199
    assert peak < path.stat().st_size / 5
