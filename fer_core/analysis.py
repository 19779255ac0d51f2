"""The pipeline from a photo to every face's expression, and the form in which it is passed on."""

import csv
import io
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fer_core.classifier import Classifier, Prediction
from fer_core.crops import FaceInputs, face_inputs
from fer_core.expressions import Expression
from fer_core.faces import Face, FaceFinder
from fer_core.images import Photo
from fer_core.quality import QualityNote, assess

_PIXEL_DIGITS: Final = 1
_DEGREE_DIGITS: Final = 1
_BOX: Final = ("left", "top", "right", "bottom")
#: What spreadsheets take for a formula, also behind a tab or a line's end.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
#: Enough for probabilities to sum to 1 within 1e-5.
_PROBABILITY_DIGITS: Final = 7


@dataclass(frozen=True, slots=True, eq=False)
class FaceAnalysis:
    """All that was found out about one face.

    Attributes:
        face: where it is.
        inputs: what the networks saw of it.
        quality: reasons for caution.
        predictions: each network's opinion, by the name of its bundle.
    """

    face: Face
    inputs: FaceInputs
    quality: tuple[QualityNote, ...]
    predictions: dict[str, Prediction]


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """All that was found out about one photo.

    Attributes:
        width, height: pixels of the upright photo.
        faces: in reading order.
        seconds: time it took, decoding not included.
        model_seconds: of that, the time that each network took for all faces, by its bundle's name.
    """

    width: int
    height: int
    faces: tuple[FaceAnalysis, ...]
    seconds: float
    model_seconds: dict[str, float]


class Analyzer:
    """A face finder and the networks that are asked. Safe to share between threads."""

    def __init__(self, finder: FaceFinder, classifiers: Mapping[str, Classifier]) -> None:
        """Keep what is needed; `classifiers` by the name of the bundle, in the order of the output."""
        self._finder = finder
        self.classifiers = dict(classifiers)

    def analyze(self, photo: Photo) -> Analysis:
        """Return every face of the photo with every network's opinion on it."""
        began = time.perf_counter()
        faces = self._finder.find(photo.rgb)
        inputs = [face_inputs(photo.rgb, face) for face in faces]
        opinions, model_seconds = {}, {}
        for name, classifier in self.classifiers.items():
            asked = time.perf_counter()
            opinions[name] = classifier.predict(inputs)
            model_seconds[name] = time.perf_counter() - asked
        return Analysis(
            width=photo.width,
            height=photo.height,
            faces=tuple(
                FaceAnalysis(
                    face=face,
                    inputs=seen,
                    quality=assess(photo.rgb, face, seen),
                    predictions={name: opinions[name][i] for name in opinions},
                )
                for i, (face, seen) in enumerate(zip(faces, inputs, strict=True))
            ),
            seconds=time.perf_counter() - began,
            model_seconds=model_seconds,
        )


def to_record(path: str, analysis: Analysis) -> dict[str, Any]:
    """Return the JSON object of one photo, as `analyze` prints it."""
    return {
        "path": path,
        "width": analysis.width,
        "height": analysis.height,
        "faces": [_face_record(face) for face in analysis.faces],
        "seconds": round(analysis.seconds, 4),
        "error": None,
    }


def error_record(path: str, message: str) -> dict[str, Any]:
    """Return the JSON object of a file that could not be read."""
    return {
        "path": path,
        "width": None,
        "height": None,
        "faces": [],
        "seconds": None,
        "error": message,
    }


def _face_record(analysis: FaceAnalysis) -> dict[str, Any]:
    face, pose = analysis.face, analysis.face.head_pose
    return {
        "box_xyxy": [round(float(v), _PIXEL_DIGITS) for v in face.box_xyxy],
        "detector_confidence": round(float(face.confidence), 4),
        "head_pose_degrees": pose
        and {
            "pitch": round(pose.pitch, _DEGREE_DIGITS),
            "yaw": round(pose.yaw, _DEGREE_DIGITS),
            "roll": round(pose.roll, _DEGREE_DIGITS),
        },
        "landmarks_found": face.landmarks is not None,
        "quality": [str(note.code) for note in analysis.quality],
        "predictions": {
            name: {
                "expression": str(prediction.expression),
                "confidence": round(prediction.confidence, _PROBABILITY_DIGITS),
                "abstained": prediction.abstained,
                "probabilities": {
                    str(label): round(float(p), _PROBABILITY_DIGITS)
                    for label, p in zip(prediction.labels, prediction.probabilities, strict=True)
                },
            }
            for name, prediction in analysis.predictions.items()
        },
    }


def csv_lines(
    records: Iterable[Mapping[str, Any]], labels: Mapping[str, Iterable[Expression]]
) -> Iterator[str]:
    """Yield a CSV table as it comes: the header, then the rows of each photo's JSON object.

    A row is a face; `face` counts from 1 and is 0 in the one row of a photo without a face or of a file
    with an error.

    Args:
        records: of `to_record` and `error_record`.
        labels: the classes of each network that was asked, by the name of its bundle.
    """
    columns = ["path", "width", "height", "face", *_BOX, "detector_confidence"]
    columns += [f"{angle}_degrees" for angle in ("pitch", "yaw", "roll")]
    columns += ["landmarks_found", "quality"]
    for name, classes in labels.items():
        columns += [f"{name}_{key}" for key in ("expression", "confidence", "abstained")]
        columns += [f"{name}_p_{label}" for label in classes]
    line = io.StringIO()
    writer = csv.DictWriter(line, fieldnames=[*columns, "error"], lineterminator="\n")
    writer.writeheader()
    yield line.getvalue()
    for record in records:
        line.seek(0)
        line.truncate()
        for row in _csv_rows(record):
            writer.writerow({key: escape_formula(value) for key, value in row.items()})
        yield line.getvalue()


def _csv_rows(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    photo = {key: record[key] for key in ("path", "width", "height")}
    if not record["faces"]:
        return [photo | {"face": 0, "error": record["error"]}]
    rows = []
    for number, face in enumerate(record["faces"], start=1):
        row = photo | {"face": number}
        row |= dict(zip(_BOX, face["box_xyxy"], strict=True))
        row["detector_confidence"] = face["detector_confidence"]
        row |= {f"{angle}_degrees": v for angle, v in (face["head_pose_degrees"] or {}).items()}
        row["landmarks_found"] = face["landmarks_found"]
        row["quality"] = " ".join(face["quality"])
        for name, prediction in face["predictions"].items():
            row |= {f"{name}_{k}": prediction[k] for k in ("expression", "confidence", "abstained")}
            row |= {f"{name}_p_{label}": p for label, p in prediction["probabilities"].items()}
        row["error"] = None
        rows.append(row)
    return rows


def escape_formula(value: object) -> object:
    """Return a cell that a spreadsheet shows as text: a file may be called =HYPERLINK(...)."""
    return f"'{value}" if isinstance(value, str) and value[:1] in _FORMULA_STARTS else value
