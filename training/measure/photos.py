"""Measure networks on whole photos, from face detection to prediction; the largest face counts.

Photos are also measured at smaller sizes, at which the face's crop has 48, 32 or 24 pixels. The face's
position is then taken from the original photo, because the finder reports no face below 36 pixels. Landmarks
are searched in the shrunken photo; if none are found, the face is classified without landmarks.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from fer_core.evaluation.intervals import Estimate, estimate, estimate_share
from fer_core.evaluation.photo_accuracy import PhotoAccuracy
from fer_core.evaluation.predictions import EvaluationResult
from fer_core.expressions import FER2013, LabelSpace, label_map
from fer_core.faces.crops import FaceInputs, face_inputs, frame_square
from fer_core.faces.face import Face
from fer_core.faces.finder import FaceFinder
from fer_core.networks.bundles import SERVING_FILE, Bundle
from fer_core.networks.classifier import Classifier
from training.sources.webphotos import PhotoSamples

log = logging.getLogger(__name__)

#: Sides of the face's crop in pixels that photos are shrunk to, after the photos as they are.
FACE_PIXELS: Final = (None, 48, 32, 24)


@dataclass(frozen=True, slots=True, eq=False)
class FoundFaces:
    """The largest face of each photo in which one was found.

    Attributes:
        rows: int64 (N,), positions of these photos.
        by_size: what networks see of the N faces, by the size that the crop was shrunk to.
    """

    rows: np.ndarray
    by_size: dict[int | None, list[FaceInputs]]


def measure_photos(bundles: Sequence[Bundle], photos: PhotoSamples) -> list[PhotoAccuracy]:
    """Return the accuracy of each network on the photos, for each face size.

    Raises:
        BundleError: a serving file is missing or damaged.
        DataError: a photo is damaged.
    """
    found = find_faces(photos)
    return [
        _measured(classifier, photos, found, size)
        for classifier in map(Classifier, bundles)
        for size in found.by_size
    ]


def find_faces(photos: PhotoSamples) -> FoundFaces:
    """Return the networks' inputs for the largest face of each photo, at each size of `FACE_PIXELS`."""
    finder = FaceFinder()
    rows: list[int] = []
    by_size: dict[int | None, list[FaceInputs]] = {size: [] for size in FACE_PIXELS}
    try:
        for row in range(len(photos)):
            rgb = photos.rgb(row)
            faces = finder.find(rgb)
            if not faces:
                continue
            largest = max(
                faces, key=lambda face: float(np.prod(face.box_xyxy[2:] - face.box_xyxy[:2]))
            )
            rows.append(row)
            for size, seen in by_size.items():
                seen.append(
                    face_inputs(rgb, largest)
                    if size is None
                    else _shrunken(rgb, largest, size, finder)
                )
    finally:
        finder.close()
    log.info("a face was found in %d of %d photos", len(rows), len(photos))
    return FoundFaces(np.array(rows, np.int64), by_size)


def _shrunken(rgb: np.ndarray, face: Face, size: int, finder: FaceFinder) -> FaceInputs:
    """Return the networks' inputs for a face after reducing its photo until the crop has `size` pixels.

    A face whose crop is smaller already is seen as it is.
    """
    square = frame_square(face.box_xyxy)
    scale = size / float(square[2] - square[0])
    if scale >= 1:
        return face_inputs(rgb, face)
    height, width = rgb.shape[:2]
    shape = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(rgb, shape, interpolation=cv2.INTER_AREA)
    box = face.box_xyxy * np.float32(scale)
    there = finder.look_at(small, box)
    return face_inputs(small, there or Face(box_xyxy=box, confidence=face.confidence))


def _measured(
    classifier: Classifier, photos: PhotoSamples, found: FoundFaces, size: int | None
) -> PhotoAccuracy:
    spec = classifier.bundle.spec
    space = LabelSpace(spec.name, spec.labels)
    labels = label_map(FER2013, space)[photos.labels[found.rows]]
    known = labels >= 0
    seen = [inputs for inputs, is_known in zip(found.by_size[size], known, strict=True) if is_known]
    vectors = np.stack([inputs.landmarks for inputs in seen])
    images = np.stack([inputs.image for inputs in seen])
    result = EvaluationResult(
        expressions=spec.labels,
        rows=found.rows[known],
        labels=labels[known],
        probabilities=classifier.probabilities(images, vectors),
        found_face=np.any(vectors != 0, axis=1),
        clean=np.ones(len(seen), bool),
    )
    threshold = spec.abstention_threshold
    covered = result.confidence >= threshold
    measures = estimate(result)
    return PhotoAccuracy(
        network=spec.name,
        weights_sha256=spec.sha256[SERVING_FILE],
        threshold=threshold,
        face_pixels=size,
        n=len(result),
        n_left_out=len(photos) - len(result),
        n_landmarks=int(result.found_face.sum()),
        **_fields("accuracy", measures["accuracy"]),
        **_fields("macro_recall", measures["balanced_accuracy"]),
        **_fields("coverage", estimate_share(covered)),
        **_fields("selective_accuracy", estimate_share(result.is_right[covered])),
        mean_confidence=float(result.confidence.mean(dtype=np.float64)),
        **_fields("ece", measures["ece"]),
    )


def _fields(name: str, measured: Estimate) -> dict[str, float]:
    return {name: measured.value, f"{name}_low": measured.low, f"{name}_high": measured.high}
