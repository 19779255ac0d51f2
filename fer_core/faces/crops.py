"""From a face to a network's input: the only crop and resize in the project.

The framing is FER2013's own, measured on its images with MediaPipe's landmarks: a square of 1.08 times
the longer side of the landmarks' bounding box (quartiles 1.00 to 1.17), its centre 0.05 of that side
above the box's centre. The midpoint of the eyes then lies at (0.50, 0.40) of the crop and the mouth at
(0.51, 0.79). Roll is left as it is, as in FER2013.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import cv2
import numpy as np

from fer_core.faces.landmarks import FEATURE_SIZE, feature_vector

if TYPE_CHECKING:
    from fer_core.faces.face import Face

#: Side in pixels of the input of networks that name expressions: FER2013's images.
INPUT_SIZE: Final = 48
#: Side of the crop square over the longer side of the landmarks' bounding box.
FRAME_SCALE: Final = 1.08
#: How far the crop's centre lies above the box's centre, as a share of the crop's side.
FRAME_LIFT: Final = 0.05


def frame_square(box_xyxy: np.ndarray) -> np.ndarray:
    """Return the square around a face, cropped as FER2013's images are.

    Args:
        box_xyxy: float (4,), the bounding box of the face's landmarks, pixels. The detector's box
            stands in for it where there are no landmarks.

    Returns:
        float32 (4,), box xyxy in the same pixels; it may reach beyond the image.
    """
    return scaled_square(box_xyxy, 1.0)


def central_square(width: int, height: int) -> np.ndarray:
    """Return the largest square in the middle of an image, float32 (4,), box xyxy."""
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return np.array([left, top, left + side, top + side], np.float32)


def scaled_square(box_xyxy: np.ndarray, scale: float) -> np.ndarray:
    """Return the square of `frame_square`, `scale` times as wide about the same centre."""
    low, high = box_xyxy[:2], box_xyxy[2:]
    side = FRAME_SCALE * float((high - low).max())
    centre_x, centre_y = (low + high) / 2
    centre_y -= FRAME_LIFT * side
    half = scale * side / 2
    return np.array(
        [centre_x - half, centre_y - half, centre_x + half, centre_y + half], dtype=np.float32
    )


def pixel_box(box_xyxy: np.ndarray) -> tuple[int, int, int, int]:
    """Return the integer pixels that `cut` uses for a box: left, top, right, bottom; at least one pixel."""
    left, top = (round(float(edge)) for edge in box_xyxy[:2])
    # The sides are rounded and not the far edges, so that a square stays one.
    width, height = (max(1, round(float(side))) for side in box_xyxy[2:] - box_xyxy[:2])
    return left, top, left + width, top + height


def cut(image: np.ndarray, box_xyxy: np.ndarray) -> np.ndarray:
    """Return the pixels of `image` in a box; outside the image the border is replicated.

    Args:
        image: uint8 (H, W) or (H, W, C).
        box_xyxy: float (4,), pixels, rounded to whole ones.

    Returns:
        uint8, a contiguous copy, at least 1x1, of the box's size.
    """
    left, top, right, bottom = pixel_box(box_xyxy)
    rows, above_below = _inside(top, bottom, image.shape[0])
    columns, beside = _inside(left, right, image.shape[1])
    inside = image[rows, columns]
    if not any((*above_below, *beside)):
        return inside.copy()
    return np.pad(inside, [above_below, beside, *[(0, 0)] * (image.ndim - 2)], mode="edge")


def _inside(low: int, high: int, length: int) -> tuple[slice, tuple[int, int]]:
    """Return the part of an image's side that a box covers, and how much of the box lies before and after.

    The part is at least one pixel, the nearest one to a box outside the image.
    """
    part = slice(min(max(low, 0), length - 1), max(min(high, length), 1))
    outside = high - low - (part.stop - part.start)
    before = min(max(part.start - low, 0), outside)
    return part, (before, outside - before)


def resize_crop(crop: np.ndarray, side: int = INPUT_SIZE) -> np.ndarray:
    """Return a square crop in a network's input size; a crop of that size is unchanged.

    Shrinking averages areas (anything else aliases); enlarging is bilinear.

    Args:
        crop: uint8 (H, W).
        side: of the result in pixels.

    Returns:
        uint8 (side, side).
    """
    if crop.shape == (side, side):
        return crop
    shrinks = min(crop.shape) >= side
    return cv2.resize(
        crop, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )


@dataclass(frozen=True, slots=True, eq=False)
class FaceInputs:
    """The networks' inputs for one face.

    Attributes:
        image: uint8 (48, 48), grey, framed as FER2013 frames its faces.
        landmarks: float32 (FEATURE_SIZE,), `landmarks.feature_vector`; zeros without landmarks.
    """

    image: np.ndarray
    landmarks: np.ndarray = field(default_factory=lambda: np.zeros(FEATURE_SIZE, np.float32))

    @property
    def landmarks_found(self) -> bool:
        """Whether there are landmarks."""
        return bool(self.landmarks.any())


def face_inputs(
    image_rgb: np.ndarray, face: "Face", square_xyxy: np.ndarray | None = None
) -> FaceInputs:
    """Crop a face from its photo in the way of the training images.

    Args:
        image_rgb: uint8 (H, W, 3), the photo that the face's coordinates refer to.
        face: in its coordinates.
        square_xyxy: float (4,), what is cut out; that of `frame_square` by default.
    """
    square = frame_square(face.box_xyxy) if square_xyxy is None else square_xyxy
    crop = cut(image_rgb, square)
    return FaceInputs(
        image=resize_crop(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)),
        landmarks=feature_vector(face, square),
    )


class FindsFace(Protocol):
    """Finds the face in a data set's crop, as `fer_core.faces.finder.CropFinder` does."""

    def find(self, crop: np.ndarray) -> "Face | None":
        """Return the face, if one is found."""


def crop_inputs(crop: np.ndarray, finder: FindsFace) -> FaceInputs:
    """Return the networks' inputs for a face crop of a data set.

    Args:
        crop: uint8 (S, S), grey, framed as FER2013 frames its faces.
        finder: of the landmarks in it.
    """
    face = finder.find(crop)
    square = np.array([0, 0, len(crop), len(crop)], np.float32)
    image = resize_crop(crop)
    return FaceInputs(image, feature_vector(face, square)) if face else FaceInputs(image)
