"""The training loop: Keras `fit` with callbacks, resumable after a kill, on any backend."""

import contextlib
import functools
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from fer_core.bundles import HISTORY_FILE
from fer_core.crops import INPUT_SIZE
from fer_core.expressions import Expression
from fer_core.landmarks import FEATURE_SIZE
from training.architectures import call_arguments
from training.augment import Augment
from training.batches import batches, load_for, statistics_inputs
from training.history import History
from training.initial_weights import start
from training.recipe import Recipe
from training.run_folder import (
    BEST_FILE,
    CHECKPOINT_FOLDER,
    STATE_FILE,
    Change,
    open_run,
    recorded_backend,
    recorded_changes,
)
from training.sources import Split
from training.targets import one_hot, soften_by_votes

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

VALIDATION_BATCH: Final = 512
#: More than the random draws of any epoch: a draw takes one number of a generator's counter.
DRAWS_OF_AN_EPOCH: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class FitResult:
    """What a finished run hands on.

    Attributes:
        network: float32, with the averaged weights of the best epoch.
        history: a row per epoch.
        labels: the classes, in the order of the logits.
        n_train: rows trained on.
        n_left_out: rows of the training split that the recipe leaves out.
        backend: that trained it, with its version.
        changes: settings that were changed in the course of the run.
    """

    network: "keras.Model"
    history: pd.DataFrame
    labels: tuple[Expression, ...]
    n_train: int
    n_left_out: int
    backend: str
    changes: list[Change]


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """What a run is fed with: batches to train and to validate on, and inputs for statistics."""

    train: "keras.utils.PyDataset"
    valid: "keras.utils.PyDataset"
    statistics: dict[str, np.ndarray]


def fit(
    recipe: Recipe, out: Path, *, resume: bool = False, change_settings: bool = False
) -> FitResult:
    """Train `recipe` and return the network of the epoch that was best on clean validation rows.

    State is written to `out/checkpoint` after every epoch, atomically: a run that was killed goes on
    with `resume=True` from the last whole epoch, with the optimiser and the averages as they were. All
    that is random in an epoch depends on the recipe's seed and the epoch's number alone, so a resumed run
    gives what an unbroken one gives.

    Raises:
        TrainingError: an unfinished run stands in the way, there is none to resume, it was started
            with other settings that `change_settings` does not allow to change, or the loss became NaN.
        DataError: the recipe's data is not there.
    """
    import keras

    folder = out / CHECKPOINT_FOLDER
    open_run(recipe, folder, resume=resume, change_settings=change_settings)
    whole = load_for(recipe, Split.TRAIN)
    train = whole.select(whole.is_face) if recipe.data.drop_not_face else whole
    valid = load_for(recipe, Split.VALID)
    valid = valid.select(valid.clean)
    log.info("%s: %d training rows, %d clean validation rows", recipe.name, len(train), len(valid))

    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(recipe.dtype_policy)
    network = recipe.architecture.build(len(train.label_space), side=None)
    start(recipe.architecture, network, train)
    steps = _Steps(
        train=batches(
            recipe, train, soften_by_votes(train, recipe.vote_smoothing), recipe.batch_size
        ),
        valid=batches(recipe, valid, one_hot(valid), VALIDATION_BATCH),
        statistics=statistics_inputs(recipe, train),
    )
    history = History(folder / HISTORY_FILE)
    _fit_phases(recipe, network, steps, history, folder)
    keras.config.set_dtype_policy("float32")
    finished = recipe.architecture.build(len(train.label_space))
    finished.load_weights(folder / BEST_FILE)
    return FitResult(
        network=finished,
        history=history.table,
        labels=train.label_space.labels,
        n_train=len(train),
        n_left_out=len(whole) - len(train),
        backend=recorded_backend(folder),
        changes=recorded_changes(folder),
    )


def _fit_phases(
    recipe: Recipe, network: "keras.Model", steps: _Steps, history: History, folder: Path
) -> None:
    """Train from the state in the folder, or from nothing, to the recipe's end."""
    import keras

    from training.callbacks import AveragedValidation, EpochLog, StateWriter

    optimizer = _optimizer(recipe, network, steps_per_epoch=len(steps.train))
    for end, augment in recipe.phases:
        model = _training_model(recipe, network, optimizer, augment)
        done = 0
        # Also between two phases: when its `fit` ends, Keras puts the averages in the weights' place.
        if (state := folder / STATE_FILE).is_file():
            done = _restore(model, state, history, steps_per_epoch=len(steps.train))
        if done >= end or history.is_stale(recipe.patience):
            continue
        steps.train.mixup_alpha = augment.mixup_alpha
        callbacks = [
            keras.callbacks.LambdaCallback(
                on_epoch_begin=functools.partial(_begin_epoch, model, steps.train, recipe.seed)
            ),
            AveragedValidation(
                folder / BEST_FILE,
                network,
                history,
                inputs=steps.statistics,
                patience=recipe.patience,
            ),
            StateWriter(folder / STATE_FILE, history),
            keras.callbacks.TerminateOnNaN(),
        ]
        callbacks += [] if sys.stderr.isatty() else [EpochLog(history, recipe.epochs)]
        # Keras draws its bar on standard output, which belongs to results.
        with contextlib.redirect_stdout(sys.stderr):
            model.fit(
                steps.train,
                validation_data=steps.valid,
                initial_epoch=done,
                epochs=end,
                callbacks=callbacks,
                # The order is ours; Keras would shuffle the batches with a generator that is not
                # in the state, so that a resumed run would not repeat an unbroken one.
                shuffle=False,
                # The bar, with the epoch's time left, for a person; a line an epoch for a log file.
                verbose=1 if sys.stderr.isatty() else 0,
            )


def _begin_epoch(
    model: "keras.Model",
    train: "keras.utils.PyDataset",
    seed: int,
    epoch: int,
    logs: dict[str, float] | None = None,
) -> None:
    """Put the order of images and every random generator where this epoch begins.

    Keras leaves the generators of augmentation and dropout out of weights files, so a resumed run would
    repeat the draws of its first epochs.
    """
    train.shuffle(seed, epoch)
    for variable in model.non_trainable_variables:
        if variable.path.endswith("seed_generator_state"):
            own_seed = int(variable[0])
            variable.assign([own_seed, epoch * DRAWS_OF_AN_EPOCH])


def _restore(model: "keras.Model", path: Path, history: History, *, steps_per_epoch: int) -> int:
    """Load weights, optimiser and random generators; return the number of epochs they have seen."""
    model.load_weights(path)
    epochs = int(model.optimizer.iterations) // steps_per_epoch
    # A kill between the two files leaves the history one epoch ahead of the state.
    history.truncate(epochs)
    return epochs


def _optimizer(
    recipe: Recipe, network: "keras.Model", *, steps_per_epoch: int
) -> "keras.optimizers.Optimizer":
    import keras

    from training.schedule import WarmRestarts

    settings = recipe.optimizer
    optimizer = keras.optimizers.SGD(
        WarmRestarts(recipe, steps_per_epoch),
        momentum=settings.momentum,
        nesterov=True,
        weight_decay=settings.weight_decay,
        use_ema=True,
        ema_momentum=recipe.ema_momentum,
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    optimizer.build(network.trainable_variables)
    return optimizer


def _training_model(
    recipe: Recipe,
    network: "keras.Model",
    optimizer: "keras.optimizers.Optimizer",
    augment: Augment,
) -> "keras.Model":
    """Return the network behind its augmentation, ready to fit."""
    import keras

    available = {
        "image": keras.Input((INPUT_SIZE, INPUT_SIZE, 1), dtype="uint8", name="image"),
        "landmarks": keras.Input((FEATURE_SIZE,), dtype="float16", name="landmarks"),
    }
    inputs = {name: available[name] for name in recipe.architecture.inputs}
    layer = augment.layer(recipe.seed, view_pixels=recipe.architecture.view_pixels)
    varied = layer(inputs)
    model = keras.Model(inputs, network(call_arguments(varied[name] for name in inputs)))
    model.compile(
        optimizer,
        keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=recipe.label_smoothing
        ),
        metrics=["accuracy"],
        # On a CPU, TensorFlow without XLA is a third faster; the other backends know no choice.
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )
    return model
