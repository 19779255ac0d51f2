"""Finding faces and their landmarks with MediaPipe: large ones whole, small ones by tiles.

The landmarker alone finds no face narrower than a tenth of the image's long side, at any resolution.
So candidates come from the short-range detector inside the same `.task` file, over the whole image and,
in larger photos, over overlapping tiles; the landmarker on a crop around each candidate confirms it and
gives the landmarks, or throws it out.
"""

import logging
import math
import sys
import threading
import weakref
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from fer_core.bundles import sha256_of
from fer_core.errors import BundleError
from fer_core.images import shrink
from fer_core.settings import landmarker_path

if TYPE_CHECKING:
    from mediapipe.tasks.python import vision

log = logging.getLogger(__name__)

LANDMARKER_SHA256: Final = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
N_LANDMARKS: Final = 478
N_BLENDSHAPES: Final = 52
#: Long side in pixels that photos are shrunk to before detection.
DETECTION_SIDE: Final = 2048
#: Sides of the tiles, from coarse to fine; a tile shows faces down to 12 % of its side.
TILE_SIDES: Final = (1000, 640, 300)
TILE_OVERLAP: Final = 0.25
#: A photo with a long side up to the first, on which a face wider than the second as a share of it was
#: found, is a portrait: tiles would cost more than all the rest and show only strangers behind it.
PORTRAIT_SIDE: Final = 800
PORTRAIT_FACE: Final = 0.15
#: A detector's box, enlarged by this, is what the landmarker looks at.
CONFIRM_SCALE: Final = 1.8
#: Low, for faces of 40 pixels in old photos; the landmarker throws the false ones out. Of the example
#: photos' 40 faces none is lost and none is added. With 0.7 for the look, 5 of the smallest 29 are lost;
#: with 0.5 for the presence, one more face is made up in pictures without any.
DETECTOR_CONFIDENCE: Final = 0.3
LOOK_CONFIDENCE: Final = 0.5
PRESENCE_CONFIDENCE: Final = 0.7
#: Two boxes that share this much of the smaller one are the same face.
SAME_FACE_OVERLAP: Final = 0.5
#: Side in pixels of the crop that the landmarker looks at; its network takes 256.
CONFIRM_SIDE: Final = 256
#: Faces below this side, in pixels of the photo as it is searched, are guesses: the detector reliably
#: sees no less than 12 % of the smallest tile.
MIN_FACE_SIDE: Final = 0.12 * TILE_SIDES[-1]
#: Below this side no crop is worth looking at, and MediaPipe's scaling has nothing to work with.
MIN_SIDE: Final = 16


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Rotation of the head in degrees, 0 when it faces the camera.

    Attributes:
        pitch: above 0 looking down.
        yaw: above 0 turned towards the right of the image.
        roll: above 0 tilted clockwise in the image.
    """

    pitch: float
    yaw: float
    roll: float


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face in one photo; coordinates are pixels of the photo.

    Attributes:
        box_xyxy: float32 (4,), left, top, right, bottom; the landmarks' bounding box, or the
            detector's where there are none.
        confidence: detector's score in [0, 1].
        landmarks: float32 (478, 3), z in the scale of x; None if none were found.
        blendshapes: float32 (52,) in [0, 1], MediaPipe's order; None without landmarks.
        transformation: float32 (4, 4), from the canonical face to camera space; None without.
    """

    box_xyxy: np.ndarray
    confidence: float
    landmarks: np.ndarray | None = None
    blendshapes: np.ndarray | None = None
    transformation: np.ndarray | None = None

    @property
    def head_pose(self) -> HeadPose | None:
        """The head's rotation; None without landmarks."""
        if self.transformation is None:
            return None
        r = self.transformation[:3, :3].astype(np.float64)
        # MediaPipe's camera space has y up and looks along -z; angles are given as seen in the image.
        return HeadPose(
            pitch=math.degrees(math.atan2(r[2, 1], r[2, 2])),
            yaw=math.degrees(math.asin(float(np.clip(-r[2, 0], -1, 1)))),
            roll=-math.degrees(math.atan2(r[1, 0], r[0, 0])),
        )


class FaceFinder:
    """Finds every face of a photo. Safe to share between threads, which take turns."""

    def __init__(self) -> None:
        """Read and verify the landmarker's model file; raise BundleError if it is not the right one."""
        path = landmarker_path()
        if not path.is_file() or sha256_of(path) != LANDMARKER_SHA256:
            raise BundleError(
                f"{path} is missing or damaged. Restore it from version control; it is Google's "
                f"face_landmarker.task with sha256 {LANDMARKER_SHA256[:12]}...."
            )
        self._lock = threading.Lock()
        self._landmarker_model = path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            self._detector_model = archive.read("face_detector.tflite")
        self._open()

    def find(self, rgb: np.ndarray) -> list[Face]:
        """Return the faces of an image in reading order: from top to bottom by rows, then from the left.

        Args:
            rgb: uint8 (H, W, 3).

        Raises:
            ValueError: of another shape or type. (Such arrays would break MediaPipe for good, abort
                the process, or be read wrongly in silence.)
        """
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
            raise ValueError(f"rgb must be uint8 (H, W, 3), got {rgb.dtype} {rgb.shape}")
        if min(rgb.shape[:2]) < MIN_SIDE:
            return []
        small, factor = shrink(np.ascontiguousarray(rgb), DETECTION_SIDE)
        with self._lock:
            try:
                boxes = self._candidates(small)
                found = [self._confirm(rgb, box * factor, score) for box, score in boxes]
            except RuntimeError:
                # A landmarker that raised once raises for good; the next photo gets a new one.
                self._reopen()
                raise
        return _reading_order(
            _distinct(
                [f for f in found if f and _longer_side(f.box_xyxy) >= MIN_FACE_SIDE * factor]
            )
        )

    def close(self) -> None:
        """Free MediaPipe's instances; the finder is of no use afterwards."""
        with self._lock:
            self._finalizer()

    def _open(self) -> None:
        with _without_tensorflow():
            import mediapipe as mp
            from mediapipe.tasks.python import BaseOptions, vision
        self._image = lambda array: mp.Image(image_format=mp.ImageFormat.SRGB, data=array)
        self._landmarker: vision.FaceLandmarker = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_buffer=self._landmarker_model),
                num_faces=4,
                min_face_detection_confidence=LOOK_CONFIDENCE,
                min_face_presence_confidence=PRESENCE_CONFIDENCE,
                output_face_blendshapes=True,
                output_facial_transformation_matrixes=True,
            )
        )
        self._detector: vision.FaceDetector = vision.FaceDetector.create_from_options(
            vision.FaceDetectorOptions(
                base_options=BaseOptions(model_asset_buffer=self._detector_model),
                min_detection_confidence=DETECTOR_CONFIDENCE,
            )
        )

        # Closed before Python takes its modules apart, where MediaPipe's own clean-up fails.
        self._finalizer = weakref.finalize(self, _close, self._landmarker, self._detector)

    def _reopen(self) -> None:
        log.warning("MediaPipe failed; its instances are made anew")
        self._finalizer()
        self._open()

    def _candidates(self, rgb: np.ndarray) -> list[tuple[np.ndarray, float]]:
        """Return the detector's boxes, float32 (4,), with scores, best first, each face once."""
        height, width = rgb.shape[:2]
        long_side = max(height, width)
        found = self._detect(rgb, 0, 0)
        if not found:
            # A border lets the detector see a face that fills the frame.
            margin = long_side // 4
            bordered = cv2.copyMakeBorder(rgb, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
            found = self._detect(bordered, -margin, -margin)
        widest = max((float(box[2] - box[0]) for box, _ in found), default=0.0)
        is_portrait = long_side <= PORTRAIT_SIDE and widest > PORTRAIT_FACE * long_side
        for side in () if is_portrait else TILE_SIDES:
            # A tile nearly as large as the image shows nothing that the image did not.
            if side < 0.8 * long_side:
                for left, top in _tiles(width, height, side):
                    tile = np.ascontiguousarray(rgb[top : top + side, left : left + side])
                    found += self._detect(tile, left, top)
        found.sort(key=lambda item: -item[1])
        distinct: list[tuple[np.ndarray, float]] = []
        for box, score in found:
            if all(_overlap(box, other) < SAME_FACE_OVERLAP for other, _ in distinct):
                distinct.append((box, score))
        return distinct

    def _detect(self, rgb: np.ndarray, left: int, top: int) -> list[tuple[np.ndarray, float]]:
        if min(rgb.shape[:2]) < MIN_SIDE:
            return []
        results = self._detector.detect(self._image(rgb)).detections
        found = []
        for detection in results:
            b = detection.bounding_box
            box = np.array(
                [b.origin_x, b.origin_y, b.origin_x + b.width, b.origin_y + b.height], np.float32
            )
            found.append(
                (box + np.array([left, top] * 2, np.float32), detection.categories[0].score)
            )
        return found

    def _confirm(self, rgb: np.ndarray, box: np.ndarray, score: float) -> Face | None:
        """Return the face in a candidate's box with its landmarks, None if the landmarker sees none."""
        centre = (box[:2] + box[2:]) / 2
        half = CONFIRM_SCALE * _longer_side(box) / 2
        left, top, right, bottom = (round(float(v)) for v in (*(centre - half), *(centre + half)))
        height, width = rgb.shape[:2]
        inside = rgb[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
        if min(inside.shape[:2]) < MIN_SIDE:
            return None
        crop = cv2.copyMakeBorder(
            inside,
            max(0, -top),
            max(0, bottom - height),
            max(0, -left),
            max(0, right - width),
            cv2.BORDER_CONSTANT,
        )
        scale = CONFIRM_SIDE / max(crop.shape[:2])
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        resized = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=interpolation)
        target = (box - np.array([left, top] * 2, np.float32)) * scale
        face = self._landmark_face(resized, score, near=target)
        if face is None:
            return None
        offset = np.array([left, top], np.float32)
        landmarks = face.landmarks / scale
        landmarks[:, :2] += offset
        return Face(
            box_xyxy=_bounding_box(landmarks),
            confidence=score,
            landmarks=landmarks,
            blendshapes=face.blendshapes,
            transformation=face.transformation,
        )

    def _landmark_face(
        self, rgb: np.ndarray, score: float, *, near: np.ndarray | None = None
    ) -> Face | None:
        """Return the landmarker's face in a crop: the one that overlaps the box `near` the most."""
        result = self._landmarker.detect(self._image(np.ascontiguousarray(rgb)))
        if not result.face_landmarks:
            return None
        height, width = rgb.shape[:2]
        # MediaPipe gives fractions of the image's sides; z has the scale of x.
        scale = np.array([width, height, width], np.float32)
        points = [
            np.array([(p.x, p.y, p.z) for p in face], np.float32) * scale
            for face in result.face_landmarks
        ]
        best = 0
        if near is not None:
            overlaps = [_overlap(_bounding_box(p), near) for p in points]
            best = int(np.argmax(overlaps))
            if overlaps[best] < SAME_FACE_OVERLAP:
                return None
        shapes = result.face_blendshapes[best]
        return Face(
            box_xyxy=_bounding_box(points[best]),
            confidence=score,
            landmarks=points[best],
            blendshapes=np.array([shape.score for shape in shapes], np.float32),
            transformation=np.asarray(result.facial_transformation_matrixes[best], np.float32),
        )


def _close(*instances: "vision.FaceLandmarker | vision.FaceDetector") -> None:
    for instance in instances:
        try:
            instance.close()
        except RuntimeError:
            # At exit MediaPipe's worker threads are gone and it cannot close; without this it would
            # try again, and print a traceback, when it is collected. The process frees all anyway.
            instance._handle = None


@contextmanager
def _without_tensorflow() -> Iterator[None]:
    """Hide TensorFlow while MediaPipe is imported.

    MediaPipe imports all of TensorFlow, if it is installed, for a documentation helper: 9 s and
    700 MB instead of 0.3 s and 40 MB. If TensorFlow is loaded already there is nothing to save.
    """
    hide = "tensorflow" not in sys.modules
    if hide:
        sys.modules["tensorflow"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if hide:
            sys.modules.pop("tensorflow", None)


def _tiles(width: int, height: int, side: int) -> list[tuple[int, int]]:
    """Return the left top corners of tiles that cover an image with a quarter of overlap."""

    def starts(length: int) -> list[int]:
        if length <= side:
            return [0]
        n = math.ceil((length - side) / (side * (1 - TILE_OVERLAP))) + 1
        return [round(i * (length - side) / (n - 1)) for i in range(n)]

    return [(left, top) for top in starts(height) for left in starts(width)]


def _bounding_box(landmarks: np.ndarray) -> np.ndarray:
    xy = landmarks[:, :2]
    return np.concatenate([xy.min(axis=0), xy.max(axis=0)]).astype(np.float32)


def _longer_side(box: np.ndarray) -> float:
    return float((box[2:] - box[:2]).max())


def _area(box: np.ndarray) -> float:
    return float(max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1]))


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Return the share of the smaller box that lies in the other."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    return _area(np.concatenate([low, high])) / max(min(_area(a), _area(b)), 1e-6)


def _distinct(faces: list[Face]) -> list[Face]:
    """Return the faces without those that the landmarker led to the same place; best scores stay."""
    kept: list[Face] = []
    for face in faces:
        if all(_overlap(face.box_xyxy, other.box_xyxy) < SAME_FACE_OVERLAP for other in kept):
            kept.append(face)
    return kept


def _reading_order(faces: list[Face]) -> list[Face]:
    """Return the faces by rows: a face starts a new row if its centre lies below the row's boxes."""
    rows: list[list[Face]] = []
    for face in sorted(faces, key=lambda f: float(f.box_xyxy[1] + f.box_xyxy[3])):
        centre = (face.box_xyxy[1] + face.box_xyxy[3]) / 2
        if rows and centre < rows[-1][0].box_xyxy[3]:
            rows[-1].append(face)
        else:
            rows.append([face])
    return [f for row in rows for f in sorted(row, key=lambda f: float(f.box_xyxy[0]))]
