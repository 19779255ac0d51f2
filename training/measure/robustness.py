"""Run a bundle's serving file on corrupted faces, and record its predictions."""

import contextlib
import dataclasses
import logging
import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from rich.console import Console
from rich.progress import track

from fer_core.errors import DataError
from fer_core.evaluation.robustness import (
    ROWS,
    SEED,
    STRENGTHS,
    UNCORRUPTED,
    Condition,
    Robustness,
    accuracies,
    mean_relative_drop,
    read_robustness,
    robustness_path,
    write_robustness,
)
from fer_core.networks.bundles import SERVING_FILE, Bundle
from fer_core.networks.classifier import Classifier
from training import sources
from training.measure.corruptions import CORRUPTIONS
from training.measure.evaluate import Report, is_recorded, known_to
from training.sources import Samples
from training.sources.landmark_cache import finding_landmarks

log = logging.getLogger(__name__)

#: Of a run that was stopped.
_UNFINISHED: Final = ".unfinished"

#: Finds landmarks in images; None for a network that sees none.
_Find: TypeAlias = Callable[[np.ndarray], np.ndarray] | None


def measure_robustness(
    bundle: Bundle, samples: Samples, *, rows: int = ROWS, seed: int = SEED
) -> Report:
    """Measure a bundle on corrupted faces with its serving file.

    The faces are drawn at random with the seed alone, so every bundle and every condition gets the same;
    those of a class that the network does not know are then left out. Landmarks, if the network sees
    any, are found again in each corrupted image, as they would be in a bad photo.

    On the validation and test splits of the official sources the answers are kept beside the bundle's
    predictions; a run that was stopped goes on with the next condition. Other samples, and tries with
    other rows or another seed, leave the bundle as it is.

    Raises:
        DataError: no drawn sample has a class that the network knows.
        BundleError: the serving file is missing or damaged.
    """
    drawn = draw(samples, rows, seed)
    path = None
    if is_recorded(samples):
        if (rows, seed) == (ROWS, SEED):
            path = robustness_path(bundle.path, samples.source, samples.split)
        else:
            log.info(
                "the answers are not kept: bundles keep those for %d rows and seed %d", ROWS, SEED
            )
    log.info("%s: %d faces of %s, corrupted", bundle.spec.name, len(drawn), samples.source)
    result = _run(bundle, drawn, seed, path)
    report = _report(result, bundle.spec.name)
    if excluded := known_to(bundle, drawn)[1]:
        report["excluded_classes"] = excluded
    return report


def draw(samples: Samples, rows: int, seed: int) -> Samples:
    """Return `rows` random samples, or all if there are fewer, in the data set's order.

    Fewer rows with the same seed are among the more.
    """
    order = np.random.default_rng(seed).permutation(len(samples))
    return samples.select(np.sort(order[:rows]))


def conditions() -> tuple[Condition, ...]:
    """Return all conditions in the order in which they are measured."""
    return (
        UNCORRUPTED,
        *(
            Condition(kind.name, strength, kind.parameter, float(value))
            for kind in CORRUPTIONS
            for strength, value in zip(STRENGTHS, kind.values, strict=True)
        ),
    )


def corrupt(images: np.ndarray, condition: Condition, seed: int) -> np.ndarray:
    """Return corrupted images, uint8 (N, 48, 48); deterministic."""
    if condition == UNCORRUPTED:
        return images
    (kind,) = (kind for kind in CORRUPTIONS if kind.name == condition.corruption)
    # By kind and strength, so that no condition depends on which others are measured.
    rng = np.random.default_rng([seed, condition.strength, *kind.name.encode()])
    return kind.apply(images, condition.value, rng)


def _run(bundle: Bundle, drawn: Samples, seed: int, path: Path | None) -> Robustness:
    result = _empty(bundle, known_to(bundle, drawn)[0], seed)
    unfinished = path and path.with_suffix(_UNFINISHED)
    if unfinished:
        result = _resumed(result, unfinished)
    classifier = Classifier(bundle)
    missing = conditions()[len(result.conditions) :]
    with _finder(bundle) as find:
        for condition in track(missing, "Corrupting", console=Console(stderr=True)):
            corrupted = dataclasses.replace(drawn, images=corrupt(drawn.images, condition, seed))
            kept, _ = known_to(bundle, corrupted)
            result = _with_predictions(result, condition, classifier, kept.images, find)
            if unfinished:
                write_robustness(result, unfinished)
    if path and unfinished:
        write_robustness(result, path)
        unfinished.unlink()
    return result


def _finder(bundle: Bundle) -> AbstractContextManager[_Find]:
    if bundle.spec.landmark_features is None:
        return contextlib.nullcontext()
    return finding_landmarks()


def _empty(bundle: Bundle, samples: Samples, seed: int) -> Robustness:
    """Return a result with no condition yet."""
    n = len(samples)
    return Robustness(
        source=samples.source,
        split=samples.split,
        seed=seed,
        weights_sha256=bundle.spec.sha256[SERVING_FILE],
        expressions=bundle.spec.labels,
        conditions=(),
        rows=samples.rows,
        labels=samples.labels,
        clean=samples.clean,
        answers=np.zeros((0, n), np.int64),
        confidences=np.zeros((0, n), np.float32),
        found_face=np.zeros((0, n), bool),
    )


def _resumed(empty: Robustness, unfinished: Path) -> Robustness:
    """Return the stored part of the same measurement; `empty` if there is none."""
    if not unfinished.is_file():
        return empty
    try:
        before = read_robustness(unfinished, finished=False)
    except DataError:
        return empty
    same = ("seed", "weights_sha256", "expressions")
    arrays = ("rows", "labels", "clean")
    fits = (
        all(getattr(before, name) == getattr(empty, name) for name in same)
        and all(np.array_equal(getattr(before, name), getattr(empty, name)) for name in arrays)
        and before.conditions == conditions()[: len(before.conditions)]
    )
    if fits:
        log.info("going on after %d conditions of a run that was stopped", len(before.conditions))
    return before if fits else empty


def _with_predictions(
    result: Robustness,
    condition: Condition,
    classifier: Classifier,
    images: np.ndarray,
    find: _Find,
) -> Robustness:
    """Return a result with the predictions for one more condition."""
    landmarks = None if find is None else find(images)
    p = classifier.probabilities(images, landmarks)
    found = np.ones(len(images), bool) if landmarks is None else landmarks.any(axis=1)
    return dataclasses.replace(
        result,
        conditions=(*result.conditions, condition),
        answers=np.vstack([result.answers, p.argmax(axis=1)]),
        confidences=np.vstack([result.confidences, p.max(axis=1)]),
        found_face=np.vstack([result.found_face, found]),
    )


def _report(result: Robustness, name: str) -> Report:
    report: Report = {
        "bundle": name,
        "source": result.source,
        "split": str(result.split),
        "seed": result.seed,
        "n": len(result),
        **_figures(result),
    }
    if sources.knows_copies(result.source):
        clean = result.select(result.clean)
        report |= {"n_clean": len(clean)}
        report |= {f"{key}_clean": value for key, value in _figures(clean).items()}
    return report


def _figures(result: Robustness) -> dict[str, Any]:
    """Return the accuracy on the original images, by corruption from weak to strong, and the mean drop."""
    whole, *corrupted = (_or_null(accuracy) for accuracy in accuracies(result))
    n = len(STRENGTHS)
    return {
        "accuracy": whole,
        "accuracy_by_corruption": {
            kind: corrupted[i * n : (i + 1) * n] for i, kind in enumerate(result.corruptions)
        },
        "mean_relative_drop": _or_null(mean_relative_drop(result)),
    }


def _or_null(value: float) -> float | None:
    """Return None for NaN, which JSON lacks."""
    return None if math.isnan(value) else round(float(value), 7)
