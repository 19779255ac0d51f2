"""Augmentation as a Keras layer, which runs in the compiled step on any backend."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

import cv2
import numpy as np
from pydantic import Field, field_validator

from fer_core.faces.crops import INPUT_SIZE
from fer_core.faces.landmarks import FEATURE_SIZE, IN_CROP, POSE, SHAPES, UPRIGHT, mirror_order
from training.schema.recorded import Settings

if TYPE_CHECKING:
    import keras


#: Root mean square difference, of the median face, between the landmark features of a photo and of the
#: 48 pixels that a data set keeps of it; measured by `python -m tests.benchmarks.landmark_gap`.
LANDMARK_NOISE: Final = ((UPRIGHT, 0.023), (IN_CROP, 0.009), (SHAPES, 0.060), (POSE, 0.020))

#: How many amounts of each change of sharpness are drawn from.
SHARPNESS_STEPS: Final = 12


class Sharpness(Settings):
    """Random blur, loss of resolution and sharpening: photos are softer or sharper than a data set's crops.

    Attributes:
        probability: share of images that are changed. Each is blurred, shrunk or sharpened, one of the three.
        blur_sigma: greatest standard deviation of the Gaussian blur, in pixels.
        least_side: smallest side, in pixels of 48, that an image is shrunk to before it is enlarged again, as
            a small face in a photo is (`fer_core.faces.crops.resize_crop`).
        sharpen: greatest amount of an unsharp mask with a standard deviation of one pixel, along rows and
            then along columns.
    """

    probability: float = Field(default=0.5, ge=0.0, le=1.0)
    blur_sigma: float = Field(default=1.2, gt=0.0)
    least_side: int = Field(default=16, ge=4, lt=INPUT_SIZE)
    sharpen: float = Field(default=0.6, ge=0.0)

    def kernels(self, side: int) -> np.ndarray:
        """Return float32 (3, SHARPNESS_STEPS, side, side): matrices K for which K @ image @ K.T is changed.

        The first axis is blur, shrinking and sharpening; the second goes from the least to the greatest
        change. Rows sum to 1, so that uniform images stay as they are.
        """
        shares = np.linspace(0.0, 1.0, SHARPNESS_STEPS + 1)[1:]
        # As many pixels fewer as of 48.
        sides = np.unique(np.rint(side * np.linspace(self.least_side / INPUT_SIZE, 1, 99))).astype(
            int
        )
        steps = np.linspace(len(sides) - 2, 0, SHARPNESS_STEPS).round().astype(int)
        unit = np.eye(side, dtype=np.float32)
        kernels = (
            [_blur_kernel(side, share * self.blur_sigma) for share in shares],
            [_shrinking_kernel(side, int(sides[step])) for step in steps],
            [unit + share * self.sharpen * (unit - _blur_kernel(side, 1.0)) for share in shares],
        )
        return np.array(kernels, np.float32)


def _blur_kernel(side: int, sigma: float) -> np.ndarray:
    """Return float32 (side, side): each row a Gaussian about its own pixel, the border replicated."""
    return cv2.GaussianBlur(
        np.eye(side, dtype=np.float32),
        (1, 0),
        sigmaX=1,
        sigmaY=sigma,
        borderType=cv2.BORDER_REPLICATE,
    )


def _shrinking_kernel(side: int, small: int) -> np.ndarray:
    """Return float32 (side, side): the averages of areas that `small` pixels hold, interpolated."""
    shrunk = cv2.resize(np.eye(side, dtype=np.float32), (side, small), interpolation=cv2.INTER_AREA)
    return cv2.resize(shrunk, (side, side), interpolation=cv2.INTER_LINEAR)


class Augment(Settings):
    """Augmentation settings. Each amount is the half-width of a uniform distribution.

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
        mixup_alpha: of the Beta distribution that says how far each face is blended with another of its
            batch, its target likewise (mixup, Zhang et al. 2018, arXiv:1710.09412); 0 for none. Done
            where batches are made (`training.tasks.batches`), before anything else.
        sharpness: how blur and resolution are varied; not at all by default.
        landmark_jitter: standard deviation of the noise on the landmarks' vector, as a multiple of
            `LANDMARK_NOISE`, what separates the landmarks of a photo from those of its 48 pixels.
        landmark_dropout: share of faces whose landmarks are withheld, as where none are found.
    """

    later: ClassVar[frozenset[str]] = frozenset({"sharpness"})

    flip: bool = True
    rotate_degrees: float = Field(default=10.0, ge=0.0, le=180.0)
    zoom: float = Field(default=0.1, ge=0.0, lt=1.0)
    shift_pixels: float = Field(default=4.0, ge=0.0, le=INPUT_SIZE)
    crop_pixels: int = Field(default=INPUT_SIZE, ge=8, le=INPUT_SIZE)
    gamma: float = Field(default=0.3, ge=0.0)
    erase_probability: float = Field(default=0.5, ge=0.0, le=1.0)
    erase_side: tuple[float, float] = (0.1, 0.4)
    mixup_alpha: float = Field(default=0.0, ge=0.0)
    sharpness: Sharpness | None = None
    landmark_jitter: float = Field(default=0.0, ge=0.0)
    landmark_dropout: float = Field(default=0.0, ge=0.0, le=1.0)

    @field_validator("erase_side")
    @classmethod
    def _are_sides(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= value[0] <= value[1] <= 1:
            raise ValueError("must be two shares of the image's side, the smaller one first")
        return value

    def layer(self, seed: int, *, view_pixels: int = INPUT_SIZE) -> "keras.layers.Layer":
        """Return a layer that augments a network's inputs in training.

        It takes and returns a dict with `image`, grey values (N, H, W, 1) in [0, 255], `landmarks`,
        (N, FEATURE_SIZE), or both, which then move together. Outside training it passes on the central
        square of `view_pixels` and the landmarks as they are.
        """
        import keras
        from keras import ops, random

        settings = self

        class RandomFace(keras.layers.Layer):
            def __init__(self) -> None:
                super().__init__(name="augment", dtype="float32")
                self.seed_generator = random.SeedGenerator(seed)

            def call(
                self, inputs: "dict[str, keras.KerasTensor]", training: bool = False
            ) -> "dict[str, keras.KerasTensor]":
                inputs = {name: ops.cast(values, "float32") for name, values in inputs.items()}
                if not training:
                    if "image" in inputs:
                        inputs["image"] = _middle(inputs["image"], view_pixels)
                    return inputs
                n = ops.shape(next(iter(inputs.values())))[0]
                motion = _draw_motion(settings, n, self._draw)
                if "image" in inputs:
                    inputs["image"] = self._vary_image(inputs["image"], n, motion)
                if "landmarks" in inputs:
                    inputs["landmarks"] = self._vary_landmarks(inputs["landmarks"], n, motion)
                return inputs

            def _draw(self, shape: tuple[int, ...], half_width: float) -> "keras.KerasTensor":
                return random.uniform(shape, -half_width, half_width, seed=self.seed_generator)

            def _vary_image(
                self, images: "keras.KerasTensor", n: int, motion: _Motion
            ) -> "keras.KerasTensor":
                images = ops.image.affine_transform(
                    images,
                    _image_table(motion, images.shape[1]),
                    interpolation="bilinear",
                    fill_mode="nearest",
                )
                images = _middle(images, settings.crop_pixels)
                exponent = ops.exp(self._draw((n, 1, 1, 1), settings.gamma))
                # The floor keeps the power's gradient and value finite on black pixels.
                images = 255.0 * ops.power(ops.clip(images / 255.0, 1e-4, 1.0), exponent)
                if settings.sharpness is not None:
                    images = self._change_sharpness(images, n, settings.sharpness)
                return self._erase(images, n)

            def _change_sharpness(
                self, images: "keras.KerasTensor", n: int, sharpness: Sharpness
            ) -> "keras.KerasTensor":
                side = images.shape[1]
                table = sharpness.kernels(side).reshape(-1, side, side)
                # One matrix more, which changes nothing.
                table = np.concatenate([table, np.eye(side, dtype=np.float32)[None]])
                unit = random.uniform((2, n), seed=self.seed_generator)
                drawn = ops.cast(unit[0] * (len(table) - 1), "int32")
                chosen = ops.where(unit[1] < sharpness.probability, drawn, len(table) - 1)
                kernels = ops.take(ops.convert_to_tensor(table), chosen, axis=0)
                changed = kernels @ images[..., 0] @ ops.transpose(kernels, (0, 2, 1))
                return ops.clip(changed, 0.0, 255.0)[..., None]

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

            def _vary_landmarks(
                self, vectors: "keras.KerasTensor", n: int, motion: _Motion
            ) -> "keras.KerasTensor":
                moved = _move_landmarks(vectors, motion)
                noise = random.normal(ops.shape(moved), seed=self.seed_generator)
                moved = moved + settings.landmark_jitter * _landmark_noise() * noise
                kept = random.uniform((n, 1), seed=self.seed_generator) >= settings.landmark_dropout
                found = ops.any(vectors != 0, axis=1, keepdims=True)
                return ops.where(ops.logical_and(found, kept), moved, 0.0)

        return RandomFace()


class _Motion(NamedTuple):
    """The random transforms of a batch of faces; float32 (N,) each.

    Attributes:
        cos, sin: of the angle, times the scale.
        angle: radians.
        mirror: -1 or 1.
        shift_x, shift_y: pixels of the 48 of the input.
    """

    cos: "keras.KerasTensor"
    sin: "keras.KerasTensor"
    angle: "keras.KerasTensor"
    mirror: "keras.KerasTensor"
    shift_x: "keras.KerasTensor"
    shift_y: "keras.KerasTensor"


def _draw_motion(settings: Augment, n: int, draw: "Callable[..., keras.KerasTensor]") -> _Motion:
    from keras import ops

    angle = draw((n,), math.radians(settings.rotate_degrees))
    scale = 1.0 + draw((n,), settings.zoom)
    # A uniform draw about zero is negative for half the images.
    mirror = ops.where(draw((n,), 1.0) < 0, -1.0, 1.0) if settings.flip else ops.ones((n,))
    shift_x, shift_y = draw((n,), settings.shift_pixels), draw((n,), settings.shift_pixels)
    return _Motion(
        cos=scale * ops.cos(angle),
        sin=scale * ops.sin(angle),
        angle=angle,
        mirror=mirror,
        shift_x=shift_x,
        shift_y=shift_y,
    )


def _middle(images: "keras.KerasTensor", side: int) -> "keras.KerasTensor":
    margin = (images.shape[1] - side) // 2
    return images[:, margin : margin + side, margin : margin + side]


def _image_table(motion: _Motion, side: int) -> "keras.KerasTensor":
    """Return float32 (N, 8): for each image, the map from output to input pixels about the centre."""
    from keras import ops

    a, b = motion.mirror * motion.cos, -motion.mirror * motion.sin
    d, e = motion.sin, motion.cos
    centre = (side - 1) / 2
    c = centre - (a + b) * centre + motion.shift_x
    f = centre - (d + e) * centre + motion.shift_y
    zero = ops.zeros_like(a)
    return ops.stack([a, b, c, d, e, f, zero, zero], axis=1)


def _landmark_noise() -> np.ndarray:
    """Return `LANDMARK_NOISE` for each number of the vector, float32 (FEATURE_SIZE,)."""
    noise = np.zeros(FEATURE_SIZE, np.float32)
    for part, size in LANDMARK_NOISE:
        noise[part] = size
    return noise


def _move_landmarks(vectors: "keras.KerasTensor", motion: _Motion) -> "keras.KerasTensor":
    """Return the feature vectors, float32 (N, FEATURE_SIZE), of images moved by `_image_table`."""
    from keras import ops

    order, signs = mirror_order()
    is_mirrored = motion.mirror[:, None] < 0
    vectors = ops.where(is_mirrored, ops.take(vectors, order, axis=1) * signs, vectors)
    before, points, between, roll = ops.split(
        vectors, [IN_CROP.start, IN_CROP.stop, FEATURE_SIZE - 1], axis=1
    )
    # The inverse of the map from output to input: content moves against the shift.
    x = points[:, 0::2] - (motion.mirror * motion.shift_x)[:, None] / INPUT_SIZE
    y = points[:, 1::2] - motion.shift_y[:, None] / INPUT_SIZE
    squared_scale = (motion.cos**2 + motion.sin**2)[:, None]
    cos, sin = motion.cos[:, None] / squared_scale, motion.sin[:, None] / squared_scale
    moved = ops.stack([cos * x + sin * y, cos * y - sin * x], axis=2)
    moved = ops.reshape(moved, ops.shape(points))
    return ops.concatenate([before, moved, between, roll - motion.angle[:, None]], axis=1)
