"""From samples to what a recipe's network is fed with, batch by batch."""

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from fer_core.crops import INPUT_SIZE
from training import sources
from training.errors import TrainingError
from training.landmark_cache import with_landmarks
from training.recipe import Recipe
from training.sources import Samples, Split

if TYPE_CHECKING:
    import keras

#: Training samples that batch normalisation's statistics are measured on for averaged weights.
STATISTICS_SAMPLES: Final = 1280


def load_for(recipe: Recipe, split: Split) -> Samples:
    """Return a split of the recipe's data, with landmarks if its network sees them."""
    samples = sources.load(recipe.data.source, split)
    return with_landmarks(samples) if "landmarks" in recipe.architecture.inputs else samples


def inputs_of(recipe: Recipe, samples: Samples) -> dict[str, np.ndarray]:
    """Return what the recipe's network sees of samples: image uint8 (N, 48, 48, 1), landmarks."""
    inputs = {}
    for name in recipe.architecture.inputs:
        values = samples.images[..., None] if name == "image" else samples.landmarks
        if values is None:
            raise TrainingError(f"{recipe.name} sees landmarks, and these samples have none.")
        inputs[name] = values
    return inputs


def statistics_inputs(recipe: Recipe, train: Samples) -> dict[str, np.ndarray]:
    """Return the inputs of some training samples, images cut to the size that training sees."""
    chosen = np.random.default_rng(recipe.seed).permutation(len(train))[:STATISTICS_SAMPLES]
    inputs = inputs_of(recipe, train.select(np.sort(chosen)))
    if "image" in inputs:
        margin = (INPUT_SIZE - recipe.augment.crop_pixels) // 2
        end = margin + recipe.augment.crop_pixels
        inputs["image"] = inputs["image"][:, margin:end, margin:end]
    return inputs


def batches(
    recipe: Recipe, samples: Samples, targets: np.ndarray, batch_size: int
) -> "keras.utils.PyDataset":
    """Return batches of the network's inputs and targets (B, classes), in order until shuffled."""
    import keras

    inputs = inputs_of(recipe, samples)

    class Batches(keras.utils.PyDataset):
        order = np.arange(len(samples))

        def __len__(self) -> int:
            return math.ceil(len(samples) / batch_size)

        def __getitem__(self, step: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
            chosen = self.order[step * batch_size : (step + 1) * batch_size]
            return {name: values[chosen] for name, values in inputs.items()}, targets[chosen]

        def shuffle(self, seed: int, epoch: int) -> None:
            # From seed and epoch alone, so that a resumed run sees the order of an unbroken one.
            self.order = np.random.default_rng((seed, epoch)).permutation(len(samples))

    return Batches()
