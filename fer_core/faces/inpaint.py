"""A face with one region as in the average face: landmarks and pixels together.

The average face's pixels are moved to the region's new landmarks, its contrast and brightness are those of
the face, and its edge is soft. A network then sees the same face without what the region expresses.
"""

from typing import Final

import cv2
import numpy as np
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial import cKDTree

from fer_core.faces.blendshapes import BLENDSHAPES
from fer_core.faces.crops import FaceInputs
from fer_core.faces.landmarks import IN_CROP, SHAPES, UPRIGHT, centre_and_size
from fer_core.faces.mediapipe_models import N_LANDMARKS
from fer_core.faces.shape import SHAPES_OF, FaceShape, Region, crop_pixels

#: How far beyond the outermost landmarks a region reaches, in pixels.
_BEYOND: Final = 2
#: Standard deviation of the soft edge in pixels.
_SOFT: Final = 1.0
#: Width of the ring around a region in which the average face gets the face's brightness, in pixels.
_RING: Final = 4
#: Limits of the change of contrast: a face half in shadow would get black eyes.
_LEAST_GAIN, _MOST_GAIN = 0.25, 1.3


def with_average_region(inputs: FaceInputs, region: Region, shape: FaceShape) -> FaceInputs:
    """Return a face's inputs with one region's landmarks, blendshapes and pixels as in the average face.

    Raises:
        ValueError: the face has no landmarks.
    """
    if not inputs.landmarks_found:
        raise ValueError("the face has no landmarks, so its regions are not known")
    points = shape.region_points(region)
    upright = inputs.landmarks[UPRIGHT].reshape(N_LANDMARKS, 3)
    in_crop = inputs.landmarks[IN_CROP].reshape(N_LANDMARKS, 2)
    change = np.zeros_like(upright)
    change[points] = shape.points[points] - upright[points]
    # The points in the crop are the upright ones, turned, scaled and moved.
    known = np.column_stack([upright, np.ones(N_LANDMARKS, np.float32)])
    to_crop = np.linalg.lstsq(known, in_crop, rcond=None)[0][:3]
    moved = in_crop + change @ to_crop
    vector = inputs.landmarks.copy()
    centre, size = centre_and_size(upright + change)
    vector[UPRIGHT] = ((upright + change - centre) / size).ravel()
    vector[IN_CROP] = moved.ravel()
    for i, name in enumerate(BLENDSHAPES):
        if name.startswith(SHAPES_OF[region]):
            vector[SHAPES.start + i] = shape.blendshapes[i]
    image = _inpainted(inputs.image, in_crop, moved, points, shape)
    return FaceInputs(image, vector)


def region_mask(in_crop: np.ndarray, points: np.ndarray, side: int) -> np.ndarray:
    """Return the pixels of a crop whose nearest landmark is in a region, bool (side, side).

    Args:
        in_crop: float (478, 2), the landmarks, from -0.5 to 0.5 of the crop's side.
        points: int (n,), the region's landmarks.
        side: of the crop in pixels.
    """
    at = crop_pixels(in_crop, side)
    y, x = np.mgrid[:side, :side]
    _, nearest = cKDTree(at).query(np.stack([x, y], axis=-1))
    mask: np.ndarray = np.isin(nearest, points) & _face(at, side)
    return mask


def _inpainted(
    image: np.ndarray,
    in_crop: np.ndarray,
    moved: np.ndarray,
    points: np.ndarray,
    shape: FaceShape,
) -> np.ndarray:
    """Return the image, uint8 (S, S), with the pixels of a region from the average face."""
    side = len(image)
    at = crop_pixels(moved, side)
    mask = region_mask(in_crop, points, side) | region_mask(moved, points, side)
    if not mask.any():
        return image
    # Of each pixel, where it lies in the average face.
    place = LinearNDInterpolator(at, crop_pixels(shape.in_crop, len(shape.pixels)))
    y, x = np.mgrid[:side, :side].astype(np.float32)
    source = np.asarray(place(x, y), np.float32)
    is_inside = np.isfinite(source[..., 0])
    source[~is_inside] = 0
    average = cv2.remap(shape.pixels, source[..., 0], source[..., 1], cv2.INTER_LINEAR).astype(
        np.float32
    )
    face = is_inside & ~mask
    near = cv2.dilate(mask.astype(np.uint8), np.ones((2 * _RING + 1,) * 2, np.uint8)) > 0
    ring = near & face
    if not ring.any():
        return image
    gain = float(np.clip(image[face].std() / max(average[face].std(), 1), _LEAST_GAIN, _MOST_GAIN))
    fitted = gain * (average - average[ring].mean()) + image[ring].mean()
    share = cv2.GaussianBlur((mask & is_inside).astype(np.float32), (0, 0), _SOFT)
    mixed = share * fitted + (1 - share) * image
    result: np.ndarray = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return result


def _face(at: np.ndarray, side: int) -> np.ndarray:
    """Return the pixels inside the outermost landmarks and a little beyond, bool (side, side)."""
    hull = cv2.convexHull(np.rint(at).astype(np.int32))
    mask = cv2.fillConvexPoly(np.zeros((side, side), np.uint8), hull, 1)
    return cv2.dilate(mask, np.ones((2 * _BEYOND + 1,) * 2, np.uint8)) > 0
