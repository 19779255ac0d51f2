"""The rows that bulk annotation writes: their only schema, and the functions that make them.

A row is a face. A photo in which there is none has one row, with `n_faces` and `face` 0. An image that could
not be read has one row too, with `error`, and null in all that would have come from its pixels.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pyarrow as pa

from fer_core.analysis import Analysis, FaceAnalysis
from fer_core.expressions import Expression
from fer_core.face_columns import FaceColumns
from fer_core.faces.face_measures import FACE_MEASURES, measures_of

#: To be raised with each change of the columns. 2 added `NETWORK_level`.
ROWS_VERSION: Final = 2
_BOX: Final = ("left", "top", "right", "bottom")
_OF_A_PHOTO: Final = (
    ("photo", pa.int64(), "place of the photo in the input, from 0"),
    ("id", pa.string(), "path below the input, or the row's id, or FILE#ROW"),
    ("width", pa.int32(), "pixels of the upright photo"),
    ("height", pa.int32(), "pixels of the upright photo"),
    (
        "turned_degrees",
        pa.int32(),
        "counter-clockwise, that the photo was turned to be upright, after EXIF",
    ),
    ("n_faces", pa.int32(), "faces in the photo; null if it could not be read"),
    ("face", pa.int32(), "number of the face in reading order, from 1; 0 in a row without a face"),
)
_OF_A_FACE: Final = (
    *((side, pa.float32(), "pixels of the upright photo") for side in _BOX),
    ("detector_confidence", pa.float32(), "score in [0, 1]"),
    ("pitch_degrees", pa.float32(), "above 0 looking down; null without landmarks"),
    ("yaw_degrees", pa.float32(), "above 0 turned towards the right of the image"),
    ("roll_degrees", pa.float32(), "above 0 tilted clockwise in the image"),
    ("landmarks_found", pa.bool_(), "whether the 478 landmarks were found"),
    ("quality", pa.list_(pa.string()), "reasons for caution, most of the time none"),
)
_OF_A_NETWORK: Final = (
    ("expression", pa.string(), "the most probable class"),
    ("confidence", pa.float32(), "its calibrated probability in [0, 1]"),
    (
        "abstained",
        pa.bool_(),
        "whether the confidence is below the network's threshold, or which way up the face is unknown",
    ),
    ("level", pa.string(), "level of confidence: confident, probable or unclear"),
)
_ERROR: Final = ("error", pa.string(), "why the image could not be read; null if it was")


def row_schema(
    labels: Mapping[str, Iterable[Expression]], columns: FaceColumns = FaceColumns.BASIC
) -> pa.Schema:
    """Return the schema of the rows; `about` in each field's metadata has its meaning and unit.

    Args:
        labels: the classes of each network that is asked, in the order of its probabilities, by its name.
        columns: of each face.
    """
    fields = [*_OF_A_PHOTO, *_OF_A_FACE]
    for name, classes in labels.items():
        fields += [(f"{name}_{key}", kind, about) for key, kind, about in _OF_A_NETWORK]
        fields += [(f"{name}_p_{c}", pa.float32(), "calibrated probability") for c in classes]
    if columns is FaceColumns.FULL:
        fields += [(measure.name, pa.float32(), measure.about) for measure in FACE_MEASURES]
    return pa.schema(
        [pa.field(name, kind, metadata={"about": about}) for name, kind, about in (*fields, _ERROR)]
    )


def photo_rows(
    number: int, photo_id: str, analysis: Analysis, columns: FaceColumns = FaceColumns.BASIC
) -> list[dict[str, Any]]:
    """Return the rows of a photo that was read; omitted values are null."""
    photo = {
        "photo": number,
        "id": photo_id,
        "width": analysis.width,
        "height": analysis.height,
        "turned_degrees": 90 * analysis.quarter_turns,
        "n_faces": len(analysis.faces),
    }
    if not analysis.faces:
        return [photo | {"face": 0}]
    return [
        photo | {"face": i} | _face(face, columns) for i, face in enumerate(analysis.faces, start=1)
    ]


def error_row(number: int, photo_id: str, message: str) -> dict[str, Any]:
    """Return the row of an image that could not be read."""
    return {"photo": number, "id": photo_id, "face": 0, "error": message}


def _face(analysis: FaceAnalysis, columns: FaceColumns) -> dict[str, Any]:
    face, pose = analysis.face, analysis.face.head_pose
    row: dict[str, Any] = dict(zip(_BOX, face.box_xyxy.tolist(), strict=True))
    row["detector_confidence"] = float(face.confidence)
    if pose is not None:
        row |= {"pitch_degrees": pose.pitch, "yaw_degrees": pose.yaw, "roll_degrees": pose.roll}
    row["landmarks_found"] = face.landmarks is not None
    row["quality"] = [str(note.code) for note in analysis.quality]
    for name, prediction in analysis.predictions.items():
        row[f"{name}_expression"] = str(prediction.expression)
        row[f"{name}_confidence"] = prediction.confidence
        row[f"{name}_abstained"] = prediction.abstained
        row[f"{name}_level"] = str(prediction.level)
        row |= {f"{name}_p_{c}": p for c, p in prediction.by_expression.items()}
    if face.mesh is not None and columns is FaceColumns.FULL:
        row |= measures_of(face.mesh)
    return row
