"""From samples to the input batches of a recipe's network."""

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from fer_core.expressions import LABEL_SPACES
from fer_core.faces.crops import INPUT_SIZE
from training import sources
from training.errors import TrainingError
from training.schema.recipe import Recipe
from training.sources import Samples, Split
from training.sources.landmark_cache import with_landmarks

if TYPE_CHECKING:
    import keras

#: Training samples that batch normalisation's statistics are measured on for averaged weights.
STATISTICS_SAMPLES: Final = 1280


def load_labelled(recipe: Recipe, split: Split) -> Samples:
    """Return a split of the recipe's data with the labels for training."""
    samples = sources.load(recipe.data.source, split, whole=recipe.data.whole)
    if recipe.data.label_space is None:
        return samples
    return samples.within(LABEL_SPACES[recipe.data.label_space])


def seen_by(recipe: Recipe, samples: Samples) -> Samples:
    """Return samples, with landmarks if the recipe's network sees them."""
    return with_landmarks(samples) if recipe.architecture.sees_landmarks else samples


def inputs_of(recipe: Recipe, samples: Samples) -> dict[str, np.ndarray]:
    """Return the inputs of the recipe's network for samples: image uint8 (N, 48, 48, 1), landmarks."""
    inputs = {}
    for name in recipe.architecture.inputs:
        values = samples.images[..., None] if name == "image" else samples.landmarks
        if values is None:
            raise TrainingError(f"{recipe.name} sees landmarks, and these samples have none.")
        inputs[name] = values
    return inputs


def statistics_inputs(recipe: Recipe, train: Samples) -> dict[str, np.ndarray]:
    """Return the inputs of some training samples, with images cropped to the training size."""
    chosen = np.random.default_rng(recipe.seed).permutation(len(train))[:STATISTICS_SAMPLES]
    inputs = inputs_of(recipe, train.select(np.sort(chosen)))
    if "image" in inputs:
        margin = (INPUT_SIZE - recipe.augment.crop_pixels) // 2
        end = margin + recipe.augment.crop_pixels
        inputs["image"] = inputs["image"][:, margin:end, margin:end]
    return inputs


def batches(
    recipe: Recipe,
    samples: Samples,
    targets: np.ndarray,
    batch_size: int,
    *,
    inputs: dict[str, np.ndarray] | None = None,
) -> "keras.utils.PyDataset":
    """Return batches of the network's inputs and targets (B, classes), in order until shuffled.

    With `inputs`, by name, each of a row a sample, they are batches of these instead.

    Attributes of what is returned:
        mixup_alpha: as in `Augment`, to be set before an epoch; 0 at first.
        without_added: whether epochs are of as many faces, but none that a second data set gave; False at
            first.
    """
    import keras

    fed = inputs_of(recipe, samples) if inputs is None else inputs

    class Batches(keras.utils.PyDataset):
        order = np.arange(len(samples))
        mixup_alpha = 0.0
        without_added = False
        _drawn_from: tuple[int, int] = (0, 0)

        def __len__(self) -> int:
            return math.ceil(len(samples) / batch_size)

        def __getitem__(self, step: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
            chosen = self.order[step * batch_size : (step + 1) * batch_size]
            batch = {name: values[chosen] for name, values in fed.items()}
            if self.mixup_alpha == 0:
                return batch, targets[chosen]
            rng = np.random.default_rng((*self._drawn_from, step))
            return _mix(batch, targets[chosen], self.mixup_alpha, rng)

        def shuffle(self, seed: int, epoch: int) -> None:
            # From seed and epoch alone, so that a resumed run sees the order of an unbroken one.
            self._drawn_from = (seed, epoch)
            rng = np.random.default_rng(self._drawn_from)
            if not self.without_added or samples.added is None:
                self.order = rng.permutation(len(samples))
                return
            own = np.flatnonzero(~samples.added)
            rounds = math.ceil(len(samples) / len(own))
            drawn = [rng.permutation(own) for _ in range(rounds)]
            self.order = np.concatenate(drawn)[: len(samples)]

    return Batches()


def _mix(
    batch: dict[str, np.ndarray], targets: np.ndarray, alpha: float, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return each face of a batch blended with another one, and their targets in the same shares.

    Inputs keep their dtypes. Where one of the two faces has no landmarks, the blend has none.
    """
    n = len(targets)
    share = rng.beta(alpha, alpha, n).astype(np.float32)
    partner = rng.permutation(n)

    def blend(values: np.ndarray) -> np.ndarray:
        own = share.reshape(-1, *[1] * (values.ndim - 1))
        blended = own * values + (1 - own) * values[partner]
        rounded = np.rint(blended) if np.issubdtype(values.dtype, np.integer) else blended
        result: np.ndarray = rounded.astype(values.dtype)
        return result

    mixed = {name: blend(values) for name, values in batch.items()}
    if "landmarks" in batch:
        found = (batch["landmarks"] != 0).any(axis=1)
        mixed["landmarks"][~(found & found[partner])] = 0
    return mixed, blend(targets)
