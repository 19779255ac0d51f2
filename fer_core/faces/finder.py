"""Finding faces and their landmarks: a detector proposes, MediaPipe's landmarker confirms.

The landmarker alone finds no face narrower than a tenth of the image's long side, at any resolution.
So candidates come from the detector inside the same `.task` file, at all scales of the photo; the landmarker
on a crop around each candidate confirms it and gives the landmarks, or throws it out, unless the detector was
sure by itself.
"""

import dataclasses
import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import cv2
import numpy as np

from fer_core.cores import available_cores
from fer_core.errors import TooManyFacesError
from fer_core.faces.crops import central_square, cut, frame_square
from fer_core.faces.detector import Boxes, Detector
from fer_core.faces.face import Face
from fer_core.faces.mediapipe_models import MIN_SIDE, FaceMesh, Landmarker
from fer_core.faces.search import (
    SAME_FACE_OVERLAP,
    Scale,
    candidates,
    each_once,
    overlaps,
    scales_of,
    turned,
)
from fer_core.photos.orientation import Orientation

#: Factor by which a detector's box is enlarged for the landmarker.
CONFIRM_SCALE: Final = 1.8
#: A face with this score is believed at the first look. Of others a second look, with more around them,
#: must find the same landmarks, with a mean difference of this share of the face. Of 854 true faces of web
#: photos one differs by more, with 0.01 fifteen would; of the heads that the landmarker saw in 276 enlarged
#: pictures without people, one differs by less, a coin's. With 0.02, gravel is a face with a score of 0.63.
CLEAR_CONFIDENCE: Final = 0.85
SECOND_SCALE: Final = 2.3
SAME_LANDMARKS: Final = 0.015
#: Of 259 faces of 40 to 400 pixels, pasted at random on textures, 254 are found and none is made up beside
#: them. With 0.4 and twice the difference of landmarks it is 250: small faces are lost. With 0.7 for the
#: look, 5 of the smallest 29 faces of the example photos are lost; with 0.5 for the presence, one more is
#: made up.
DETECTOR_CONFIDENCE: Final = 0.2
LOOK_CONFIDENCE: Final = 0.5
PRESENCE_CONFIDENCE: Final = 0.7
#: A candidate with this score is a face also without landmarks, one upside down or too blurred for them,
#: if its side is this share of the photo's long one. Three of 56 enlarged pictures without people have such a
#: candidate: a round cell with scores of 0.77 and 0.78.
SURE_CONFIDENCE: Final = 0.7
SURE_SHARE: Final = 0.1
#: A face is upright if it is rolled no further than this.
UPRIGHT_DEGREES: Final = 60.0
#: A photo is turned for a face that then is rolled less than it was before, has this score, more than any
#: head that only seemed to be upright, and so much more than any face before the turn. In 645 web photos
#: turned to a side or upside down 3 heads seemed so, with scores up to 0.56.
TURNED_DEGREES: Final = 45.0
UPRIGHT_CONFIDENCE: Final = 0.66
UPRIGHT_MARGIN: Final = 0.1
#: The score is this where no face is upright before the turn. The least of a web photo's face is 0.5; in
#: three of 56 pictures without people heads of 0.52, 0.65 and 0.73 seem to be upright after a turn.
ALONE_CONFIDENCE: Final = 0.45
#: Of the boxes in which no face is upright, this many are examined in other turns, and scales of up to this
#: many pixels are searched in them.
TURNED_BOXES: Final = 8
TURNED_PIXELS: Final = 1_000_000
#: Of a photo with more candidates than this, faces are not looked for: ten seconds on two cores, in which
#: no other photo's are.
MOST_CANDIDATES: Final = 1000
#: Side in pixels of the landmarker's crop; its network takes 256.
CONFIRM_SIDE: Final = 256
#: Faces below this side, in pixels of the photo, are guesses: the finest scale does not show them.
DISCARD_BELOW_SIDE: Final = 36
#: A data set's face crop is enlarged to this side and gets a border of a quarter of it, because the
#: landmarker needs a margin around a face. Then it finds a face in 97% of FER2013 (measured).
CROP_SIDE: Final = 192
CROP_MARGIN: Final = CROP_SIDE // 4
#: That a data set's crop shows a face is known, so the landmarker is not asked to be sure of it.
CROP_CONFIDENCE: Final = 0.1
#: Any image with a long side up to the first, and a short one of at least this share of it, may be a face
#: crop.
CROP_LARGEST: Final = 256
CROP_SQUARE: Final = 0.8
#: Parts of the photo are searched, and candidates examined, in two threads: 35 candidates take 414 ms
#: instead of 668 on two cores.
_THREADS: Final = min(2, available_cores())


class Framing(StrEnum):
    """How an image shows faces."""

    PHOTO = "photo"
    #: One face fills it, as in a data set.
    CROP = "crop"

    def square_of(self, face: Face, width: int, height: int) -> np.ndarray:
        """Return the square that networks see of a face in an image of that size, float32 (4,), xyxy."""
        if self is Framing.CROP:
            return central_square(width, height)
        return frame_square(face.box_xyxy)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The faces of a photo, and the turn that makes it upright.

    Attributes:
        faces: in reading order, in pixels of the turned photo.
        quarter_turns: counter-clockwise, as np.rot90 turns: 0 for a photo that was upright.
        framing: how the photo shows them.
    """

    faces: tuple[Face, ...]
    quarter_turns: int = 0
    framing: Framing = Framing.PHOTO


class FaceFinder:
    """Finds every face of a photo. Safe to share between threads."""

    def __init__(self) -> None:
        """Load MediaPipe's models; raise BundleError if their file is missing or damaged."""
        self._landmarker = Landmarker(
            detection_confidence=LOOK_CONFIDENCE,
            presence_confidence=PRESENCE_CONFIDENCE,
            max_faces=4,
            instances=_THREADS,
        )
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="landmarker")
        self._detector = Detector(confidence=DETECTOR_CONFIDENCE, instances=_THREADS)

    def find(self, rgb: np.ndarray) -> list[Face]:
        """Return the faces of an image in reading order: from top to bottom by rows, then from the left.

        Args:
            rgb: uint8 (H, W, 3).

        Raises:
            ValueError: of another shape or type.
            TooManyFacesError: too many places look like faces.
        """
        return self._find(rgb, scales_of(rgb)) if _can_hold_a_face(rgb) else []

    def find_upright(self, rgb: np.ndarray) -> Found:
        """Return the faces of a photo, after turning it if only then a face is clearly upright.

        Where no face is clearly upright, a small square image is taken for a face crop, and of other photos
        the other quarter turns are tried.

        Args:
            rgb: uint8 (H, W, 3).

        Raises:
            ValueError: of another shape or type.
            TooManyFacesError: too many places look like faces.
        """
        if not _can_hold_a_face(rgb):
            return Found(())
        scales = scales_of(rgb)
        boxes = candidates(scales, self._detector)
        faces = self._confirmed(rgb, boxes)
        score = _best_score(faces, UPRIGHT_DEGREES)
        if score >= CLEAR_CONFIDENCE:
            return Found(tuple(faces))
        if not faces and (crop := self._find_in_crop(rgb)):
            return Found((crop,), framing=Framing.CROP)
        n, found = self._turned(rgb, scales, boxes, thorough=score == 0)
        other = _best_score(found, TURNED_DEGREES)
        least = max(UPRIGHT_CONFIDENCE, score + UPRIGHT_MARGIN) if score else ALONE_CONFIDENCE
        if other >= least:
            return Found(tuple(found), quarter_turns=n)
        if other > score:
            # Neither orientation is clear, and the other is more likely.
            faces = [dataclasses.replace(face, is_upright=False) for face in faces]
        return Found(tuple(faces))

    def _turned(
        self, rgb: np.ndarray, scales: Sequence[Scale], boxes: Boxes, *, thorough: bool
    ) -> tuple[int, list[Face]]:
        """Return the most likely turn to upright, with the faces found after it; none without faces.

        Args:
            rgb: uint8 (H, W, 3).
            scales: of it.
            boxes: that the detector gave before any turn.
            thorough: whether to search also where it gave none.
        """
        n = self._likely_turn(rgb, boxes)
        if n is None and thorough:
            n = self._searched_turn(rgb, scales)
        return (0, []) if n is None else (n, self._find(np.rot90(rgb, n), turned(scales, n)))

    def _searched_turn(self, rgb: np.ndarray, scales: Sequence[Scale]) -> int | None:
        """Return the turn after which a search at coarse scales finds upright faces; None if none does."""
        quick = [scale for scale in scales if scale.rgb[..., 0].size <= TURNED_PIXELS]

        def best_score(n: int) -> float:
            boxes = candidates(turned(quick, n), self._detector)
            likely = boxes.scores >= ALONE_CONFIDENCE
            found = self._confirmed(
                np.rot90(rgb, n), Boxes(boxes.xyxy[likely], boxes.scores[likely])
            )
            return _best_score(found, TURNED_DEGREES)

        by_turn = {n: best_score(n) for n in (1, 2, 3)}
        best = max(by_turn, key=by_turn.__getitem__)
        return best if by_turn[best] else None

    def _likely_turn(self, rgb: np.ndarray, boxes: Boxes) -> int | None:
        """Return the turn after which the landmarker finds upright faces in the best boxes; else None.

        The detector, which is not sure of faces that lie, sees most of them all the same. To search the photo
        at its finest scale, turned three times, takes ten times as long.
        """
        height, width = rgb.shape[:2]

        def evidence(n: int) -> float:
            lying, back = np.rot90(rgb, n), Orientation(quarter_turns=4 - n)
            places = [back.stored_box(box, width, height) for box in boxes.xyxy[:TURNED_BOXES]]
            return sum(self._threads.map(self._upright_agreement, itertools.repeat(lying), places))

        by_turn = {n: evidence(n) for n in (1, 2, 3)}
        best = max(by_turn, key=by_turn.__getitem__)
        return best if by_turn[best] else None

    def _upright_agreement(self, rgb: np.ndarray, box: np.ndarray) -> float:
        """Return the agreement of two meshes of an upright face in a candidate's box, from 0 to 1."""
        first = self._look(rgb, box, scale=CONFIRM_SCALE, score=0.0)
        if first is None or not first.is_upright:
            return 0.0
        return _agreement(first, self._look(rgb, box, scale=SECOND_SCALE, score=0.0))

    def _find_in_crop(self, rgb: np.ndarray) -> Face | None:
        """Return the face that fills a small square image, None of other images."""
        height, width = rgb.shape[:2]
        short, long = sorted((height, width))
        if long > CROP_LARGEST or short < CROP_SQUARE * long:
            return None
        square = central_square(width, height)
        grey = cv2.cvtColor(cut(rgb, square), cv2.COLOR_RGB2GRAY)
        return _face_in_crop(
            grey, self._landmarker, score=PRESENCE_CONFIDENCE, corner=square[:2].tolist()
        )

    def find_again(self, rgb: np.ndarray, before: Sequence[Face]) -> list[Face]:
        """Return the faces of a video frame that were in the previous frame, in reading order.

        The landmarker searches where each face was, without running the detector first. If a face is missing,
        the whole frame is searched; new faces are found only then.

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
        distinct = _distinct(found)
        # Where one was, another may be seen, who hides the first.
        return _reading_order(distinct) if len(distinct) == len(before) else self.find(rgb)

    def look_at(self, rgb: np.ndarray, box_xyxy: np.ndarray) -> Face | None:
        """Return the face in a known place with its landmarks; None if the landmarker finds none there.

        Args:
            rgb: uint8 (H, W, 3).
            box_xyxy: float (4,), where the face lies, pixels.

        Raises:
            ValueError: an image of another shape or type.
        """
        _check_shape(rgb)
        return self._look(rgb, box_xyxy, scale=CONFIRM_SCALE, score=0.0)

    def close(self) -> None:
        """Free MediaPipe's instances; the finder cannot be used afterwards."""
        self._threads.shutdown()
        self._detector.close()
        self._landmarker.close()

    def _find(self, rgb: np.ndarray, scales: Sequence[Scale]) -> list[Face]:
        return self._confirmed(rgb, candidates(scales, self._detector))

    def _confirmed(self, rgb: np.ndarray, boxes: Boxes) -> list[Face]:
        """Return the faces among the detector's boxes, in reading order.

        Raises:
            TooManyFacesError: there are more than MOST_CANDIDATES.
        """
        if len(boxes.scores) > MOST_CANDIDATES:
            raise TooManyFacesError(
                f"{len(boxes.scores):,} places in this photo look like faces. The limit is "
                f"{MOST_CANDIDATES:,}. Cut it into parts and analyze each."
            )
        confirm = map if len(boxes.scores) < 2 else self._threads.map
        found = confirm(self._confirm, itertools.repeat(rgb), boxes.xyxy, map(float, boxes.scores))
        return _reading_order(
            _distinct([f for f in found if f and _longer_side(f.box_xyxy) >= DISCARD_BELOW_SIDE])
        )

    def _confirm(self, rgb: np.ndarray, box: np.ndarray, score: float) -> Face | None:
        """Return the face in a candidate's box, with landmarks if any are found; None if it is not a face."""
        first = self._look(rgb, box, scale=CONFIRM_SCALE, score=score)
        is_clear = score >= CLEAR_CONFIDENCE
        if first and is_clear:
            return first
        # Also for a clear face: the landmarker misses one small face in thirty by chance.
        second = (
            self._look(rgb, box, scale=SECOND_SCALE, score=score) if first or is_clear else None
        )
        if second and (is_clear or _agreement(first, second) > 0):
            return first or second
        is_large = _longer_side(box) >= SURE_SHARE * max(rgb.shape[:2])
        is_sure = is_large and score >= SURE_CONFIDENCE
        return Face(box_xyxy=box, confidence=score) if is_sure else None

    def _look(self, rgb: np.ndarray, box: np.ndarray, *, scale: float, score: float) -> Face | None:
        """Return the face that the landmarker finds in a square around a box; None without one."""
        centre = (box[:2] + box[2:]) / 2
        half = scale * _longer_side(box) / 2
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
        zoom = CONFIRM_SIDE / max(crop.shape[:2])
        interpolation = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
        resized = cv2.resize(crop, None, fx=zoom, fy=zoom, interpolation=interpolation)
        target = (box - np.array([left, top] * 2, np.float32)) * zoom
        found = _nearest(self._landmarker.detect(resized), target)
        return _face(found, zoom, offset=(left, top), score=score) if found else None


class CropFinder:
    """Finds the landmarks in a data set's face crops. Safe to share between threads."""

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
        return _face_in_crop(crop, self._landmarker, score=CROP_CONFIDENCE)

    def close(self) -> None:
        """Free MediaPipe's instance; the finder cannot be used afterwards."""
        self._landmarker.close()


def _face_in_crop(
    crop: np.ndarray,
    landmarker: Landmarker,
    *,
    score: float,
    corner: Sequence[float] = (0.0, 0.0),
) -> Face | None:
    """Return the face that fills a crop, None if there is none.

    Args:
        crop: uint8 (S, S), grey.
        landmarker: that looks at it.
        score: of the face.
        corner: left and top of the crop in the image whose pixels the face's coordinates are.
    """
    m = CROP_MARGIN
    enlarged = cv2.resize(crop, (CROP_SIDE, CROP_SIDE), interpolation=cv2.INTER_LINEAR)
    bordered = cv2.copyMakeBorder(enlarged, m, m, m, m, cv2.BORDER_CONSTANT)
    found = landmarker.detect(cv2.cvtColor(bordered, cv2.COLOR_GRAY2RGB))
    if not found:
        return None
    scale = CROP_SIDE / len(crop)
    left, top = (edge - CROP_MARGIN / scale for edge in corner)
    return _face(found[0], scale, offset=(left, top), score=score)


def _can_hold_a_face(rgb: np.ndarray) -> bool:
    """Return whether an image is large enough; raise ValueError for a wrong shape or type."""
    _check_shape(rgb)
    return bool(min(rgb.shape[:2]) >= MIN_SIDE)


def _check_shape(rgb: np.ndarray) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"rgb must be uint8 (H, W, 3), got {rgb.dtype} {rgb.shape}")


def _nearest(found: list[FaceMesh], box: np.ndarray) -> FaceMesh | None:
    """Return the mesh with the largest overlap with a box; None if no overlap is large enough."""
    if not found:
        return None
    shared = overlaps(np.stack([mesh.box_xyxy for mesh in found]), box)
    best = int(np.argmax(shared))
    return found[best] if shared[best] >= SAME_FACE_OVERLAP else None


def _agreement(first: Face | None, second: Face | None) -> float:
    """Return the agreement of two meshes: 1 for the same landmarks, 0 if they may be of two faces."""
    if first is None or second is None or first.landmarks is None or second.landmarks is None:
        return 0.0
    difference = np.abs(first.landmarks[:, :2] - second.landmarks[:, :2]).mean()
    return max(0.0, 1 - float(difference) / (SAME_LANDMARKS * _longer_side(first.box_xyxy)))


def _best_score(faces: Sequence[Face], degrees: float) -> float:
    """Return the score of the most likely face with a roll of at most `degrees`; 0 without one."""
    return max(
        (f.confidence for f in faces if f.mesh and abs(f.mesh.head_pose.roll) <= degrees),
        default=0.0,
    )


def _face(found: FaceMesh, scale: float, *, offset: tuple[float, float], score: float) -> Face:
    """Return a face that was found in an enlarged part of an image, in the image's pixels."""
    landmarks = found.landmarks / np.float32(scale)
    landmarks[:, :2] += np.array(offset, np.float32)
    mesh = dataclasses.replace(found, landmarks=landmarks)
    is_upright = abs(mesh.head_pose.roll) <= UPRIGHT_DEGREES
    return Face(box_xyxy=mesh.box_xyxy, confidence=score, mesh=mesh, is_upright=is_upright)


def _longer_side(box: np.ndarray) -> float:
    return float((box[2:] - box[:2]).max())


def _distinct(faces: Sequence[Face]) -> list[Face]:
    """Return each face once: faces with landmarks first, then by score, one per place."""
    ordered = sorted(faces, key=lambda face: face.mesh is None)
    boxes = np.array([face.box_xyxy for face in ordered], np.float32).reshape(-1, 4)
    return [ordered[i] for i in each_once(boxes)]


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
