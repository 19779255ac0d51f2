"""The duration of a campaign's runs on this machine. Importing this module starts Keras."""

import math
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import keras
import numpy as np

from fer_core.faces.crops import INPUT_SIZE
from fer_core.faces.landmarks import FEATURE_SIZE
from fer_core.networks.layers import multiply_adds
from training.errors import TrainingError
from training.networks.fast_layers import with_fast_layers
from training.networks.layer_table import layer_table
from training.schema.recipe import Recipe
from training.tasks.expressions import behind_augmentation

#: Steps that are timed, after one that compiles.
_TIMED_STEPS: Final = 2
_CLASSES: Final = 7


class OutOfTimeError(TrainingError):
    """A run was stopped because it would not end in time; its state is kept."""


def multiply_adds_of(recipe: Recipe) -> int:
    """Return the multiply-adds for one face of the network that a recipe serves."""
    return multiply_adds(layer_table(recipe.architecture.build(_CLASSES)))


def measure_images_per_second(recipe: Recipe) -> float:
    """Train on noise for a few steps and return the images per second."""
    keras.config.set_dtype_policy(recipe.dtype_policy)
    try:
        network = with_fast_layers(recipe.architecture.build(_CLASSES, side=None))
        model = behind_augmentation(recipe, network, recipe.augment)
        model.compile(
            keras.optimizers.SGD(1e-4, momentum=0.9),
            keras.losses.CategoricalCrossentropy(from_logits=True),
            jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
        )
        batch = _noise(recipe)
        targets = np.eye(_CLASSES, dtype=np.float32)[np.arange(recipe.batch_size) % _CLASSES]
        model.train_on_batch(batch, targets)
        began = time.perf_counter()
        for _ in range(_TIMED_STEPS):
            # It returns the loss as a number, so a step has ended when it does.
            model.train_on_batch(batch, targets)
        return _TIMED_STEPS * recipe.batch_size / (time.perf_counter() - began)
    finally:
        keras.config.set_dtype_policy("float32")


def _noise(recipe: Recipe) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    n = recipe.batch_size
    made: dict[str, np.ndarray] = {
        "image": rng.integers(0, 256, (n, INPUT_SIZE, INPUT_SIZE, 1), dtype=np.uint8),
        "landmarks": rng.normal(size=(n, FEATURE_SIZE)).astype(np.float16),
    }
    return {name: made[name] for name in recipe.architecture.inputs}


class EndsInTime(keras.callbacks.Callback):
    """Stops a run if it would not end in time; its state is kept.

    The first epoch compiles, so the second tells how long the others take. The same holds for the epochs
    that end with a validation, where not all do: the run is checked again after the second of these.
    """

    def __init__(self, recipe: Recipe, seconds_left: Callable[[], float]) -> None:
        """Use the recipe of the run, and a function that returns the remaining time."""
        super().__init__()
        self._epochs = recipe.epochs
        self._validated = frozenset(recipe.validated_epochs)
        self._seconds_left = seconds_left
        #: Epochs of this process, and the seconds of one, by whether they end with a validation.
        self._seen: Counter[bool] = Counter()
        self._seconds: dict[bool, float] = {}
        self._began = math.nan

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note when the epoch begins."""
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Raise OutOfTimeError if the epoch is the second of its sort and the run would not end in time."""
        seconds = time.perf_counter() - self._began
        sort = epoch + 1 in self._validated
        self._seen[sort] += 1
        if self._seen[sort] != 2:
            return
        self._seconds[sort] = seconds
        rest = range(epoch + 2, self._epochs + 1)
        needed = sum(self._seconds.get(number in self._validated, seconds) for number in rest)
        if needed > (left := self._seconds_left()):
            raise OutOfTimeError(
                f"it needs {needed / 60:.0f} minutes more, and {left / 60:.0f} are left"
            )
