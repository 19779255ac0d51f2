"""The task of predicting expressions."""

import functools
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from fer_core.errors import DataError
from fer_core.faces.crops import INPUT_SIZE
from fer_core.faces.landmarks import FEATURE_SIZE
from training import sources
from training.architectures import call_arguments
from training.devices import has_accelerator
from training.schema.augment import Augment
from training.schema.recipe import Recipe
from training.sources import Samples, Split, sha256_of_arrays
from training.sources.divisions import require_division_of_run
from training.tasks.batches import batches, inputs_of, load_labelled, seen_by, statistics_inputs
from training.tasks.device_data import ROW, held, numbered
from training.tasks.initial_weights import start
from training.tasks.parents import Parents
from training.tasks.targets import one_hot, targets_for
from training.tasks.task import Phase, Task

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

VALIDATION_BATCH: Final = 512


def expression_task(recipe: Recipe, parents: Parents) -> Task:
    """Return the recipe's task; it is validated on clean rows.

    Args:
        recipe: of the run.
        parents: that it names.

    Raises:
        DataError: the recipe's data is not there, or nothing of it can be learnt from or validated on.
        MissingDataError: a parent learnt from another division of what it is validated on.
        TrainingError: its network cannot be begun.
    """
    from training.networks.fast_layers import with_fast_layers

    train, n_left_out = training_rows(recipe)
    references = selection_rows(recipe)
    for reference in references.values():
        require_division_of_run(recipe.data.source, parents.ancestors, reference.source)
    log.info(
        "%s: %d training rows; clean validation rows: %s",
        recipe.name,
        len(train),
        ", ".join(f"{len(rows)} of {name}" for name, rows in references.items()),
    )
    n_classes = len(train.label_space)
    network = with_fast_layers(recipe.architecture.build(n_classes, side=None))
    start(recipe, network, train, parents)
    targets = targets_for(recipe, train, parents.teacher)
    rows, targets = recipe.balance.rows(train, targets, recipe.seed)
    parts = [inputs_of(recipe, samples) for samples in (rows, *references.values())]
    # Mixup is done where batches are made, with the images themselves.
    on_device = has_accelerator() and not any(augment.mixup_alpha for _, augment in recipe.phases)
    source = held(*parts) if on_device else None
    train_inputs, *valid_inputs = numbered(*parts) if on_device else parts
    fed = batches(recipe, rows, targets, recipe.batch_size, inputs=train_inputs)

    def enter(augment: Augment, network: "keras.Model", *, refining: bool) -> "keras.Model":
        fed.mixup_alpha = augment.mixup_alpha
        fed.without_added = refining and recipe.data.added is None
        return behind_augmentation(recipe, network, augment, source)

    refined = recipe.refinement.epochs if recipe.refinement else 0
    refining_after = recipe.epochs - refined
    return Task(
        network=network,
        served=functools.partial(recipe.architecture.build, n_classes),
        train=fed,
        valid={
            name: batches(recipe, valid, one_hot(valid), VALIDATION_BATCH, inputs=inputs)
            for (name, valid), inputs in zip(references.items(), valid_inputs, strict=True)
        },
        statistics=statistics_inputs(recipe, train),
        phases=tuple(
            Phase(end, functools.partial(enter, augment, refining=end > refining_after))
            for end, augment in recipe.phases
        ),
        loss=recipe.balance.loss(targets, label_smoothing=recipe.label_smoothing),
        metric="accuracy",
        figure=recipe.figure,
        n_train=len(rows),
        data_sha256=sha256_of_arrays(rows.images, rows.labels),
        n_left_out=n_left_out,
        class_shares=targets.mean(axis=0, dtype=np.float64),
    )


def training_rows(recipe: Recipe) -> tuple[Samples, int]:
    """Return the recipe's training rows, and the number of rows left out because they show no face.

    Raises:
        DataError: the recipe's data is not there, or no row of it can be learnt from.
    """
    whole = load_labelled(recipe, Split.TRAIN)
    train = whole.select(whole.is_face) if recipe.data.drop_not_face else whole
    n_left_out = len(whole) - len(train)
    if not len(train):
        raise DataError(
            f"{recipe.data.source} has no training face to learn from: {len(whole):,} have a class that is "
            f"learnt, of which {n_left_out:,} are said to show no face. Choose another data.source, "
            "data.label_space or data.drop_not_face."
        )
    if recipe.data.rows is not None and recipe.data.rows < len(train):
        drawn = np.random.default_rng(recipe.seed).permutation(len(train))[: recipe.data.rows]
        train = train.select(np.sort(drawn))
    # Only now: to find the landmarks of rows that are not learnt takes long.
    return seen_by(recipe, train), n_left_out


def shortened_rows(recipe: Recipe, epochs: int, rows: int | None) -> list[str]:
    """Return the settings of a trial with a number of rows, all if None, and of epochs.

    The averages of the weights reach back over the same share of the run. Trials end without the refinement,
    which would leave no epoch to what comes before it.

    Raises:
        DataError: the recipe's data is not there.
    """
    n_train = len(training_rows(recipe)[0])
    share = epochs * min(rows or n_train, n_train) / (recipe.epochs * n_train)
    settings = [f"ema_momentum={recipe.ema_momentum ** (1 / share)}", "refinement=null"]
    return settings if rows is None else [f"data.rows={rows}", *settings]


def teachers_files(recipe: Recipe, parents: Parents) -> dict[Path, str]:
    """Return the files with the teacher's predictions for the training rows (`Teacher.files`), if any.

    Raises:
        DataError: the recipe's data is not there.
        TrainingError: the teacher lacks a class that is learnt.
        BundleError: its serving file is not there or damaged.
    """
    if parents.teacher is None:
        return {}
    return parents.teacher.files(lambda: training_rows(recipe)[0])


def selection_rows(recipe: Recipe) -> dict[str, Samples]:
    """Return the rows for choosing epochs, temperature and threshold, by source.

    These are the clean rows of the recipe's references (`Recipe.selection`), or of the validation split of
    its own source.

    Raises:
        DataError: the data is not there, or no row of it is clean.
    """
    own = load_labelled(recipe, Split.VALID)
    if recipe.selection is None:
        chosen = {own.source: own}
    else:
        chosen = {
            reference.source: sources.load(reference.source, Split.VALID).within(own.label_space)
            for reference in recipe.selection
        }
    return {name: seen_by(recipe, _clean(rows)) for name, rows in chosen.items()}


def _clean(valid: Samples) -> Samples:
    """Return the clean rows of a validation split; raise DataError if there is none."""
    if not valid.clean.any():
        raise DataError(
            f"{valid.source} has no validation face to choose the best epoch by: {len(valid):,} have a "
            f"class that is learnt, and all {len(valid):,} are copies of training faces. Give it others, or "
            "choose another data.source or data.label_space."
        )
    return valid.select(valid.clean)


def behind_augmentation(
    recipe: Recipe,
    network: "keras.Model",
    augment: Augment,
    source: "keras.layers.Layer | None" = None,
) -> "keras.Model":
    """Return a model that augments its inputs and passes them to the network.

    With a source (`device_data.held`) it is given row numbers.
    """
    import keras

    layer = augment.layer(recipe.seed, view_pixels=recipe.architecture.view_pixels)
    if source is not None:
        row = keras.Input((), dtype="int32", name=ROW)
        varied = layer(source(row))
        names = recipe.architecture.inputs
        return keras.Model({ROW: row}, network(call_arguments(varied[name] for name in names)))
    available = {
        "image": keras.Input((INPUT_SIZE, INPUT_SIZE, 1), dtype="uint8", name="image"),
        "landmarks": keras.Input((FEATURE_SIZE,), dtype="float16", name="landmarks"),
    }
    inputs = {name: available[name] for name in recipe.architecture.inputs}
    varied = layer(inputs)
    return keras.Model(inputs, network(call_arguments(varied[name] for name in inputs)))
