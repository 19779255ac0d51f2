"""From a trained network to the files of a bundle.

The LiteRT file can be written under the TensorFlow backend alone. A run that was trained on another one
is finished here all the same: its weights load under any backend.
"""

import contextlib
import functools
import logging
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pydantic import BaseModel

from fer_core.evaluation import metrics
from fer_core.evaluation.metrics import Answers
from fer_core.expressions import LABEL_SPACES, Expression
from fer_core.faces.crops import INPUT_SIZE
from fer_core.faces.landmarks import FEATURE_SIZE, FEATURE_VERSION
from fer_core.files import replace_file
from fer_core.networks.bundles import (
    ANSWERED_ACCURACY,
    CARD_FILE,
    HISTORY_FILE,
    KERAS_FILE,
    LAYERS_FILE,
    PREDICTIONS_FOLDER,
    SERVING_FILE,
    SPEC_FILE,
    Bundle,
    BundleSpec,
    CalibrationSplit,
    TrainingData,
    open_bundle,
    sha256_of,
)
from fer_core.networks.classifier import Classifier
from fer_core.networks.kinds import open_any_bundle
from fer_core.networks.layers import write_layers
from fer_core.networks.litert import ServingModel
from fer_core.networks.softmax import softmax
from training import sources
from training.architectures.base import MAPS_LAYER
from training.bundle.card import write_card
from training.bundle.half_precision import rounded
from training.bundle.layer_table import layer_table
from training.bundle.rebuild import rebuild_network
from training.bundle.saved_network import save_network
from training.errors import TrainingError
from training.loop.result import FitResult
from training.loop.run_folder import CHECKPOINT_FOLDER, READY_FOLDER, STATE_FILE
from training.schema.prior_correction import correct_priors
from training.schema.recipe import BaseRecipe, Recipe, SelectionSplit
from training.sources import Samples, Split, parts_of
from training.sources.divisions import divisions_of, require_division
from training.sources.landmark_cache import with_landmarks
from training.tasks.expressions import reference_rows

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

#: Largest difference between `model.keras` and `model.tflite` in any logit or activation map, and in any
#: coordinate as a share of the image's side.
PARITY: Final = 1e-4
#: Faces that parity is measured on.
_PARITY_SAMPLES: Final = 64
#: Of the weights. The images that they were trained on have terms of their own; the card says so.
LICENSE: Final = "Apache-2.0"
_CODE: Final = ("fer_core", "training")
_PROJECT: Final = Path(__file__).resolve().parents[2]


def export(
    network: "keras.Model",
    folder: Path,
    inputs: dict[str, np.ndarray] | None = None,
    *,
    unit: float = 1.0,
) -> float:
    """Write `model.keras`, `model.tflite` and `layers.csv` of a trained network and compare the first two.

    The LiteRT file has the network's output (N, C), class activation maps (N, h, w, C) if the network
    has them, and a batch axis that can be resized. Both hold the weights rounded to float16; where that
    does not keep parity, since a layer is converted otherwise than foreseen, those of the LiteRT file are
    float32.

    Args:
        network: float32, never compiled, so that no optimiser state is saved with it.
        folder: exists; receives the files.
        inputs: to measure parity on, by name: `image` uint8 (N, S, S), `landmarks` (N, FEATURE_SIZE)
            if the network sees them; random by default.
        unit: of the outputs, that differences are measured in.

    Returns:
        The largest difference between any output of the two files, in that unit.

    Raises:
        TrainingError: the backend is not TensorFlow, the files disagree by more than PARITY, or the
            network has a layer whose cost we do not know how to count.
    """
    require_tensorflow()
    import keras

    images, vectors = _parity_inputs(network, inputs or {})
    replace_file(folder / KERAS_FILE, functools.partial(save_network, rounded(network)))
    # The reference is what a user of the file will load, not the network in memory.
    saved = keras.models.load_model(folder / KERAS_FILE, compile=False, safe_mode=True)
    write_layers(layer_table(saved), folder)
    maps = [layer.output for layer in saved.layers if layer.name == MAPS_LAYER]
    serving = keras.Model(saved.inputs, [saved.output, *maps])
    given = {"image": images[..., None].astype(np.float32), "landmarks": vectors}
    answers = serving.predict_on_batch([given[tensor.name] for tensor in saved.inputs])
    expected = keras.tree.flatten(answers)
    differences = {}
    for kind in ("float16", "float32"):
        content = _convert(serving, float16=kind == "float16")
        differences[kind] = _largest_difference(content, images, vectors, expected) / unit
        if differences[kind] <= PARITY:
            replace_file(folder / SERVING_FILE, functools.partial(Path.write_bytes, data=content))
            log.info("LiteRT file with %s weights, %.1e from Keras", kind, differences[kind])
            return differences[kind]
    raise TrainingError(
        f"The LiteRT file disagrees with {KERAS_FILE} by {differences['float32']:.1e}, more than "
        f"{PARITY:.0e} (with float16 weights by {differences['float16']:.1e}). A layer of this "
        "network is not converted faithfully; nothing was replaced."
    )


def _parity_inputs(
    network: "keras.Model", inputs: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return uint8 images (N, S, S) and float32 feature vectors (N, FEATURE_SIZE)."""
    rng = np.random.default_rng(0)
    n = _PARITY_SAMPLES
    side = next(
        (tensor.shape[1] for tensor in network.inputs if tensor.name == "image"), INPUT_SIZE
    )
    images = inputs.get("image", rng.integers(0, 256, (n, side, side), dtype=np.uint8))[:n]
    vectors = inputs.get("landmarks", rng.normal(size=(n, FEATURE_SIZE)))[: len(images)]
    return images, vectors.astype(np.float32)


def require_tensorflow() -> None:
    """Raise TrainingError unless Keras runs on TensorFlow, the one backend that writes LiteRT files."""
    import keras

    if (backend := keras.backend.backend()) != "tensorflow":
        raise TrainingError(
            f"The LiteRT file can only be written under TensorFlow, and KERAS_BACKEND is {backend!r}. "
            "The trained weights are kept: finish where TensorFlow is installed, with "
            "KERAS_BACKEND=tensorflow and the same command and --resume."
        )


def _convert(serving: "keras.Model", *, float16: bool) -> bytes:
    import tensorflow as tf

    # Through a SavedModel of one concrete signature: a resizable batch, and no layer's Python code.
    with tempfile.TemporaryDirectory() as folder:
        serving.export(folder, format="tf_saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if float16:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        return bytes(converter.convert())


def _largest_difference(
    content: bytes, images: np.ndarray, vectors: np.ndarray, expected: list[np.ndarray]
) -> float:
    """Run a LiteRT file on images and feature vectors; return its largest absolute error."""
    logits, maps = ServingModel(content, threads=1).run(images, vectors)
    found = [logits] if maps is None else [logits, maps]
    return max(float(np.abs(f - np.asarray(e)).max()) for f, e in zip(found, expected, strict=True))


def make_bundle(result: FitResult, recipe: Recipe, out: Path) -> Bundle:
    """Turn a finished run into the bundle `out`, and remove the run's state when all is written.

    Temperature and abstention threshold are chosen on the clean rows of the validation split, from
    what the serving file says about them. The files are made beside the run's state and moved when all are
    complete, so a kill at any moment leaves either a run that `--resume` finishes, or the finished bundle.

    Raises:
        TrainingError: the serving file cannot be written or is not faithful.
        DataError: the recipe's data is not there.
    """
    references = reference_rows(recipe)
    first, *_ = references.values()
    with staged(out) as staging:
        result.history.to_csv(staging / HISTORY_FILE, index=False)
        if recipe.prior_correction is not None and result.class_shares is not None:
            correct_priors(
                result.network, recipe.architecture, result.class_shares, recipe.prior_correction
            )
        _export_on(first, result.network, staging)
        labels = first.label_space.labels
        spec = _uncalibrated_spec(result, recipe, out.resolve().name, labels, staging)
        _finish(spec, references, staging)
    return open_bundle(out)


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
    references = _references_of(spec)
    first, *_ = references.values()
    network = rebuild_network(bundle, first)
    with staged(bundle.path) as staging:
        shutil.copyfile(bundle.path / HISTORY_FILE, staging / HISTORY_FILE)
        _export_on(first, network, staging)
        spec = spec.model_copy(update={"sha256": _sums(staging), "metrics": {}})
        _finish(spec, references, staging)
    return open_bundle(bundle.path)


def _references_of(spec: BundleSpec) -> dict[str, Samples]:
    """Return the calibration rows of a finished bundle, like `expression_task.reference_rows`.

    Not by the recipe as a whole, which an older version of it may have written.
    """
    space = next(space for space in LABEL_SPACES.values() if space.labels == spec.labels)
    found = {}
    for name in _answered_accuracies(spec) or [spec.training_data.source]:
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


def _finish(spec: BundleSpec, references: dict[str, Samples], folder: Path) -> None:
    """Write the spec, with temperature and threshold from clean validation faces, and the card.

    Of several references the first sets the temperature, since labels of two data sets differ in how often
    one can be right; the threshold is the lowest that is high enough for all.
    """
    write_spec(spec, folder)
    classifier = Classifier(open_bundle(folder))
    logits = {
        name: classifier.logits(rows.images, rows.landmarks)[0] for name, rows in references.items()
    }
    first = next(iter(references))
    temperature = metrics.fit_temperature(logits[first], references[first].labels)
    wanted = _answered_accuracies(spec)
    answers = {
        name: Answers(
            rows.labels,
            softmax(logits[name], temperature=temperature),
            wanted.get(name, ANSWERED_ACCURACY),
        )
        for name, rows in references.items()
    }
    threshold = metrics.abstention_threshold(list(answers.values()))
    log.info("temperature %.4f, abstention threshold %.4f", temperature, threshold)
    spec = spec.model_copy(
        update={
            "temperature": temperature,
            "abstention_threshold": threshold,
            "references": tuple(
                _calibration_split(name, given, threshold)
                for name, given in answers.items()
                if wanted
            ),
        }
    )
    write_spec(spec, folder)
    write_card(open_bundle(folder))


def _answered_accuracies(spec: BundleSpec) -> dict[str, float]:
    """Return the required accuracy of covered faces on each source of its recipe's selection.

    Empty for a recipe that is chosen on its own source's validation split.
    """
    chosen = map(SelectionSplit.model_validate, spec.recipe.get("selection") or ())
    return {split.source: split.answered_accuracy for split in chosen}


def _calibration_split(name: str, given: Answers, threshold: float) -> CalibrationSplit:
    """Return the figures of a threshold on one reference."""
    labels, probabilities, wanted = given
    coverage, accuracy = metrics.coverage_and_accuracy(labels, probabilities, threshold)
    return CalibrationSplit(
        data=f"{name}:{Split.VALID}",
        n=len(labels),
        answered_accuracy=wanted,
        accuracy=metrics.accuracy(labels, probabilities),
        ece=metrics.ece(labels, probabilities),
        coverage=coverage,
        selective_accuracy=0.0 if np.isnan(accuracy) else accuracy,
    )


@contextlib.contextmanager
def staged(out: Path) -> Iterator[Path]:
    """Give a temporary folder for a bundle's files, then move them to `out` and remove the run's state.

    Predictions of the weights that stood there before say nothing about the new ones, and go as well.

    Raises:
        TrainingError: the backend is not TensorFlow.
    """
    require_tensorflow()
    checkpoint = out / CHECKPOINT_FOLDER
    staging, ready = checkpoint / "bundle", checkpoint / READY_FOLDER
    for folder in (staging, ready):
        shutil.rmtree(folder, ignore_errors=True)
    staging.mkdir(parents=True)
    yield staging
    staging.rename(ready)
    _move_to_place(out)


def _move_to_place(out: Path) -> None:
    """Move what is left of a complete bundle's files to `out`, and remove the run's state."""
    checkpoint = out / CHECKPOINT_FOLDER
    shutil.rmtree(out / PREDICTIONS_FOLDER, ignore_errors=True)
    # The spec comes last: while it is there, the others may not all be in place.
    for name in (KERAS_FILE, SERVING_FILE, LAYERS_FILE, HISTORY_FILE, CARD_FILE, SPEC_FILE):
        if (file := checkpoint / READY_FOLDER / name).is_file():
            file.replace(out / name)
    shutil.rmtree(checkpoint)


def finish_moves(recipe: BaseRecipe, out: Path) -> bool:
    """Finish a recipe's bundle if a kill came while its files were moved to `out`; return whether it did.

    The run could not be resumed: where the bundle replaces one of its own parents, that one is damaged.
    """
    ready = out / CHECKPOINT_FOLDER / READY_FOLDER
    if not (ready / SPEC_FILE).is_file():
        return False
    if open_any_bundle(ready).spec.recipe != recipe.model_dump(mode="json"):
        return False
    _move_to_place(out)
    return True


def write_spec(spec: BaseModel, folder: Path) -> None:
    """Write `spec.json` atomically; equal specs give equal bytes."""
    text = spec_text(spec)
    replace_file(folder / SPEC_FILE, lambda path: path.write_text(text, encoding="utf-8"))


def spec_text(spec: BaseModel) -> str:
    """Return the content of `spec.json`."""
    return spec.model_dump_json(indent=2) + "\n"


def _uncalibrated_spec(
    result: FitResult,
    recipe: Recipe,
    name: str,
    labels: tuple[Expression, ...],
    folder: Path,
) -> BundleSpec:
    return BundleSpec(
        **fields_of_run(result, recipe, name, folder, side=INPUT_SIZE, note=_note(result, recipe)),
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


def _note(result: FitResult, recipe: Recipe) -> str:
    """Return notes on rows and settings that the recipe does not contain."""
    parts = []
    if recipe.data.label_space is not None:
        labels = LABEL_SPACES[recipe.data.label_space].labels
        parts.append(f"only faces labelled {', '.join(labels[:-1])} or {labels[-1]}")
    if result.n_left_out:
        parts.append(f"{result.n_left_out} rows that every annotator calls no face were left out")
    if not parts:
        parts.append("all rows")
    if second := parts_of(recipe.data.source)[1:]:
        parts += _notes_of_added(second[0], recipe)
    if recipe.data.rows is not None:
        parts.append("of all these rows, as many as are trained on were drawn at random")
    if recipe.balance.adds_rows:
        parts.append(
            f"rows were added until all classes are as frequent ({recipe.balance.strategy})"
        )
    parts += notes_of_changes(result)
    if (start := result.ancestors.start) is not None:
        is_trunk = recipe.starts_from is None
        parts.append(f"{'the trunk is that of' if is_trunk else 'it started from'} {start}")
    if (trunk := result.ancestors.trunk) is not None:
        parts.append(f"the trunk is that of {trunk}")
    if (teacher := result.ancestors.teacher) is not None:
        parts.append(f"the teacher is {teacher}")
    return "; ".join(parts)


def _notes_of_added(second: str, recipe: Recipe) -> list[str]:
    none_of_others = "except those that were found to show a photo of the other splits"
    if recipe.data.whole:
        share = recipe.added_teacher_share
        learnt = (
            f"their targets are {second}'s labels"
            if share is None
            else f"of their targets, {1 - share:.0%} is {second}'s label and {share:.0%} the teacher's "
            "prediction"
        )
        return [
            f"the faces of the training split of {second} were added, {none_of_others}; {learnt}"
        ]
    labels = f"{second}'s labels" if recipe.teacher is None else "the teacher's predictions"
    notes = [
        f"of each class at most as many faces were added from the training split of {second} as there were, "
        f"{none_of_others}; they were learnt with {labels} as targets"
    ]
    if recipe.refinement is not None:
        notes.append(f"in the last {recipe.refinement.epochs} epochs they were left out")
    return notes


def notes_of_changes(result: FitResult) -> list[str]:
    """Return notes on epochs whose settings differ from the recipe."""
    return [
        f"the first {change.epochs} epochs had other settings: "
        + ", ".join(f"{key} {value}" for key, value in change.before.items())
        for change in result.changes
    ]


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
