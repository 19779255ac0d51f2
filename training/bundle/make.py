"""From a finished run to its bundle."""

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from fer_core.expressions import LABEL_SPACES, Expression
from fer_core.faces.crops import INPUT_SIZE
from fer_core.faces.landmarks import FEATURE_VERSION
from fer_core.networks.bundles import (
    HISTORY_FILE,
    KERAS_FILE,
    SERVING_FILE,
    Bundle,
    BundleSpec,
    TrainingData,
    open_bundle,
    resolve,
    sha256_of,
)
from training import sources
from training.bundle.calibration import calibrated, required_accuracies
from training.bundle.card import write_card
from training.bundle.export import export
from training.bundle.notes import note_on_data
from training.bundle.rebuild import rebuild_network
from training.bundle.staging import staged, write_spec
from training.errors import TrainingError
from training.loop.result import FitResult
from training.loop.run_folder import CHECKPOINT_FOLDER, STATE_FILE
from training.schema.prior_correction import correct_priors
from training.schema.recipe import BaseRecipe, Recipe
from training.sources import Samples, Split, parts_of
from training.sources.divisions import divisions_of, require_division
from training.sources.landmark_cache import with_landmarks
from training.tasks.expressions import selection_rows

if TYPE_CHECKING:
    import keras

#: Of the weights. The images that they were trained on have terms of their own; the card says so.
LICENSE: Final = "Apache-2.0"
_CODE: Final = ("fer_core", "training")
_PROJECT: Final = Path(__file__).resolve().parents[2]


def make_bundle(result: FitResult, recipe: Recipe, out: Path) -> Bundle:
    """Turn a finished run into the bundle `out`, and remove the run's state when all is written.

    Temperature and abstention threshold are chosen on the clean rows of the validation split, from
    what the serving file says about them. The files are made beside the run's state and moved when all are
    complete, so a kill at any moment leaves either a run that `--resume` finishes, or the finished bundle.

    Raises:
        TrainingError: the serving file cannot be written or is not faithful.
        DataError: the recipe's data is not there.
    """
    rows = selection_rows(recipe)
    first, *_ = rows.values()
    with staged(out) as staging:
        result.history.to_csv(staging / HISTORY_FILE, index=False)
        offsets = _correct_priors(result, recipe)
        _export_on(first, result.network, staging)
        labels = first.label_space.labels
        spec = _uncalibrated_spec(result, recipe, out.resolve().name, labels, staging)
        spec = spec.model_copy(update={"prior_offsets": offsets})
        _finish(spec, rows, staging)
    return open_bundle(out)


def _correct_priors(result: FitResult, recipe: Recipe) -> tuple[float, ...]:
    """Correct the priors of a finished run's network, and return its `BundleSpec.prior_offsets`."""
    architecture, part = recipe.architecture, recipe.architecture.trunk_part
    own: np.ndarray | float = 0.0
    if recipe.prior_correction is not None and result.class_shares is not None:
        own = correct_priors(
            result.network, architecture, result.class_shares, recipe.prior_correction
        )
    trunk = resolve(part.bundle).spec.prior_offsets if part else ()
    offsets = np.atleast_1d(architecture.prior_offsets(np.asarray(own), np.array(trunk or 0.0)))
    return tuple(offsets.tolist()) if offsets.any() else ()


def export_again(bundle: Bundle) -> Bundle:
    """Rewrite a bundle's files from its own weights with the current `make_bundle`, and return it.

    What was measured with the old files goes, as after a run. The spec still tells of the run that made
    the weights, which are rounded to what the serving file holds.

    Raises:
        BundleError: the Keras file is damaged.
        TrainingError: today's code does not build the network of these weights, the serving file cannot
            be written or is not faithful, or the folder holds an unfinished run.
        DataError: the recipe's data is not there, or is divided otherwise than it was.
    """
    if (bundle.path / CHECKPOINT_FOLDER / STATE_FILE).is_file():
        raise TrainingError(
            f"{bundle.path} holds an unfinished run, which would be lost. Finish it (fit with --resume) or "
            f"remove its folder {CHECKPOINT_FOLDER} first."
        )
    spec = bundle.spec
    rows = _selection_rows_of(spec)
    first, *_ = rows.values()
    network = rebuild_network(bundle, first)
    with staged(bundle.path) as staging:
        shutil.copyfile(bundle.path / HISTORY_FILE, staging / HISTORY_FILE)
        _export_on(first, network, staging)
        spec = spec.model_copy(update={"sha256": _sums(staging), "metrics": {}})
        _finish(spec, rows, staging)
    return open_bundle(bundle.path)


def _selection_rows_of(spec: BundleSpec) -> dict[str, Samples]:
    """Return the selection rows of a finished bundle, like `training.tasks.expressions.selection_rows`.

    Not by the recipe as a whole, which an older version of it may have written.
    """
    space = next(space for space in LABEL_SPACES.values() if space.labels == spec.labels)
    found = {}
    for name in required_accuracies(spec) or [spec.training_data.source]:
        valid = sources.load(name, Split.VALID)
        # Only of what it is calibrated on: a second data set that it learnt from need not be here.
        require_division(spec.training_data, valid.source)
        valid = valid.select(valid.clean).within(space)
        found[valid.source] = valid if spec.landmark_features is None else with_landmarks(valid)
    return found


def _export_on(valid: Samples, network: "keras.Model", folder: Path) -> None:
    """Write a network's files, and measure their parity on validation faces."""
    inputs = {"image": valid.images}
    if valid.landmarks is not None:
        inputs["landmarks"] = valid.landmarks
    export(network, folder, inputs)


def _finish(spec: BundleSpec, rows: dict[str, Samples], folder: Path) -> None:
    """Write the spec, calibrated on clean validation faces by source, and the card."""
    write_spec(spec, folder)
    write_spec(calibrated(spec, rows, folder), folder)
    write_card(open_bundle(folder))


def _uncalibrated_spec(
    result: FitResult,
    recipe: Recipe,
    name: str,
    labels: tuple[Expression, ...],
    folder: Path,
) -> BundleSpec:
    return BundleSpec(
        **fields_of_run(
            result, recipe, name, folder, side=INPUT_SIZE, note=note_on_data(result, recipe)
        ),
        labels=labels,
        landmark_features=FEATURE_VERSION if recipe.architecture.sees_landmarks else None,
        temperature=1.0,
        abstention_threshold=0.0,
        metrics={},
    )


def fields_of_run(
    result: FitResult,
    recipe: BaseRecipe,
    name: str,
    folder: Path,
    *,
    side: int,
    note: str,
) -> dict[str, Any]:
    """Return the fields of `BaseSpec` for a finished run.

    Args:
        result: of the run.
        recipe: of the run.
        name: of the bundle.
        folder: where `export` wrote the files.
        side: of the input in pixels.
        note: on the training data.
    """
    return {
        "name": name,
        "title": recipe.title,
        "architecture": recipe.architecture.kind,
        "recipe": recipe.model_dump(mode="json"),
        "input_hw": (side, side),
        "pixel_range": (0.0, 255.0),
        "parameters": result.network.count_params(),
        "training_data": TrainingData(
            source=recipe.data.source,
            split=Split.TRAIN,
            n=result.n_train,
            note=note,
            sha256=result.data_sha256,
            inherited=tuple(
                name
                for name in result.ancestors.sources
                if name not in parts_of(recipe.data.source)
            ),
            divisions=divisions_of(recipe.data.source, result.ancestors),
        ),
        "backend": result.backend,
        "code_commit": code_commit(),
        "sha256": _sums(folder),
        "license": LICENSE,
    }


def _sums(folder: Path) -> dict[str, str]:
    return {file: sha256_of(folder / file) for file in (KERAS_FILE, SERVING_FILE)}


def code_commit() -> str:
    """Return the commit of the code, with "+changes" if the code differs from it; "unknown" without git."""
    try:
        commit = _git("rev-parse", "HEAD")
        return commit + ("+changes" if _git("status", "--porcelain", "--", *_CODE) else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(_PROJECT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
