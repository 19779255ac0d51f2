"""Augmentation of faces with keypoints, when batches are made; the points move with the pixels."""

import math
from typing import Final

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict

from fer_core.networks.keypoints import KEYPOINT_SIZE, mirror_points

_CENTRE: Final = (KEYPOINT_SIZE - 1) / 2


class KeypointAugment(BaseModel):
    """Augmentation settings. Each amount is the half-width of a uniform distribution.

    Attributes:
        flip: mirror half the images, with left and right points swapped.
        rotate_degrees: rotation in the plane.
        zoom: relative change of scale.
        shift_pixels: translation along each axis.
        brightness: added to all grey values.
        contrast: relative change of the distance from the mean grey value.
        blur_probability: share of images that are blurred.
        blur_sigma: greatest standard deviation of that blur, pixels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    flip: bool = True
    rotate_degrees: float = 20.0
    zoom: float = 0.12
    shift_pixels: float = 6.0
    brightness: float = 30.0
    contrast: float = 0.3
    blur_probability: float = 0.3
    blur_sigma: float = 1.5

    def vary(
        self, images: np.ndarray, points: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return augmented faces with their moved points.

        Args:
            images: uint8 (N, 96, 96), grey.
            points: float32 (N, 15, 2), pixels, NaN where one is not given.
            rng: that all is drawn from.
        """
        pairs = [self._vary_one(i, p, rng) for i, p in zip(images, points, strict=True)]
        return np.stack([image for image, _ in pairs]), np.stack([p for _, p in pairs])

    def _vary_one(
        self, image: np.ndarray, points: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        angle = math.radians(rng.uniform(-1, 1) * self.rotate_degrees)
        scale = 1 + rng.uniform(-1, 1) * self.zoom
        shift = rng.uniform(-1, 1, 2) * self.shift_pixels
        mirror = -1.0 if self.flip and rng.random() < 0.5 else 1.0
        turn = scale * np.array(
            [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
        )
        linear = turn @ np.diag([mirror, 1.0])
        offset = _CENTRE - linear @ [_CENTRE, _CENTRE] + shift
        moved = cv2.warpAffine(
            image,
            np.column_stack([linear, offset]),
            (KEYPOINT_SIZE, KEYPOINT_SIZE),
            borderMode=cv2.BORDER_REPLICATE,
        )
        contrast = 1 + rng.uniform(-1, 1) * self.contrast
        brightness = rng.uniform(-1, 1) * self.brightness
        mean = float(moved.mean())
        moved = np.clip((moved - mean) * contrast + mean + brightness, 0, 255).astype(np.uint8)
        if rng.random() < self.blur_probability:
            moved = cv2.GaussianBlur(moved, (0, 0), rng.uniform(0.1, self.blur_sigma))
        placed = points @ linear.T + offset
        if mirror < 0:
            placed = placed[mirror_points()]
        return moved, placed.astype(np.float32)
