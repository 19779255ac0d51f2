"""The JSON and CSV forms of an analysis, for the command line, the pages and the Python API."""

import csv
import io
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, Final, TypeVar

import numpy as np

from fer_core.analysis import Analysis, FaceAnalysis
from fer_core.expressions import Expression
from fer_core.face_columns import FaceColumns
from fer_core.faces.face_measures import FACE_MEASURES
from fer_core.files import readable_name

_Record = TypeVar("_Record")
_PIXEL_DIGITS: Final = 1
_DEGREE_DIGITS: Final = 1
_BOX: Final = ("left", "top", "right", "bottom")
_ANSWER: Final = ("expression", "confidence", "abstained", "level")
#: Of a photo in the table of photos.
_PHOTO_COLUMNS: Final = ("path", "width", "height", "turned_degrees")
#: Of a face in every table, before the predictions of the networks.
FACE_COLUMNS: Final = (
    *_BOX,
    "detector_confidence",
    *(f"{angle}_degrees" for angle in ("pitch", "yaw", "roll")),
    "landmarks_found",
    "quality",
)
#: Characters that start a formula in spreadsheets, also after a tab or a line break.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
#: Enough for probabilities to sum to 1 within 1e-5.
_PROBABILITY_DIGITS: Final = 7


def to_record(
    path: str | None,
    analysis: Analysis,
    *,
    landmarks: bool = False,
    columns: FaceColumns = FaceColumns.BASIC,
) -> dict[str, Any]:
    """Return the JSON object of one photo, as `analyze` prints it.

    Args:
        path: of the file; None where there is none. Bytes that are not UTF-8 are written as `\\xfc`.
        analysis: of the photo.
        landmarks: add each face's `landmarks`, 478 times x, y and z in pixels; None where none were found.
        columns: with `FULL` add each face's `measures` by their names; None without landmarks.
    """
    return {
        "path": None if path is None else readable_name(path),
        "width": analysis.width,
        "height": analysis.height,
        "turned_degrees": 90 * analysis.quarter_turns,
        "framing": str(analysis.framing),
        "smallest_face_pixels": analysis.smallest_face_pixels,
        "faces": [
            _face_record(face, landmarks=landmarks, columns=columns) for face in analysis.faces
        ],
        "seconds": round(analysis.seconds, 4),
        "error": None,
    }


def error_record(path: str, message: str) -> dict[str, Any]:
    """Return the JSON object of a file that could not be read."""
    return {
        "path": readable_name(path),
        "width": None,
        "height": None,
        "turned_degrees": None,
        "framing": None,
        "smallest_face_pixels": None,
        "faces": [],
        "seconds": None,
        "error": message,
    }


def _face_record(
    analysis: FaceAnalysis, *, landmarks: bool, columns: FaceColumns
) -> dict[str, Any]:
    pose, points = analysis.head_pose_degrees, analysis.landmarks
    record = {
        "box_xyxy": _rounded(analysis.box_xyxy),
        "stored_box_xyxy": _rounded(analysis.stored_box_xyxy),
        "detector_confidence": round(analysis.detector_confidence, 4),
        "head_pose_degrees": pose
        and {
            "pitch": round(pose.pitch, _DEGREE_DIGITS),
            "yaw": round(pose.yaw, _DEGREE_DIGITS),
            "roll": round(pose.roll, _DEGREE_DIGITS),
        },
        "landmarks_found": points is not None,
        "quality": [str(note.code) for note in analysis.quality],
        "main_network": analysis.main_network,
        "predictions": {
            name: {
                "expression": str(prediction.expression),
                "confidence": round(prediction.confidence, _PROBABILITY_DIGITS),
                "abstained": prediction.abstained,
                "level": str(prediction.level),
                "probabilities": {
                    str(label): round(p, _PROBABILITY_DIGITS)
                    for label, p in prediction.by_expression.items()
                },
            }
            for name, prediction in analysis.predictions.items()
        },
    }
    if landmarks:
        record["landmarks"] = None if points is None else [_rounded(point) for point in points]
    if columns is FaceColumns.FULL:
        record["measures"] = analysis.measures
    return record


def _rounded(pixels: np.ndarray) -> list[float]:
    return [round(float(value), _PIXEL_DIGITS) for value in pixels]


def csv_lines(
    records: Iterable[Mapping[str, Any]],
    labels: Mapping[str, Iterable[Expression]],
    *,
    faces: Iterable[Collection[int]] | None = None,
    columns: FaceColumns = FaceColumns.BASIC,
) -> Iterator[str]:
    """Yield a CSV table in parts: the header, then the rows of each photo's JSON object.

    A row is a face; `face` counts from 1 and is 0 in the one row of a photo without a face or of a file
    with an error.

    Args:
        records: of `to_record` and `error_record`.
        labels: the classes of each network that was asked, by the name of its bundle.
        faces: which rows to keep of each record, by their `face`; by default all.
        columns: that the records have.
    """
    kept = repeat(None) if faces is None else faces
    names = [*table_columns(labels, columns), "error"]
    return table_lines(names, zip(records, kept, strict=faces is not None), _csv_rows)


def table_columns(
    labels: Mapping[str, Iterable[Expression]], columns: FaceColumns = FaceColumns.BASIC
) -> list[str]:
    """Return the columns of a table of faces; `labels` are the classes of each network by its name."""
    names = [*_PHOTO_COLUMNS, "face", *FACE_COLUMNS]
    for name, classes in labels.items():
        names += prediction_columns(name, classes)
    return [*names, *measure_columns(columns)]


def measure_columns(columns: FaceColumns) -> list[str]:
    """Return the names of the measures that a table has."""
    return [measure.name for measure in FACE_MEASURES] if columns is FaceColumns.FULL else []


def face_rows(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of `table_columns`, one per face, from the JSON object of a photo."""
    photo = {key: record[key] for key in _PHOTO_COLUMNS}
    rows = []
    for number, face in enumerate(record["faces"], start=1):
        row = photo | {"face": number} | face_cells(face)
        for name, prediction in face["predictions"].items():
            row |= prediction_cells(name, prediction)
        rows.append(row)
    return rows


def prediction_columns(name: str, classes: Iterable[Expression]) -> list[str]:
    """Return the columns of a network's prediction and probabilities, each prefixed with `name`."""
    return [*(f"{name}_{key}" for key in _ANSWER), *(f"{name}_p_{label}" for label in classes)]


def prediction_cells(name: str, prediction: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of `prediction_columns`, from the JSON object of a prediction."""
    cells = {f"{name}_{key}": prediction[key] for key in _ANSWER}
    return cells | {f"{name}_p_{k}": p for k, p in prediction["probabilities"].items()}


def face_cells(face: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of FACE_COLUMNS and of its measures, if it has any, from a face's JSON object."""
    cells = dict(zip(_BOX, face["box_xyxy"], strict=True))
    cells["detector_confidence"] = face["detector_confidence"]
    cells |= {f"{angle}_degrees": v for angle, v in (face["head_pose_degrees"] or {}).items()}
    return cells | {
        "landmarks_found": face["landmarks_found"],
        "quality": " ".join(face["quality"]),
        **(face.get("measures") or {}),
    }


def table_lines(
    columns: Sequence[str],
    records: Iterable[_Record],
    rows_of: Callable[[_Record], Iterable[Mapping[str, Any]]],
) -> Iterator[str]:
    """Yield a CSV table in parts: the header, then the rows of each record."""
    line = io.StringIO()
    writer = csv.DictWriter(line, fieldnames=columns, lineterminator="\n")
    writer.writeheader()
    yield line.getvalue()
    for record in records:
        line.seek(0)
        line.truncate()
        for row in rows_of(record):
            writer.writerow({key: escape_formula(value) for key, value in row.items()})
        yield line.getvalue()


def _csv_rows(
    record_and_faces: tuple[Mapping[str, Any], Collection[int] | None],
) -> list[dict[str, Any]]:
    record, faces = record_and_faces
    rows = [row | {"error": None} for row in face_rows(record)]
    if not rows:
        photo = {key: record[key] for key in _PHOTO_COLUMNS}
        rows = [photo | {"face": 0, "error": record["error"]}]
    return [row for row in rows if faces is None or row["face"] in faces]


def escape_formula(value: object) -> object:
    """Return a cell that a spreadsheet shows as text; a file may be called =HYPERLINK(...)."""
    return f"'{value}" if isinstance(value, str) and value[:1] in _FORMULA_STARTS else value
