"""From a trained keypoint network to its bundle and its measurements."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fer_core.files import replace_file
from fer_core.networks.bundles import HISTORY_FILE, PREDICTIONS_FOLDER
from fer_core.networks.keypoints import (
    KEYPOINT_SIZE,
    POINT_NAMES,
    KeypointBundle,
    KeypointFinder,
    KeypointSpec,
    measure_keypoints,
    open_keypoint_bundle,
)
from training.bundle.export import export
from training.bundle.keypoint_card import write_keypoint_card
from training.bundle.make import fields_of_run
from training.bundle.notes import notes_of_changes
from training.bundle.staging import staged, write_spec
from training.loop.result import FitResult
from training.schema.recipe import KeypointRecipe
from training.sources import KeypointSamples, Split, load_keypoints
from training.sources.keypoints import COLUMNS, NAME


def make_keypoint_bundle(result: FitResult, recipe: KeypointRecipe, out: Path) -> KeypointBundle:
    """Turn a finished run into the bundle `out`, and remove the run's state when all is written.

    Raises:
        TrainingError: the serving file cannot be written or is not faithful.
        DataError: the recipe's data is not there.
    """
    with staged(out) as staging:
        valid = load_keypoints(Split.VALID)
        export(result.network, staging, {"image": valid.images}, unit=KEYPOINT_SIZE)
        result.history.to_csv(staging / HISTORY_FILE, index=False)
        note = "; ".join([valid.note, *notes_of_changes(result)])
        spec = KeypointSpec(
            **fields_of_run(
                result, recipe, out.resolve().name, staging, side=KEYPOINT_SIZE, note=note
            ),
            points=POINT_NAMES,
            metrics={},
        )
        write_spec(spec, staging)
        write_keypoint_card(open_keypoint_bundle(staging))
    return open_keypoint_bundle(out)


def evaluate_keypoints(bundle: KeypointBundle, samples: KeypointSamples) -> dict[str, Any]:
    """Measure a bundle with its serving file, and return the report of the command line.

    On the validation and test splits, the bundle's predictions file, spec and card are brought up to
    date; repeating it on an unchanged bundle changes no byte.

    Raises:
        BundleError: the serving file is missing or damaged.
    """
    found = KeypointFinder(bundle).find(samples.images)
    measured = measure_keypoints(samples.points, found, persons=samples.n_persons)
    if samples.split is not Split.TRAIN:
        _write_predictions(bundle, samples, found)
        by_split = {**bundle.spec.metrics, f"{NAME}:{samples.split}": measured}
        spec = bundle.spec.model_copy(update={"metrics": dict(sorted(by_split.items()))})
        write_spec(spec, bundle.path)
        write_keypoint_card(KeypointBundle(bundle.path, spec))
    return {
        "bundle": bundle.spec.name,
        "source": NAME,
        "split": str(samples.split),
        **measured.model_dump(mode="json"),
    }


def _write_predictions(bundle: KeypointBundle, samples: KeypointSamples, found: np.ndarray) -> None:
    """Write row, person, and the labelled and predicted positions of all points, in pixels of 96."""
    table = pd.DataFrame({"row": samples.rows})
    if samples.persons is not None:
        table["person"] = samples.persons
    n = len(samples)
    labelled = pd.DataFrame(samples.points.reshape(n, -1), columns=COLUMNS)
    answers = pd.DataFrame(found.reshape(n, -1), columns=COLUMNS)
    table = pd.concat([table, labelled, answers.add_prefix("found_")], axis=1)
    path = bundle.path / PREDICTIONS_FOLDER / f"{NAME}-{samples.split}.parquet"
    replace_file(path, lambda file: table.to_parquet(file, index=False))
