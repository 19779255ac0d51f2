"""Corruptions of face crops, ten kinds at five strengths.

In the manner of Hendrycks and Dietterich 2019 (arXiv:1903.12261), with what happens to faces: blur, noise,
JPEG, light, contrast and a low resolution, a turned head, covered eyes, a covered mouth. Strengths are
physical values, chosen here for crops of 48 pixels and not those of that paper, so figures compare between
networks of this project only. Too little and too much light are kinds of their own, since they fail for
different reasons: one loses steps of grey, the other what is clipped to white.

Each `apply` is a pure function of images, uint8 (N, H, W), a value of the kind's parameter, and a random
generator that noise and the direction of turns come from; it returns uint8 (N, H, W).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import cv2
import numpy as np

from fer_core.faces.crops import resize_crop

_Apply: TypeAlias = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]

#: Bands of a crop, as left, top, right and bottom shares of its side. The framing puts the eyes' midpoint at
#: (0.50, 0.40), the eyes 0.36 apart, and the mouth at (0.51, 0.79): see `fer_core.faces.crops`. The first
#: holds both eyes with their lids and corners, the second lips and chin's crease, the mouth open or shut.
EYES_BAND: Final = (0.18, 0.28, 0.82, 0.52)
MOUTH_BAND: Final = (0.23, 0.65, 0.79, 0.93)


@dataclass(frozen=True, slots=True)
class Corruption:
    """One kind of corruption.

    Attributes:
        name: in files and figures.
        parameter: what its values are, with their unit.
        values: of the parameter, for the strengths 1 to 5.
        apply: corrupts images by a value.
    """

    name: str
    parameter: str
    values: tuple[float, float, float, float, float]
    apply: _Apply


def _each(corrupt: _Apply) -> _Apply:
    """Return a function that applies `corrupt` to each image, uint8 (H, W)."""

    def apply(images: np.ndarray, value: float, rng: np.random.Generator) -> np.ndarray:
        corrupted = np.empty_like(images)
        for i, image in enumerate(images):
            corrupted[i] = corrupt(image, value, rng)
        return corrupted

    return apply


def _blur(image: np.ndarray, sigma: float, _: np.random.Generator) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)


def _noise(images: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    return _grey(images + rng.normal(0, deviation, images.shape))


def _jpeg(image: np.ndarray, quality: float, _: np.random.Generator) -> np.ndarray:
    code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])[1]
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE))


def _light(images: np.ndarray, factor: float, _: np.random.Generator) -> np.ndarray:
    return _grey(images * factor)


def _contrast(images: np.ndarray, factor: float, _: np.random.Generator) -> np.ndarray:
    mean = images.mean(axis=(1, 2), keepdims=True)
    return _grey(mean + factor * (images - mean))


def _cover(band: tuple[float, float, float, float]) -> _Apply:
    """Return a function that covers a share of a band with the image's mean grey, from its centre line out.

    The mean, so that what is measured is what the part of the face was worth, and not a new dark edge.
    """

    def apply(images: np.ndarray, share: float, _: np.random.Generator) -> np.ndarray:
        left, top, right, bottom = band
        middle, reach = (top + bottom) / 2, share * (bottom - top) / 2
        height, width = images.shape[1:]
        rows = slice(round((middle - reach) * height), round((middle + reach) * height))
        covered = images.copy()
        covered[:, rows, round(left * width) : round(right * width)] = _grey(
            images.mean(axis=(1, 2), keepdims=True)
        )
        return covered

    return apply


def _turn(image: np.ndarray, degrees: float, rng: np.random.Generator) -> np.ndarray:
    """Rotate an image about its centre, randomly to the left or right."""
    height, width = image.shape
    centre = ((width - 1) / 2, (height - 1) / 2)
    turn = cv2.getRotationMatrix2D(centre, degrees * rng.choice((-1, 1)), 1.0)
    return cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)


def _shrink(image: np.ndarray, side: float, _: np.random.Generator) -> np.ndarray:
    """Shrink a square image by areas and enlarge it bilinearly, as crops of small faces are."""
    return resize_crop(resize_crop(image, int(side)), len(image))


def _grey(values: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return result


#: All of them, in the order of files and figures.
CORRUPTIONS: Final = (
    Corruption("blur", "sigma, pixels", (0.5, 1.0, 1.5, 2.0, 3.0), _each(_blur)),
    Corruption("noise", "standard deviation, grey values", (4, 8, 12, 20, 30), _noise),
    Corruption("JPEG", "quality", (50, 30, 18, 10, 5), _each(_jpeg)),
    Corruption("low resolution", "side, pixels", (32, 24, 16, 12, 8), _each(_shrink)),
    Corruption("darker", "factor of light", (0.5, 0.25, 0.12, 0.06, 0.03), _light),
    Corruption("brighter", "factor of light", (1.3, 1.6, 2.0, 2.6, 3.4), _light),
    Corruption("low contrast", "factor of contrast", (0.5, 0.25, 0.12, 0.06, 0.03), _contrast),
    Corruption("rotation", "degrees", (10, 20, 30, 45, 60), _each(_turn)),
    Corruption("eyes covered", "share of the band", (0.2, 0.4, 0.6, 0.8, 1.0), _cover(EYES_BAND)),
    Corruption("mouth covered", "share of the band", (0.2, 0.4, 0.6, 0.8, 1.0), _cover(MOUTH_BAND)),
)
