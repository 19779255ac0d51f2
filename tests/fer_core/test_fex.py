"""Py-Feat's format: its column names, and a file that pandas reads."""

import io

import pandas as pd
import pytest

from fer_core.expressions import FER2013
from fer_core.face_columns import FaceColumns
from fer_core.fex import FEX_COLUMNS, fex_lines
from fer_core.photos.decode import decode
from fer_core.records import error_record, to_record

#: As in the files that Py-Feat 0.6 writes.
PUBLISHED = [
    "frame",
    *("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore"),
    *(f"x_{i}" for i in range(68)),
    *(f"y_{i}" for i in range(68)),
    *("AU01", "AU02", "AU04", "AU05", "AU06", "AU07", "AU09", "AU10", "AU11", "AU12", "AU14"),
    *("AU15", "AU17", "AU20", "AU23", "AU24", "AU25", "AU26", "AU28", "AU43"),
    *("Pitch", "Roll", "Yaw"),
    *("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"),
    "input",
]


@pytest.fixture(scope="module")
def record(analyzer, astronaut_png):
    analysis = analyzer.analyze(decode(astronaut_png))
    return to_record("=portrait.png", analysis, columns=FaceColumns.FULL)


def read(records) -> pd.DataFrame:
    labels = {"cnn": FER2013.labels}
    return pd.read_csv(io.StringIO("".join(fex_lines(records, labels))))


def test_columns_are_py_feats(record):
    assert list(FEX_COLUMNS) == PUBLISHED
    assert list(read([record]).columns) == PUBLISHED


def test_a_face_has_its_box_points_units_pose_and_probabilities(record):
    (face,), row = record["faces"], read([record]).iloc[0]
    left, top, right, bottom = face["box_xyxy"]
    assert (row.FaceRectX, row.FaceRectY) == (left, top)
    assert (row.FaceRectWidth, row.FaceRectHeight) == pytest.approx((right - left, bottom - top))
    assert row.AU12 == face["measures"]["AU12"]
    assert row.x_30 == face["measures"]["x_30"]
    assert row.Pitch == face["head_pose_degrees"]["pitch"]
    assert row.happiness == face["predictions"]["cnn"]["probabilities"]["happy"]
    # No blendshape of their own, or none that follows them.
    assert row[["AU06", "AU09", "AU11", "AU23"]].isna().all()
    # A spreadsheet reads no formula.
    assert row.input == "'=portrait.png"


def test_photos_are_counted_and_video_frames_keep_their_number(record):
    no_face = record | {"path": "b.png", "faces": []}
    frame = record | {"path": "c.mp4", "frame": 12}
    table = read([record, no_face, error_record("d.png", "No."), frame])
    assert table.frame.tolist() == [0, 1, 2, 12]
    assert table.FaceScore.notna().tolist() == [True, False, False, True]
    assert table.input.tolist()[1:] == ["b.png", "d.png", "c.mp4"]


def test_a_face_without_landmarks_and_classes_that_a_network_does_not_know_stay_empty(record):
    (face,) = record["faces"]
    answer = face["predictions"]["cnn"]
    known = {k: v for k, v in answer["probabilities"].items() if k != "fear"}
    bare = face | {
        "head_pose_degrees": None,
        "measures": None,
        "predictions": {"cnn": answer | {"probabilities": known}},
    }
    row = read([record | {"faces": [bare]}]).iloc[0]
    assert row[["AU12", "x_0", "Yaw", "fear"]].isna().all()
    assert row.happiness > 0.5
