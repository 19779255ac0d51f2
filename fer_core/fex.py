"""Py-Feat's CSV format: the columns that its `Fex` class reads (Cheong et al. 2023, arXiv:2104.03509).

The columns and their order are those of Py-Feat's own files. Units without an estimate here stay empty, and
so do coordinates and units of a face without landmarks.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any, Final

from fer_core.expressions import Expression
from fer_core.faces.landmarks import IBUG_68
from fer_core.records import table_lines

_BOX: Final = ("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore")
_POINTS: Final = tuple(f"{axis}_{i}" for axis in "xy" for i in range(len(IBUG_68)))
_UNITS: Final = (
    *("AU01", "AU02", "AU04", "AU05", "AU06", "AU07", "AU09", "AU10", "AU11", "AU12"),
    *("AU14", "AU15", "AU17", "AU20", "AU23", "AU24", "AU25", "AU26", "AU28", "AU43"),
)
_POSE: Final = ("Pitch", "Roll", "Yaw")
_EMOTIONS: Final = {
    "anger": Expression.ANGRY,
    "disgust": Expression.DISGUST,
    "fear": Expression.FEAR,
    "happiness": Expression.HAPPY,
    "sadness": Expression.SAD,
    "surprise": Expression.SURPRISE,
    "neutral": Expression.NEUTRAL,
}
FEX_COLUMNS: Final = ("frame", *_BOX, *_POINTS, *_UNITS, *_POSE, *_EMOTIONS, "input")


def fex_lines(
    records: Iterable[Mapping[str, Any]], labels: Mapping[str, Iterable[Expression]]
) -> Iterator[str]:
    """Yield a CSV table in Py-Feat's format in parts: the header, then the rows of each JSON object.

    A row is a face. A photo or frame without a face has one row with `frame` and `input` alone. `frame` is
    the number of the photo from 0, or of the analyzed frame of a video from 1. The probabilities are the
    last network's.

    Args:
        records: of photos or of video frames, with the full columns.
        labels: the classes of each network that was asked, by the name of its bundle.
    """
    network = list(labels)[-1]
    photos = count()

    def rows(record: Mapping[str, Any]) -> list[dict[str, Any]]:
        number = record["frame"] if "frame" in record else next(photos)
        place = {"frame": number, "input": record["path"]}
        return [place | _cells(face, network) for face in record["faces"]] or [place]

    return table_lines(FEX_COLUMNS, records, rows)


def _cells(face: Mapping[str, Any], network: str) -> dict[str, Any]:
    left, top, right, bottom = face["box_xyxy"]
    width, height = round(right - left, 1), round(bottom - top, 1)
    box = (left, top, width, height, face["detector_confidence"])
    cells = dict(zip(_BOX, box, strict=True))
    cells |= {angle.capitalize(): v for angle, v in (face["head_pose_degrees"] or {}).items()}
    measures = face["measures"] or {}
    cells |= {name: measures[name] for name in (*_POINTS, *_UNITS) if name in measures}
    probabilities = face["predictions"][network]["probabilities"]
    return cells | {emotion: probabilities.get(label) for emotion, label in _EMOTIONS.items()}
