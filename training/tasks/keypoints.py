"""The task of finding keypoints."""

import functools
import logging
import math
from typing import TYPE_CHECKING, Final

import numpy as np

from fer_core.networks.keypoints import KEYPOINT_SIZE, POINT_NAMES
from training import sources
from training.schema.keypoint_augment import KeypointAugment
from training.schema.recipe import KeypointRecipe
from training.sources import Split, sha256_of_arrays
from training.sources.keypoints import KeypointSamples
from training.tasks.batches import STATISTICS_SAMPLES
from training.tasks.task import Phase, Task

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

VALIDATION_BATCH: Final = 256
#: Pixels of error up to which the loss is a parabola, beyond which it is a line (Huber 1964).
HUBER_PIXELS: Final = 0.5


def keypoint_task(recipe: KeypointRecipe) -> Task:
    """Return the recipe's task; it is validated on persons that are not in the training data.

    Raises:
        DataError: the recipe's data is not there.
    """
    import keras

    from training.networks.fast_layers import with_fast_layers

    train, valid = (sources.load_keypoints(split) for split in (Split.TRAIN, Split.VALID))
    log.info("%s: %d training rows, %d validation rows", recipe.name, len(train), len(valid))
    n_points = len(POINT_NAMES)
    chosen = np.random.default_rng(recipe.seed).permutation(len(train))[:STATISTICS_SAMPLES]

    def enter(network: "keras.Model") -> "keras.Model":
        image = keras.Input((KEYPOINT_SIZE, KEYPOINT_SIZE, 1), dtype="uint8", name="image")
        return keras.Model(image, network(keras.ops.cast(image, "float32")))

    return Task(
        network=with_fast_layers(recipe.architecture.build(n_points)),
        served=functools.partial(recipe.architecture.build, n_points),
        train=_batches(train, recipe.batch_size, recipe.augment),
        valid={sources.keypoints.NAME: _batches(valid, VALIDATION_BATCH)},
        statistics={"image": train.images[np.sort(chosen)][..., None]},
        phases=(Phase(recipe.epochs, enter),),
        loss=_huber_of_given_points(),
        metric=_rmse_of_given_points(),
        figure=recipe.figure,
        n_train=len(train),
        data_sha256=sha256_of_arrays(train.images, train.points),
        n_left_out=0,
    )


def _batches(
    samples: KeypointSamples, batch_size: int, augment: KeypointAugment | None = None
) -> "keras.utils.PyDataset":
    """Return batches of images (B, 96, 96, 1) and targets (B, 30), in order until shuffled."""
    import keras

    class Batches(keras.utils.PyDataset):
        order = np.arange(len(samples))
        _drawn_from: tuple[int, int] = (0, 0)

        def __len__(self) -> int:
            return math.ceil(len(samples) / batch_size)

        def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
            chosen = self.order[step * batch_size : (step + 1) * batch_size]
            images, points = samples.images[chosen], samples.points[chosen]
            if augment is not None:
                rng = np.random.default_rng((*self._drawn_from, step))
                images, points = augment.vary(images, points, rng)
            return images[..., None], points.reshape(len(points), -1)

        def shuffle(self, seed: int, epoch: int) -> None:
            # From seed and epoch alone, so that a resumed run sees what an unbroken one sees.
            self._drawn_from = (seed, epoch)
            self.order = np.random.default_rng(self._drawn_from).permutation(len(samples))

    return Batches()


def _huber_of_given_points() -> "keras.losses.Loss":
    """Return the mean Huber loss of the coordinates that are given; the others are NaN."""
    import keras
    from keras import ops

    class HuberOfGivenPoints(keras.losses.Loss):
        def call(
            self, y_true: "keras.KerasTensor", y_pred: "keras.KerasTensor"
        ) -> "keras.KerasTensor":
            given = ops.logical_not(ops.isnan(y_true))
            # Chosen before the difference is taken: a NaN would live on in the gradient.
            error = ops.abs(ops.where(given, y_true, y_pred) - y_pred)
            inner = ops.minimum(error, HUBER_PIXELS)
            losses = inner * (error - 0.5 * inner)
            n_given = ops.sum(ops.cast(given, "float32"), axis=1)
            return ops.sum(losses, axis=1) / ops.maximum(n_given, 1.0)

    return HuberOfGivenPoints(name="huber")


def _rmse_of_given_points() -> "keras.metrics.Metric":
    """Return the root mean squared error of the coordinates that are given, in pixels."""
    import keras
    from keras import ops

    class RmseOfGivenPoints(keras.metrics.Mean):
        def update_state(
            self,
            y_true: "keras.KerasTensor",
            y_pred: "keras.KerasTensor",
            sample_weight: "keras.KerasTensor | None" = None,
        ) -> None:
            given = ops.logical_not(ops.isnan(y_true))
            squares = ops.square(ops.where(given, y_true, y_pred) - y_pred)
            super().update_state(squares, sample_weight=ops.cast(given, "float32"))

        def result(self) -> "keras.KerasTensor":
            return ops.sqrt(super().result())

    return RmseOfGivenPoints(name="rmse")
