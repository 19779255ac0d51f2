"""Resizing of photos that are views of other arrays, such as turned photos, without a full copy."""

import itertools

import cv2
import numpy as np


def resized(rgb: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return an image in another size: by area averages if it shrinks to half or less, else bilinear.

    Args:
        rgb: uint8 (H, W, 3), in any layout. OpenCV copies all of a view that is turned: 300 MB for a photo of
            108 megapixels. So the array behind it is resized, and the result turned.
        width: pixels, at least 1.
        height: pixels, at least 1.

    Returns:
        uint8 (height, width, 3); the very input if it has that size.
    """
    if rgb.shape[:2] == (height, width):
        return rgb
    for turns, is_mirrored in itertools.product(range(4), (False, True)):
        stored = np.rot90(rgb[:, ::-1] if is_mirrored else rgb, turns)
        if stored.strides[0] > 0 and stored.strides[1:] == (3, 1):
            size = (width, height) if turns % 2 == 0 else (height, width)
            small = np.rot90(_resize(stored, *size), -turns)
            return small[:, ::-1] if is_mirrored else small
    return _resize(rgb, width, height)


def _resize(rgb: np.ndarray, width: int, height: int) -> np.ndarray:
    # Averaging areas is slow but for whole factors; up to a half, two pixels are an average as well.
    is_small = rgb.shape[0] >= 2 * height and rgb.shape[1] >= 2 * width
    return cv2.resize(
        rgb, (width, height), interpolation=cv2.INTER_AREA if is_small else cv2.INTER_LINEAR
    )
