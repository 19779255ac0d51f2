"""The learning rate over a run. Importing this module starts Keras."""

import math
from itertools import pairwise

import keras
from keras import ops

from training.schema.recipe import BaseRecipe


class WarmRestarts(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up, then one cosine to zero from each start to the next (SGDR, arXiv:1608.03983).

    The peak halves at each restart. Keras's own `CosineDecayRestarts` knows neither a warm-up nor lengths
    that are not multiples of the first.
    """

    def __init__(self, recipe: BaseRecipe, steps_per_epoch: int) -> None:
        """Use the recipe's peak, warm-up, restarts and epochs, and the number of steps per epoch."""
        super().__init__()
        self._peak = recipe.optimizer.peak_learning_rate
        self._warmup = max(1.0, recipe.optimizer.warmup_epochs * steps_per_epoch)
        # A shorter run than the recipe's has only the restarts that it lives to see.
        restarts = (epoch for epoch in recipe.restarts if epoch < recipe.epochs)
        bounds = (0, *restarts, recipe.epochs)
        self._cycles = [
            (start * steps_per_epoch, end * steps_per_epoch) for start, end in pairwise(bounds)
        ]

    def __call__(self, step: "keras.KerasTensor") -> "keras.KerasTensor":
        """Return the rate at a step."""
        step = ops.cast(step, "float32")
        rate = ops.zeros_like(step)
        for cycle, (start, end) in enumerate(self._cycles):
            peak = self._peak / 2**cycle
            since = step - start
            decayed = ops.clip(
                (since - self._warmup) / max(1.0, end - start - self._warmup), 0.0, 1.0
            )
            within = ops.minimum(since / self._warmup, 0.5 * (1.0 + ops.cos(math.pi * decayed)))
            rate = ops.where(since >= 0, peak * within, rate)
        return rate
