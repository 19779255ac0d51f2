"""The JSON and CSV that leave the program: the contract of `analyze`."""

import csv
import dataclasses
import io
import json

import numpy as np
import pytest

from fer_core.expressions import FER2013
from fer_core.face_columns import FaceColumns
from fer_core.faces.face_measures import FACE_MEASURES
from fer_core.photos.decode import decode
from fer_core.records import csv_lines, error_record, to_record


@pytest.fixture(scope="module")
def record(analyzer, astronaut_png):
    return to_record("portrait.png", analyzer.analyze(decode(astronaut_png)))


def test_the_record_has_the_contracts_fields_and_is_json(record):
    assert list(record) == [
        *("path", "width", "height", "turned_degrees", "framing", "smallest_face_pixels"),
        *("faces", "seconds", "error"),
    ]
    assert (record["width"], record["height"], record["error"]) == (512, 512, None)
    (face,) = record["faces"]
    assert list(face) == [
        "box_xyxy",
        "stored_box_xyxy",
        "detector_confidence",
        "head_pose_degrees",
        "landmarks_found",
        "quality",
        "main_network",
        "predictions",
    ]
    assert set(face["head_pose_degrees"]) == {"pitch", "yaw", "roll"}
    assert face["main_network"] == "cnn"
    answer = face["predictions"]["cnn"]
    assert list(answer) == ["expression", "confidence", "abstained", "level", "probabilities"]
    assert tuple(answer["probabilities"]) == FER2013.labels
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert json.loads(json.dumps(record)) == record


def test_landmarks_are_in_the_record_where_they_are_asked_for(analyzer, astronaut_png, record):
    analysis = analyzer.analyze(decode(astronaut_png))
    (face,) = to_record(None, analysis, landmarks=True)["faces"]
    points = face.pop("landmarks")
    assert face == record["faces"][0]
    np.testing.assert_allclose(points, analysis.faces[0].face.landmarks, atol=0.051)
    assert json.loads(json.dumps(points)) == points


def test_full_columns_add_measures_and_change_nothing_else(analyzer, astronaut_png, record):
    analysis = analyzer.analyze(decode(astronaut_png))
    full = to_record("portrait.png", analysis, columns=FaceColumns.FULL)
    measures = full["faces"][0].pop("measures")
    assert full["faces"] == record["faces"]
    assert list(measures) == [measure.name for measure in FACE_MEASURES]
    assert json.loads(json.dumps(measures, allow_nan=False)) == measures
    full["faces"][0]["measures"] = measures
    records = [full, error_record("b.jpg", "No.")]
    text = "".join(csv_lines(records, {"cnn": FER2013.labels}, columns=FaceColumns.FULL))
    first, second = csv.DictReader(io.StringIO(text))
    assert float(first["AU12"]) == measures["AU12"] > 0.5
    assert (second["AU12"], second["error"]) == ("", "No.")
    basic = table([record]).splitlines()[0].removesuffix(",error")
    assert text.startswith(f"{basic},AU01,")


def test_a_face_without_landmarks_has_no_measures(analyzer, astronaut_png):
    analysis = analyzer.analyze(decode(astronaut_png))
    bare = dataclasses.replace(
        analysis.faces[0], face=dataclasses.replace(analysis.faces[0].face, mesh=None)
    )
    record = to_record(
        "a.png", dataclasses.replace(analysis, faces=(bare,)), columns=FaceColumns.FULL
    )
    assert record["faces"][0]["measures"] is None
    text = "".join(csv_lines([record], {"cnn": FER2013.labels}, columns=FaceColumns.FULL))
    assert next(csv.DictReader(io.StringIO(text)))["AU12"] == ""


def test_a_photo_without_a_face_is_no_error(analyzer, no_face_png):
    record = to_record("coffee.png", analyzer.analyze(decode(no_face_png)))
    assert record["faces"] == []
    assert record["error"] is None


def table(records):
    return "".join(csv_lines(records, {"cnn": FER2013.labels}))


def test_csv_has_a_row_a_face_and_a_row_an_error(record):
    two = record | {"faces": record["faces"] * 2}
    rows = list(csv.DictReader(io.StringIO(table([error_record("a.jpg", "It, broke."), two]))))
    assert [row["face"] for row in rows] == ["0", "1", "2"]
    assert rows[0]["error"] == "It, broke."
    assert rows[1]["cnn_expression"] == "happy"
    assert float(rows[2]["cnn_p_happy"]) == pytest.approx(float(rows[2]["cnn_confidence"]))
    assert rows[1]["error"] == ""
    assert rows[1]["cnn_level"] == record["faces"][0]["predictions"]["cnn"]["level"] == "confident"
    assert rows[0]["cnn_level"] == ""


def test_a_file_name_cannot_become_a_formula(record):
    rows = list(csv.DictReader(io.StringIO(table([record | {"path": "=HYPERLINK(1)"}]))))
    assert rows[0]["path"] == "'=HYPERLINK(1)"


def test_no_photos_make_a_table_of_headings():
    assert table([]).startswith("path,width,height,turned_degrees,face,")
    assert table([]).count("\n") == 1


def test_rows_come_as_soon_as_their_photo_is_done(record):
    def records():
        yield record
        raise AssertionError("the second photo was asked for before the first was handed on")

    lines = csv_lines(records(), {"cnn": FER2013.labels})
    assert next(lines).startswith("path,")
    assert next(lines).startswith(record["path"])
