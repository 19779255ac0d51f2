"""Milliseconds that training takes beside computing, a step and an epoch, as on an accelerator under JAX.

FER_DATA=~/fer-data python -m tests.benchmarks.step_overhead

An accelerator is fed row numbers, because the images lie on it. Here the CPU plays the accelerator, and
network and batches are so small that hardly anything is left but what is done around them: making batches,
Keras's loop, its callbacks. That hardly depends on how many row numbers a batch has, so what the loop allows
is given for the batches of a GPU. Steps are dispatched ahead of the device: this time is lost only where a
step of the device is shorter.
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Final

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np

import training.tasks.expressions
from tests.benchmarks.measuring import print_table
from training.loop.fit import fit
from training.recipes.campaigns.fer2013_pixels import GPU_BATCH
from training.schema.recipe import Recipe, get_recipe

EPOCHS: Final = 4
#: Faces a step here, and of the campaigns' runs for a GPU.
BATCH_SIZE: Final = 4
#: A network of some thousand multiply-adds.
SMALLEST: Final = (
    *("architecture.widths=[1]", "architecture.depths=[1]", "teacher=null", "teacher_share=0"),
    *("vote_smoothing=0", "dtype_policy=float32", "refinement=null", f"epochs={EPOCHS}"),
    *(
        "data.rows=4000",
        "augment.crop_pixels=32",
        "augment.flip=false",
        "augment.gamma=0",
        "augment.erase_probability=0",
    ),
)


class Clock(keras.callbacks.Callback):
    """Notes how long epochs take, and the steps in them without validation."""

    async_safe = True

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[float] = []
        self.epochs: list[float] = []
        self._began = 0.0
        self._last_step = 0.0

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._last_step = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.steps.append(self._last_step - self._began)
        self.epochs.append(time.perf_counter() - self._began)


def main() -> None:
    """Measure and print."""
    recipe = get_recipe("cnn")
    assert isinstance(recipe, Recipe)
    recipe = recipe.with_overrides([*SMALLEST]).with_batch_size(BATCH_SIZE)
    training.tasks.expressions.has_accelerator = lambda: True
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        result = fit(recipe, Path(folder), callbacks=[clock])
    n_steps = -(-result.n_train // BATCH_SIZE)
    # The first epoch compiles.
    step = float(np.median(clock.steps[1:])) / n_steps
    between = float(np.median(np.subtract(clock.epochs, clock.steps)[1:]))
    print_table(
        f"Training a minimal network under JAX, {n_steps} steps per epoch",
        ("what", "milliseconds"),
        [
            ("one step, in total", f"{1000 * step:.1f}"),
            ("validation and saved state, per epoch", f"{1000 * between:.0f}"),
            (
                f"images per second that it allows with batches of {GPU_BATCH}",
                f"{GPU_BATCH / step:,.0f}",
            ),
        ],
    )


if __name__ == "__main__":
    main()
