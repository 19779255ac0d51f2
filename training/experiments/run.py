"""A whole run: train, make the bundle, measure it, and add a row to the record of runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fer_core.networks.bundles import (
    HISTORY_FILE,
    LAYERS_FILE,
    SPEC_FILE,
    BaseBundle,
    BaseSpec,
    Bundle,
    embedded,
    open_bundle,
)
from fer_core.networks.kinds import kind_in, open_any_bundle
from fer_core.networks.layers import multiply_adds, write_layers
from fer_core.settings import models_root
from fer_core.studies.runs import figures_of
from training.bundle.staging import finish_moves
from training.devices import hardware
from training.kinds import KINDS
from training.loop.fit import fit
from training.loop.run_folder import CHECKPOINT_FOLDER, can_be_resumed
from training.measure.evaluate import Report
from training.networks.layer_table import layer_table
from training.networks.saved_network import open_network
from training.schema.recipe import BaseRecipe, differences, get_recipe
from training.schema.recorded import settings_sha256


def train(
    recipe: BaseRecipe,
    folder: Path,
    *,
    resume: bool = False,
    change_settings: bool = False,
    tensorboard: bool = False,
    bundle: bool = True,
) -> None:
    """Train a recipe in `folder` and, unless told otherwise, make its bundle there.

    Raises what `training.loop.fit` and `training.bundle.make` raise.
    """
    if resume and bundle and (finish_moves(recipe, folder) or is_finished(recipe, folder)):
        return
    result = fit(
        recipe, folder, resume=resume, change_settings=change_settings, tensorboard=tensorboard
    )
    if not bundle:
        return
    KINDS[recipe.kind].make_bundle(result, recipe, folder)


def is_finished(recipe: BaseRecipe, folder: Path) -> bool:
    """Return whether a folder has the bundle of a run of exactly this recipe, and no unfinished run.

    A kill while it was measured leaves that: there is nothing to train any more.
    """
    if not (folder / SPEC_FILE).is_file() or can_be_resumed(recipe, folder / CHECKPOINT_FOLDER):
        return False
    return bool(open_any_bundle(folder).spec.recipe == recipe.model_dump(mode="json"))


def measure(folder: Path, data: str) -> Report:
    """Measure the bundle in a folder, of any kind, on "SOURCE[:SPLIT]" or "folder:PATH"."""
    bundle = open_any_or_suggest(folder)
    return KINDS[bundle.kind].measure(bundle, data)


def describe(folder: Path) -> dict[str, Any]:
    """Write the table of layers of the bundle in a folder, and return its sums and its path.

    Raises:
        BundleError: there is no bundle, or its Keras file is missing or damaged.
        TrainingError: it holds code, or the cost of one of its layers is not known.
    """
    bundle = open_any_or_suggest(folder)
    layers = layer_table(open_network(bundle))
    # Of an old name it is another folder.
    write_layers(layers, bundle.path)
    return {
        "bundle": bundle.spec.name,
        "parameters": sum(layer.parameters for layer in layers),
        "multiply_adds": multiply_adds(layers),
        "file": str(bundle.path / LAYERS_FILE),
    }


def open_or_suggest(folder: Path) -> Bundle:
    """Open a bundle; if it is not among the others, the error names the nearest ones.

    It is that of the folder, wherever the app takes its weights from: what is measured is written there.
    """
    return embedded(folder.name) if folder.parent == models_root() else open_bundle(folder)


def open_any_or_suggest(folder: Path) -> BaseBundle[Any]:
    """Open a bundle of any kind, as `open_or_suggest` does."""
    kind = kind_in(folder)
    found: BaseBundle[Any] = (
        kind.embedded(folder.name) if folder.parent == models_root() else kind.open(folder)
    )
    return found


def row_of(folder: Path, reports: Sequence[Report]) -> dict[str, Any]:
    """Return the row of a finished bundle for the record of runs (`fer_core.studies.runs`).

    Args:
        folder: of the bundle.
        reports: what was measured with it.
    """
    spec: BaseSpec = open_any_bundle(folder).spec
    history = pd.read_csv(folder / HISTORY_FILE)
    seconds, images = history["seconds"].sum(), len(history) * spec.training_data.n
    figures = [figures_of(report) for report in reports]
    return {
        "bundle": spec.name,
        "recipe": spec.recipe["name"],
        "overrides": overrides_of(spec.recipe),
        "settings_sha256": settings_sha256(spec.recipe),
        "seed": spec.recipe["seed"],
        "source": spec.training_data.source,
        "n_train": spec.training_data.n,
        "data_sha256": spec.training_data.sha256,
        "code_commit": spec.code_commit,
        "backend": spec.backend,
        "hardware": hardware(),
        "parameters": spec.parameters,
        "epochs": len(history),
        "seconds": seconds,
        "images_per_second": images / seconds,
        **{name: value for part in figures for name, value in part.items()},
    }


def overrides_of(settings: dict[str, Any]) -> list[str]:
    """Return the settings that differ from the current recipe of that name, as "key=value"."""
    today = get_recipe(settings["name"]).model_dump(mode="json")
    return [f"{key}={value}" for key, value in differences(settings, today).items()]
