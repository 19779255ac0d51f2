"""Candidates for faces: the detector on the photo at all scales, from coarse to fine.

The detector finds faces that fill 18 to 100 % of its input of 128 pixels. So the search runs on an image
pyramid: at the coarsest scale the whole photo is one input, and each finer scale finds faces half as wide.
The finest finds faces of SMALLEST_FACE pixels of the photo, whatever its size and shape.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from fer_core.faces.detector import SMALLEST_SIDE, WINDOW_SIDE, Boxes, Detector
from fer_core.photos.resize import resized

#: Side in pixels of the photo of the smallest face that is searched for, and reliably found.
SMALLEST_FACE: Final = 40
#: Pixels of the photo to one of the finest scale, at which the smallest face has SMALLEST_SIDE.
_FINEST: Final = SMALLEST_FACE / SMALLEST_SIDE
#: A scale this much larger than the detector's window is the last: it sees faces of that size too.
_COARSEST: Final = 1.25 * WINDOW_SIDE
#: A box with a larger side in pixels may be of a part of a face, all of which the coarser scale sees. So it
#: counts where no other is in its place.
_LARGE: Final = 0.7 * WINDOW_SIDE
#: Side in pixels of what the detector looks at in one call, for its memory, and what two neighbours share: a
#: face that is small at this scale, and what is around it.
_PART_SIDE: Final = 640
_PART_OVERLAP: Final = 64
#: Of the whole photo: the border that lets the detector see a face that fills the frame.
_BORDER: Final = 0.25
#: Where the detector is this sure of a face, none is searched for whose side is less than this share of it:
#: who is ten times as far away is a stranger behind, and the finest scale costs more than all the others.
_SURE: Final = 0.7
_SMALLEST_SHARE: Final = 0.1
#: Two boxes with this intersection over union are of one face.
_SAME_BOX: Final = 0.3
#: Two boxes that share this much of the smaller one are of one face.
SAME_FACE_OVERLAP: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """A photo at one scale.

    Attributes:
        rgb: uint8 (h, w, 3).
        factor: pixels of the photo to one of it.
    """

    rgb: np.ndarray
    factor: float


def scales_of(rgb: np.ndarray) -> list[Scale]:
    """Return a photo, uint8 (H, W, 3), at all searched scales, from coarse to fine."""
    long_side = max(rgb.shape[:2])
    factor = min(_FINEST, long_side / WINDOW_SIDE)
    scales = [_scale(rgb, factor)]
    while (side := long_side / factor) > _COARSEST:
        step = min(2.0, side / WINDOW_SIDE)
        finer, factor = scales[-1].rgb, factor * step
        scales.append(Scale(_scale(finer, step).rgb, factor))
    return scales[::-1]


def turned(scales: Sequence[Scale], quarter_turns: int) -> list[Scale]:
    """Return the scales of the photo turned counter-clockwise, as np.rot90 turns it."""
    return [Scale(np.rot90(scale.rgb, quarter_turns), scale.factor) for scale in scales]


def candidates(scales: Sequence[Scale], detector: Detector) -> Boxes:
    """Return the detector's boxes in pixels of the photo, best first, each face once.

    Args:
        scales: of `scales_of`, all or the first of them.
        detector: asked at each.
    """
    coarsest = scales[0]
    at_once = _look([coarsest, *_always_needed(scales)], detector)
    found = at_once[:1]
    if not len(found[0].scores):
        found = [_look_at_bordered(coarsest, detector)]
    is_large = [np.zeros(len(found[0].scores), bool)]
    for i, (coarser, scale) in enumerate(itertools.pairwise(scales), start=1):
        boxes, counts_last = _joined(found), np.concatenate(is_large)
        sure = _sides(boxes)[(boxes.scores >= _SURE) & ~counts_last]
        if SMALLEST_SIDE * coarser.factor <= _SMALLEST_SHARE * sure.max(initial=0.0):
            break
        found += at_once[i : i + 1] or _look([scale], detector)
        is_large.append(_sides(found[-1]) > _LARGE * scale.factor)
    boxes = _joined(found)
    # The last key counts first.
    return _distinct(_selected(boxes, np.lexsort((-boxes.scores, np.concatenate(is_large)))))


def each_once(boxes: np.ndarray) -> list[int]:
    """Return the positions of the boxes, float32 (N, 4), that overlap no earlier box."""
    kept: list[int] = []
    for i, box in enumerate(boxes):
        if (overlaps(boxes[kept], box) < SAME_FACE_OVERLAP).all():
            kept.append(i)
    return kept


def overlaps(boxes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return the share of the smaller of two boxes that lies in the other, float32 (N,).

    Args:
        boxes: float32 (N, 4), xyxy.
        box: float32 (4,).
    """
    result: np.ndarray = _shared(boxes, box) / np.minimum(_areas(boxes), _areas(box[None])).clip(
        1e-6
    )
    return result


def iou(boxes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return the intersection over union of boxes with one, float32 (N,); 0 without any area.

    Args:
        boxes: float32 (N, 4), xyxy.
        box: float32 (4,).
    """
    shared = _shared(boxes, box)
    result: np.ndarray = shared / (_areas(boxes) + _areas(box[None]) - shared).clip(1e-6)
    return result


def _scale(rgb: np.ndarray, factor: float) -> Scale:
    height, width = (max(1, round(side / factor)) for side in rgb.shape[:2])
    return Scale(resized(rgb, width, height), factor)


def _always_needed(scales: Sequence[Scale]) -> list[Scale]:
    """Return the scales after the coarsest that are searched even where a face fills the photo."""
    long_side = max(scales[0].rgb.shape[:2]) * scales[0].factor
    pairs = itertools.takewhile(
        lambda pair: SMALLEST_SIDE * pair[0].factor > _SMALLEST_SHARE * long_side,
        itertools.pairwise(scales),
    )
    return [scale for _, scale in pairs]


def _look(scales: Sequence[Scale], detector: Detector) -> list[Boxes]:
    """Return the boxes at each scale, in pixels of the photo, each face once per scale."""
    places = [
        (i, place)
        for i, scale in enumerate(scales)
        for place in itertools.product(*map(_parts, scale.rgb.shape[:2]))
    ]
    # The finest first: it takes longest, and the others fit beside it.
    places.reverse()
    found: list[list[Boxes]] = [[] for _ in scales]
    answers = detector.detect([scales[i].rgb[place] for i, place in places])
    for (i, (rows, columns)), boxes in zip(places, answers, strict=True):
        offset = np.array([columns.start, rows.start] * 2, np.float32)
        factor = np.float32(scales[i].factor)
        found[i].append(Boxes((boxes.xyxy + offset) * factor, boxes.scores))
    return [_blended(_joined(of_parts[::-1])) for of_parts in found]


def _look_at_bordered(scale: Scale, detector: Detector) -> Boxes:
    height, width = scale.rgb.shape[:2]
    border = round(_BORDER * max(height, width))
    bordered = cv2.copyMakeBorder(scale.rgb, border, border, border, border, cv2.BORDER_CONSTANT)
    (found,) = _look([Scale(bordered, scale.factor)], detector)
    return Boxes(found.xyxy - np.float32(border * scale.factor), found.scores)


def _parts(length: int) -> list[slice]:
    """Return overlapping parts of one length that cover an image's side; changing the length takes time."""
    n = max(1, math.ceil((length - _PART_OVERLAP) / (_PART_SIDE - _PART_OVERLAP)))
    part = math.ceil((length + (n - 1) * _PART_OVERLAP) / n)
    starts = [min(i * (part - _PART_OVERLAP), length - part) for i in range(n)]
    return [slice(start, start + part) for start in starts]


def _joined(found: Sequence[Boxes]) -> Boxes:
    return Boxes(
        np.concatenate([boxes.xyxy for boxes in found]),
        np.concatenate([boxes.scores for boxes in found]),
    )


def _blended(boxes: Boxes) -> Boxes:
    """Return each cluster of boxes as its mean, weighted by the scores, with the best score."""
    sides = np.concatenate([boxes.xyxy[:, :2], boxes.xyxy[:, 2:] - boxes.xyxy[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxes(sides.tolist(), boxes.scores.tolist(), 0.0, _SAME_BOX)
    best = np.asarray(kept, np.int64).reshape(-1)
    means = np.empty((len(best), 4), np.float32)
    for i, box in enumerate(boxes.xyxy[best]):
        heap = iou(boxes.xyxy, box) > _SAME_BOX
        means[i] = np.average(boxes.xyxy[heap], axis=0, weights=boxes.scores[heap])
    return Boxes(means, boxes.scores[best])


def _distinct(boxes: Boxes) -> Boxes:
    """Return the boxes in whose place there is none before them, best first."""
    kept = _selected(boxes, each_once(boxes.xyxy))
    return _selected(kept, np.argsort(-kept.scores, kind="stable"))


def _selected(boxes: Boxes, rows: np.ndarray | list[int]) -> Boxes:
    return Boxes(boxes.xyxy[rows], boxes.scores[rows])


def _sides(boxes: Boxes) -> np.ndarray:
    sides: np.ndarray = np.ptp(boxes.xyxy[:, ::2], axis=1)
    return sides


def _shared(boxes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return the area that boxes (N, 4) share with one (4,), float32 (N,)."""
    low, high = np.maximum(boxes[:, :2], box[:2]), np.minimum(boxes[:, 2:], box[2:])
    result: np.ndarray = (high - low).clip(0).prod(axis=1)
    return result


def _areas(boxes: np.ndarray) -> np.ndarray:
    result: np.ndarray = (boxes[:, 2:] - boxes[:, :2]).clip(0).prod(axis=1)
    return result
