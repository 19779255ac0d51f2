"""The training loop: Keras `fit` with callbacks, resumable after a kill, on any backend."""

import contextlib
import dataclasses
import functools
import importlib.util
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fer_core.networks.bundles import HISTORY_FILE
from training.devices import has_accelerator, in_shares, spread
from training.errors import TrainingError
from training.loop.history import History
from training.loop.result import FitResult
from training.loop.run_folder import (
    BEST_FILE,
    CHECKPOINT_FOLDER,
    STATE_FILE,
    TENSORBOARD_FOLDER,
    check_data,
    open_run,
    recorded_backend,
    recorded_changes,
)
from training.networks.servable import require_servable
from training.schema.recipe import BaseRecipe
from training.tasks.of_recipe import task_of
from training.tasks.task import Task

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

#: More than the random draws of any epoch: a draw takes one number of a generator's counter.
DRAWS_OF_AN_EPOCH: Final = 1_000_000


def fit(
    recipe: BaseRecipe,
    out: Path,
    *,
    resume: bool = False,
    change_settings: bool = False,
    tensorboard: bool = False,
    callbacks: "Sequence[keras.callbacks.Callback]" = (),
) -> FitResult:
    """Train `recipe` and return the network of the best epoch on the validation rows.

    State is written to `out/checkpoint` after every epoch, atomically: a run that was killed goes on
    with `resume=True` from the last whole epoch, with the optimiser and the averages as they were. All
    that is random in an epoch depends on the recipe's seed and the epoch's number alone, so a resumed run
    gives what an unbroken one gives. With `tensorboard`, that program's logs are in `out/tensorboard`.
    Further callbacks are called after the state is written; an error of theirs ends the run, which can be
    resumed.

    Raises:
        TrainingError: no bundle could be made of the network, an unfinished run stands in the way, there is
            none to resume, it was started on other rows, or with other settings that `change_settings` does
            not allow to change, the loss became NaN, the state cannot be written, or what TensorBoard's logs
            need is not installed.
        DataError: the recipe's data is not there.
    """
    import keras

    if tensorboard:
        require_tensorboard()
    folder = out / CHECKPOINT_FOLDER
    if not resume:
        # Before the first epoch, not when the bundle is made after the last one.
        require_servable(recipe.architecture.build(recipe.n_outputs))
    run = open_run(recipe, folder, resume=resume, change_settings=change_settings)
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(recipe.dtype_policy)
    try:
        with spread() as n_devices:
            task = task_of(recipe, run.parents)
            check_data(task.data_sha256, folder, resume=resume)
            task = dataclasses.replace(
                task,
                train=in_shares(task.train, n_devices),
                valid={name: in_shares(rows, n_devices) for name, rows in task.valid.items()},
            )
            history = History(folder / HISTORY_FILE, task.figure)
            logs = [out / TENSORBOARD_FOLDER] if tensorboard else []
            if not history.is_over(recipe.epochs, recipe.patience):
                _fit_phases(recipe, task, history, folder, logs, callbacks)
    finally:
        # Also after a run that failed: whatever this process builds next is float32.
        keras.config.set_dtype_policy("float32")
    finished = task.served()
    finished.load_weights(folder / BEST_FILE)
    return FitResult(
        network=finished,
        history=history.table,
        n_train=task.n_train,
        data_sha256=task.data_sha256,
        n_left_out=task.n_left_out,
        ancestors=run.ancestors,
        backend=recorded_backend(folder),
        changes=recorded_changes(folder),
        class_shares=task.class_shares,
    )


def require_tensorboard() -> None:
    """Raise TrainingError unless the package for TensorBoard logs is installed."""
    if not all(importlib.util.find_spec(name) for name in ("tensorboard", "tensorflow")):
        raise TrainingError(
            "Keras writes logs for TensorBoard with the packages tensorboard and tensorflow, which are "
            "not both installed. Install requirements-train.txt, or leave --tensorboard out: "
            f"{CHECKPOINT_FOLDER}/{HISTORY_FILE} has the figures of every epoch in any case."
        )


def _fit_phases(
    recipe: BaseRecipe,
    task: Task,
    history: History,
    folder: Path,
    logs: list[Path],
    further: "Sequence[keras.callbacks.Callback]",
) -> None:
    """Train to the recipe's end, from the state in the folder if there is one.

    Args:
        recipe: of the run.
        task: what it trains.
        history: of the epochs so far, which is added to.
        folder: of the state.
        logs: folders for TensorBoard, none or one.
        further: callbacks.
    """
    import keras

    from training.loop.callbacks import AveragedValidation, EpochLog, StateWriter
    from training.loop.interrupts import interrupts_between_steps

    first, *_ = task.valid.values()
    optimizer = _optimizer(recipe, task.network, steps_per_epoch=len(task.train))
    for phase in task.phases:
        model = _compiled(phase.enter(task.network), task, optimizer)
        done = 0
        # Also between two phases: when its `fit` ends, Keras puts the averages in the weights' place.
        if (state := folder / STATE_FILE).is_file():
            done = _restore(model, state, history, steps_per_epoch=len(task.train))
        if done >= phase.end or history.is_stale(recipe.patience):
            continue
        callbacks = [
            keras.callbacks.LambdaCallback(
                on_epoch_begin=functools.partial(_begin_epoch, model, task.train, recipe.seed)
            ),
            AveragedValidation(
                folder / BEST_FILE,
                task.network,
                history,
                inputs=task.statistics,
                references=task.valid,
            ),
            StateWriter(folder / STATE_FILE, history, patience=recipe.patience),
        ]
        # On an accelerator, checking each step's loss would stall it, and epochs are short. There the check
        # of the state writer after each epoch is enough.
        callbacks += [] if has_accelerator() else [keras.callbacks.TerminateOnNaN()]
        callbacks += [] if sys.stderr.isatty() else [EpochLog(history, recipe.epochs)]
        callbacks += [keras.callbacks.TensorBoard(path, write_graph=False) for path in logs]
        callbacks += further
        # Keras draws its bar on standard output, which belongs to results.
        with contextlib.redirect_stdout(sys.stderr), interrupts_between_steps() as interrupts:
            model.fit(
                task.train,
                # The others are measured after it, by AveragedValidation.
                validation_data=first,
                validation_freq=list(recipe.validated_epochs),
                initial_epoch=done,
                epochs=phase.end,
                callbacks=[*callbacks, interrupts],
                # The order is ours; Keras would shuffle the batches with a generator that is not
                # in the state, so that a resumed run would not repeat an unbroken one.
                shuffle=False,
                # A progress bar with the remaining time for a person; one line per epoch for a log file.
                verbose=1 if sys.stderr.isatty() else 0,
            )


def _begin_epoch(
    model: "keras.Model",
    train: "keras.utils.PyDataset",
    seed: int,
    epoch: int,
    logs: dict[str, float] | None = None,
) -> None:
    """Set the order of images and all random generators to the start of this epoch.

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
    recipe: BaseRecipe, network: "keras.Model", *, steps_per_epoch: int
) -> "keras.optimizers.Optimizer":
    from training.loop.schedule import WarmRestarts

    return recipe.optimizer.build(
        WarmRestarts(recipe, steps_per_epoch),
        ema_momentum=recipe.ema_momentum,
        variables=network.trainable_variables,
    )


def _compiled(
    model: "keras.Model", task: Task, optimizer: "keras.optimizers.Optimizer"
) -> "keras.Model":
    """Return the model of a phase, ready to fit."""
    import keras

    model.compile(
        optimizer,
        task.loss,
        metrics=[task.metric],
        # On a CPU, TensorFlow without XLA is a third faster; the other backends know no choice.
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )
    return model
