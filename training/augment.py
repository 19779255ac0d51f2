"""Augmentation as one Keras layer, so that it runs inside the compiled step on any backend."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from fer_core.crops import INPUT_SIZE

if TYPE_CHECKING:
    import keras


class Augment(BaseModel):
    """How training images are varied. Each amount is the half-width of a uniform distribution.

    Attributes:
        flip: mirror half the images.
        rotate_degrees: rotation in the plane.
        zoom: relative change of scale.
        shift_pixels: translation along each axis.
        crop_pixels: side of the central square that is kept after the shift, together a random crop.
            Pooling makes the network independent of its input's size, so it trains on smaller
            squares than it serves: cheaper, and better at test (Touvron et al. 2019,
            arXiv:1906.06423).
        gamma: half-width of the logarithm of the exponent that grey values are raised to.
        erase_probability: share of images of which a rectangle is overwritten with one random grey
            value (random erasing, Zhong et al. 2020, arXiv:1708.04896).
        erase_side: least and greatest side of that rectangle, as shares of the image's side.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    flip: bool = True
    rotate_degrees: float = 10.0
    zoom: float = 0.1
    shift_pixels: float = 4.0
    crop_pixels: int = Field(default=INPUT_SIZE, ge=8, le=INPUT_SIZE)
    gamma: float = 0.3
    erase_probability: float = 0.5
    erase_side: tuple[float, float] = (0.1, 0.4)

    def layer(self, seed: int, *, view_pixels: int = INPUT_SIZE) -> "keras.layers.Layer":
        """Return a layer from grey values (N, H, W, 1) in [0, 255] to the same, varied in training.

        Outside training it passes on the central square of `view_pixels` as it is.
        """
        import keras
        from keras import ops, random

        settings = self

        class RandomFace(keras.layers.Layer):
            def __init__(self) -> None:
                super().__init__(name="augment", dtype="float32")
                self.seed_generator = random.SeedGenerator(seed)

            def call(
                self, images: "keras.KerasTensor", training: bool = False
            ) -> "keras.KerasTensor":
                images = ops.cast(images, "float32")
                if not training:
                    return _middle(images, view_pixels)
                draw = self._draw
                n = ops.shape(images)[0]
                images = ops.image.affine_transform(
                    images,
                    _affine(settings, n, images.shape[1], draw),
                    interpolation="bilinear",
                    fill_mode="nearest",
                )
                images = _middle(images, settings.crop_pixels)
                exponent = ops.exp(draw((n, 1, 1, 1), settings.gamma))
                # The floor keeps the power's gradient and value finite on black pixels.
                images = 255.0 * ops.power(ops.clip(images / 255.0, 1e-4, 1.0), exponent)
                return self._erase(images, n)

            def _draw(self, shape: tuple[int, ...], half_width: float) -> "keras.KerasTensor":
                return random.uniform(shape, -half_width, half_width, seed=self.seed_generator)

            def _erase(self, images: "keras.KerasTensor", n: int) -> "keras.KerasTensor":
                side = images.shape[1]
                unit = random.uniform((6, n, 1, 1, 1), seed=self.seed_generator)
                low, high = settings.erase_side
                height, width = (side * (low + (high - low) * unit[i]) for i in (0, 1))
                top, left = (side - height) * unit[2], (side - width) * unit[3]
                places = ops.arange(side, dtype="float32")
                row, column = ops.reshape(places, (1, -1, 1, 1)), ops.reshape(places, (1, 1, -1, 1))
                inside = ops.logical_and(
                    ops.logical_and(row >= top, row < top + height),
                    ops.logical_and(column >= left, column < left + width),
                )
                erased = ops.logical_and(inside, unit[4] < settings.erase_probability)
                return ops.where(erased, 255.0 * unit[5], images)

        return RandomFace()


def _middle(images: "keras.KerasTensor", side: int) -> "keras.KerasTensor":
    margin = (images.shape[1] - side) // 2
    return images[:, margin : margin + side, margin : margin + side]


def _affine(
    settings: Augment, n: int, side: int, draw: "Callable[..., keras.KerasTensor]"
) -> "keras.KerasTensor":
    """Return float32 (n, 8): for each image, the map from output to input pixels about the centre."""
    from keras import ops

    angle = draw((n,), math.radians(settings.rotate_degrees))
    scale = 1.0 + draw((n,), settings.zoom)
    # A uniform draw about zero is negative for half the images.
    mirror = ops.where(draw((n,), 1.0) < 0, -1.0, 1.0) if settings.flip else ops.ones((n,))
    cos, sin = scale * ops.cos(angle), scale * ops.sin(angle)
    a, b, d, e = mirror * cos, -mirror * sin, sin, cos
    centre = (side - 1) / 2
    shift_x, shift_y = draw((n,), settings.shift_pixels), draw((n,), settings.shift_pixels)
    c = centre - (a + b) * centre + shift_x
    f = centre - (d + e) * centre + shift_y
    zero = ops.zeros((n,))
    return ops.stack([a, b, c, d, e, f, zero, zero], axis=1)
