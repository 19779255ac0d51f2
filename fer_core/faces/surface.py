"""Pixels at a face's landmarks: edges of the lips, tones of the skin.

The landmarker finds a mouth under whatever covers it, and in drawings, with a presence score as high as in
photos. Both measures look at the networks' own input, so they hold for photos of every size.
"""

from functools import cache
from typing import Final

import cv2
import numpy as np

from fer_core.faces.crops import FaceInputs
from fer_core.faces.landmarks import IN_CROP, KEYPOINTS, LEFT_IRIS, RIGHT_IRIS, contour_edges

#: The border between the upper and the lower face.
_NOSE_TIP: Final = KEYPOINTS["nose_tip"]
#: The irises' landmarks come last; all others span the face.
_FACE_POINTS: Final = RIGHT_IRIS
#: Neighbouring grey levels that count as one tone, for compression scatters a flat area over a few.
_TONE_WIDTH: Final = 3
#: Darker tones do not count: shadows and dark glasses have but one.
_DARKEST_TONE: Final = 24
#: Added to the mean gradient, in grey levels a pixel: an empty face divides by it, others hardly change.
_LEAST_GRADIENT: Final = 0.5


def lip_edges(inputs: FaceInputs) -> float:
    """Return the strength of the edges along the lips; 1 is the mean gradient of the face.

    Lips are borders between lighter and darker rows, so the measure is the median over the mouth of the
    gradient along the face's vertical axis. What covers a mouth is mostly smoother, or has its edges upright.

    Args:
        inputs: with landmarks.

    Returns:
        At least 0; the median of ExpW's faces is 0.77.
    """
    points = _points(inputs)
    grey = inputs.image.astype(np.float32)
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=3) / 8
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=3) / 8
    axis = _right(points)
    # A pixel more on all sides: the landmarks follow the lips' edges, which are to be inside.
    mouth = cv2.dilate(_hull(points[_lips()], grey.shape), np.ones((3, 3), np.uint8)) > 0
    face = _hull(points[:_FACE_POINTS], grey.shape) > 0
    if not mouth.any() or not face.any():
        return 0.0
    along = np.abs(down[mouth] * axis[0] - across[mouth] * axis[1])
    mean = float(np.hypot(across[face], down[face]).mean())
    return float(np.median(along)) / (mean + _LEAST_GRADIENT)


def commonest_tone(inputs: FaceInputs) -> float:
    """Return the share in [0, 1] of the most common tone in the face above the nose's tip.

    Skin has shades, a drawing's fill and its paper have not. Only the upper face counts: a bar over the mouth
    makes no drawing of a photo.

    Args:
        inputs: with landmarks.
    """
    points = _points(inputs)
    side = len(inputs.image)
    right = _right(points)
    y, x = np.mgrid[:side, :side] + 0.5 - points[_NOSE_TIP][::-1, None, None]
    above = y * right[0] - x * right[1] < 0
    values = inputs.image[(_hull(points[:_FACE_POINTS], inputs.image.shape) > 0) & above]
    if not len(values):
        return 0.0
    counts = np.bincount(values, minlength=256)
    tones = np.convolve(counts[_DARKEST_TONE:], np.ones(_TONE_WIDTH))
    return float(tones.max()) / len(values)


def _points(inputs: FaceInputs) -> np.ndarray:
    """Return the landmarks in the crop, float32 (478, 2), pixels."""
    result: np.ndarray = (inputs.landmarks[IN_CROP].reshape(-1, 2) + 0.5) * len(inputs.image)
    return result


def _right(points: np.ndarray) -> np.ndarray:
    """Return the unit vector from iris to iris, float32 (2,)."""
    between = points[LEFT_IRIS] - points[RIGHT_IRIS]
    result: np.ndarray = between / max(float(np.linalg.norm(between)), 1e-6)
    return result


def _hull(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the convex hull of points as a mask, uint8 of the given shape."""
    mask = np.zeros(shape, np.uint8)
    hull = cv2.convexHull(np.round(points - 0.5).astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 1)
    return mask


@cache
def _lips() -> np.ndarray:
    """Return the landmarks on the lips' edges, int64 (n,)."""
    return np.unique(contour_edges()["lips"])
