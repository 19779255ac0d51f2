"""Duplicates between sets of images: the difference between all and clean rows."""

from itertools import product
from typing import Final

import cv2
import numpy as np

#: Pixel correlation from which two 48x48 faces are the same photo. Of about 110 inspected FER2013 pairs above
#: it, all were; between 0.90 and 0.95, 7% of 96 were different photos.
COPY_CORRELATION: Final = 0.95
_BLOCK: Final = 4096
#: Of images that may be the same photo cut out otherwise: side of the central window that is looked for,
#: sides of the windows where it is looked for, how far these are from the middle, all in pixels of 48, and
#: the side to which both are scaled.
_LOOKED_FOR: Final = 36
_LOOKED_AT: Final = (24, 28, 32, 36, 42, 48)
_OFFSETS: Final = (-4, 0, 4)
_SCALED: Final = 20
#: Correlation of such windows from which an image is left out. Lower than for equal crops, since windows
#: never fit to the pixel. Chosen to leave out too many rather than too few; pairs were not inspected.
LOOSE_CORRELATION: Final = 0.9


def copies_in(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return bool (N,): True where an image, or its mirror image, correlates with one of `others`.

    Images of a single grey value correlate with nothing, unless they are equal.

    Args:
        images: uint8 (N, H, W).
        others: uint8 (M, H, W).
    """
    found = np.zeros(len(images), bool)
    known = {other.tobytes() for other in others}
    found |= np.array([image.tobytes() in known for image in images], bool)
    left, right = _standardise(images), _standardise(images[:, :, ::-1])
    for start in range(0, len(others), _BLOCK):
        block = _standardise(others[start : start + _BLOCK]).T
        for side in (left, right):
            found |= (side @ block).max(axis=1, initial=-1.0) >= COPY_CORRELATION
    return found


def loose_copies_in(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return bool (N,): True where an image may be another crop of a photo in `others`.

    The middle of each of `others` and its mirror image are looked for in windows of several sizes and
    places. What is found need not be a copy: this is for faces that need not be there.

    Args:
        images: uint8 (N, 48, 48).
        others: uint8 (M, 48, 48).
    """
    middles = _window(others, _LOOKED_FOR, 0, 0)
    wanted = np.concatenate([_standardise(middles), _standardise(middles[:, :, ::-1])]).T
    found = np.zeros(len(images), bool)
    for side in _LOOKED_AT:
        room = (images.shape[1] - side) // 2
        offsets = sorted({max(-room, min(room, offset)) for offset in _OFFSETS})
        for dx, dy in product(offsets, offsets):
            for start in range(0, len(images), _BLOCK):
                part = slice(start, start + _BLOCK)
                windows = _standardise(_window(images[part], side, dx, dy))
                found[part] |= (windows @ wanted).max(axis=1, initial=-1.0) >= LOOSE_CORRELATION
    return found


def _window(images: np.ndarray, side: int, dx: int, dy: int) -> np.ndarray:
    """Return uint8 (N, 20, 20): the square of `side` pixels whose middle is so far from the images' own."""
    left, top = (images.shape[2] - side) // 2 + dx, (images.shape[1] - side) // 2 + dy
    cut = images[:, top : top + side, left : left + side]
    size = (_SCALED, _SCALED)
    scaled = [cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in cut]
    return np.stack(scaled) if scaled else np.zeros((0, *size), np.uint8)


def _standardise(images: np.ndarray) -> np.ndarray:
    flat = images.reshape(len(images), np.prod(images.shape[1:])).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    return flat / np.where(norms > 0, norms, 1)
