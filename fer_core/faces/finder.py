"""Finding faces and their landmarks with MediaPipe: large ones whole, small ones by tiles.

The landmarker alone finds no face narrower than a tenth of the image's long side, at any resolution.
So candidates come from the short-range detector inside the same `.task` file, over the whole image and,
in larger photos, over overlapping tiles; the landmarker on a crop around each candidate confirms it and
gives the landmarks, or throws it out, unless the detector was sure by itself.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from fer_core.faces.mediapipe_models import MIN_SIDE, Detector, FaceMesh, HeadPose, Landmarker
from fer_core.photos.decode import shrink

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
#: A candidate with this score is a face also without landmarks, one upside down or too blurred for them,
#: if its side is this share of the photo's long one. Of the candidates in which the landmarker saw no face,
#: in 9 example photos and 20 pictures without any, none scores above 0.65; but in a photo enlarged eight
#: times, a tile full of cloth gave 0.77.
SURE_CONFIDENCE: Final = 0.7
SURE_SHARE: Final = 0.1
#: Two boxes that share this much of the smaller one are the same face.
SAME_FACE_OVERLAP: Final = 0.5
#: Side in pixels of the crop that the landmarker looks at; its network takes 256.
CONFIRM_SIDE: Final = 256
#: Faces below this side, in pixels of the photo as it is searched, are guesses: the detector reliably
#: sees no less than 12 % of the smallest tile.
MIN_FACE_SIDE: Final = 0.12 * TILE_SIDES[-1]
#: A data set's face crop is enlarged to this side and given a border of a quarter of it, for the
#: landmarker needs a margin around a face; measured, it then finds one in 97 % of FER2013.
CROP_SIDE: Final = 192
CROP_MARGIN: Final = CROP_SIDE // 4
#: That a crop shows a face is known, so the landmarker is not asked to be sure of it.
CROP_CONFIDENCE: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face in one photo; coordinates are pixels of the photo.

    Attributes:
        box_xyxy: float32 (4,), left, top, right, bottom; the landmarks' bounding box, or the
            detector's where there are none.
        confidence: detector's score in [0, 1].
        mesh: the landmarks with all that MediaPipe says of them; None if none were found.
    """

    box_xyxy: np.ndarray
    confidence: float
    mesh: FaceMesh | None = None

    @property
    def landmarks(self) -> np.ndarray | None:
        """float32 (478, 3), z in the scale of x; None if none were found."""
        return None if self.mesh is None else self.mesh.landmarks

    @property
    def head_pose(self) -> HeadPose | None:
        """The head's rotation; None without landmarks."""
        return None if self.mesh is None else self.mesh.head_pose


class FaceFinder:
    """Finds every face of a photo. Safe to share between threads."""

    def __init__(self) -> None:
        """Load MediaPipe's models; raise BundleError if their file is missing or damaged."""
        self._landmarker = Landmarker(
            detection_confidence=LOOK_CONFIDENCE,
            presence_confidence=PRESENCE_CONFIDENCE,
            max_faces=4,
        )
        self._detector = Detector(confidence=DETECTOR_CONFIDENCE)

    def find(self, rgb: np.ndarray) -> list[Face]:
        """Return the faces of an image in reading order: from top to bottom by rows, then from the left.

        Args:
            rgb: uint8 (H, W, 3).

        Raises:
            ValueError: of another shape or type.
        """
        _check_shape(rgb)
        if min(rgb.shape[:2]) < MIN_SIDE:
            return []
        small, factor = shrink(np.ascontiguousarray(rgb), DETECTION_SIDE)
        found = [self._confirm(rgb, box * factor, score) for box, score in self._candidates(small)]
        return _reading_order(
            _distinct(
                [f for f in found if f and _longer_side(f.box_xyxy) >= MIN_FACE_SIDE * factor]
            )
        )

    def find_again(self, rgb: np.ndarray, before: Sequence[Face]) -> list[Face]:
        """Return the faces of a video's frame that were in the frame before it, in reading order.

        The landmarker looks where each face was, without the detector and its tiles before it. If one is
        not there any more, the whole frame is searched; who comes in is not seen until then.

        Args:
            rgb: uint8 (H, W, 3).
            before: the faces of the frame before, which keep their score.

        Raises:
            ValueError: of another shape or type.
        """
        _check_shape(rgb)
        found = []
        for face in before:
            again = self.look_at(rgb, face.box_xyxy)
            if again is None:
                return self.find(rgb)
            found.append(dataclasses.replace(again, confidence=face.confidence))
        return _reading_order(_distinct(found))

    def look_at(self, rgb: np.ndarray, box_xyxy: np.ndarray) -> Face | None:
        """Return the face in a known place with its landmarks, None if the landmarker sees none there.

        Args:
            rgb: uint8 (H, W, 3).
            box_xyxy: float (4,), where the face lies, pixels.

        Raises:
            ValueError: an image of another shape or type.
        """
        _check_shape(rgb)
        # No score of its own makes a candidate a face here: a place is no evidence.
        return self._confirm(rgb, box_xyxy, 0.0)

    def close(self) -> None:
        """Free MediaPipe's instances; the finder is of no use afterwards."""
        self._landmarker.close()
        self._detector.close()

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
        """Return the detector's boxes in a part of the image, in the image's coordinates."""
        offset = np.array([left, top] * 2, np.float32)
        return [(box + offset, score) for box, score in self._detector.detect(rgb)]

    def _confirm(self, rgb: np.ndarray, box: np.ndarray, score: float) -> Face | None:
        """Return the face in a candidate's box with its landmarks if it has any; None if it is no face."""
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
        found = _nearest(self._landmarker.detect(resized), target)
        if found:
            return _face(found, scale, offset=(left, top), score=score)
        is_large = _longer_side(box) >= SURE_SHARE * max(height, width)
        is_sure = is_large and score >= SURE_CONFIDENCE
        return Face(box_xyxy=box, confidence=score) if is_sure else None


class CropFinder:
    """Finds the landmarks in face crops as data sets hold them. Safe to share between threads."""

    def __init__(self) -> None:
        """Load MediaPipe's model; raise BundleError if its file is missing or damaged."""
        self._landmarker = Landmarker(
            detection_confidence=CROP_CONFIDENCE, presence_confidence=CROP_CONFIDENCE, max_faces=1
        )

    def find(self, crop: np.ndarray) -> Face | None:
        """Return the face that fills a crop, in the crop's pixels; None if no landmarks are found.

        Args:
            crop: uint8 (S, S), grey.
        """
        m = CROP_MARGIN
        enlarged = cv2.resize(crop, (CROP_SIDE, CROP_SIDE), interpolation=cv2.INTER_LINEAR)
        bordered = cv2.copyMakeBorder(enlarged, m, m, m, m, cv2.BORDER_CONSTANT)
        found = self._landmarker.detect(cv2.cvtColor(bordered, cv2.COLOR_GRAY2RGB))
        if not found:
            return None
        scale = CROP_SIDE / len(crop)
        margin = -CROP_MARGIN / scale
        return _face(found[0], scale, offset=(margin, margin), score=CROP_CONFIDENCE)

    def close(self) -> None:
        """Free MediaPipe's instance; the finder is of no use afterwards."""
        self._landmarker.close()


def _check_shape(rgb: np.ndarray) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"rgb must be uint8 (H, W, 3), got {rgb.dtype} {rgb.shape}")


def _nearest(found: list[FaceMesh], box: np.ndarray) -> FaceMesh | None:
    """Return the mesh that overlaps a box the most, None if none does enough."""
    if not found:
        return None
    overlaps = [_overlap(mesh.box_xyxy, box) for mesh in found]
    best = int(np.argmax(overlaps))
    return found[best] if overlaps[best] >= SAME_FACE_OVERLAP else None


def _face(found: FaceMesh, scale: float, *, offset: tuple[float, float], score: float) -> Face:
    """Return the face that was found in an enlarged part of an image."""
    landmarks = found.landmarks / np.float32(scale)
    landmarks[:, :2] += np.array(offset, np.float32)
    mesh = dataclasses.replace(found, landmarks=landmarks)
    return Face(box_xyxy=mesh.box_xyxy, confidence=score, mesh=mesh)


def _tiles(width: int, height: int, side: int) -> list[tuple[int, int]]:
    """Return the left top corners of tiles that cover an image with a quarter of overlap."""

    def starts(length: int) -> list[int]:
        if length <= side:
            return [0]
        n = math.ceil((length - side) / (side * (1 - TILE_OVERLAP))) + 1
        return [round(i * (length - side) / (n - 1)) for i in range(n)]

    return [(left, top) for top in starts(height) for left in starts(width)]


def _longer_side(box: np.ndarray) -> float:
    return float((box[2:] - box[:2]).max())


def _area(box: np.ndarray) -> float:
    return float(max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1]))


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Return the share of the smaller box that lies in the other."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    return _area(np.concatenate([low, high])) / max(min(_area(a), _area(b)), 1e-6)


def _distinct(faces: list[Face]) -> list[Face]:
    """Return each face once: those with landmarks first, then by score, no other in the same place."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: face.mesh is None):
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
