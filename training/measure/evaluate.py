"""Run a bundle's serving file on labelled faces, and record its predictions."""

import dataclasses
import logging
import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from fer_core.data_names import source_of, split_of
from fer_core.errors import DataError
from fer_core.evaluation.measures import MEASURES
from fer_core.evaluation.predictions import (
    EvaluationResult,
    PairedComparison,
    compare,
    measure,
    measure_landmarks,
    predictions_path,
    read_predictions,
    write_predictions,
)
from fer_core.expressions import LabelSpace
from fer_core.networks.bundles import CLEAN, Bundle, SplitMetrics
from fer_core.networks.classifier import Classifier
from training import sources
from training.bundle.card import write_card
from training.sources import Samples, Split
from training.sources.divisions import require_division
from training.sources.landmark_cache import with_landmarks

log = logging.getLogger(__name__)

#: What the command line prints as one line of JSON.
Report: TypeAlias = dict[str, Any]


def evaluate(bundle: Bundle, samples: Samples) -> Report:
    """Measure a bundle on samples with its serving file.

    On the validation and test splits of the official sources, the bundle's predictions file, spec and
    card are brought up to date; repeating it on an unchanged bundle changes no byte. Other samples (a
    user's folder, a training split) leave the bundle as it is.

    Classes that the network does not know are left out and named in the report.

    Raises:
        DataError: no sample has a class that the network knows.
        BundleError: the serving file is missing or damaged.
    """
    samples, excluded = known_to(bundle, samples)
    if is_recorded(samples):
        path = predictions_path(bundle.path, samples.source, samples.split)
        write_predictions(_predict(bundle, samples), path)
        # Read back: the figures are those of the file, by construction.
        result = read_predictions(path)
    else:
        result = _predict(bundle, samples)
    measured = measure(result, bundle.spec.abstention_threshold)
    if bundle.spec.landmark_features is not None:
        withheld = _predict(bundle, samples, withhold_landmarks=True)
        measured = measured.model_copy(update={"landmarks": measure_landmarks(result, withheld)})
    measured = measured.model_copy(update={"excluded": excluded})
    name = f"{samples.source}:{samples.split}"
    if is_recorded(samples):
        record(bundle, {**bundle.spec.metrics, name: measured})
    return report_of(bundle, name, measured)


def compare_bundles(first: Bundle, second: Bundle, samples: Samples) -> Report:
    """Run two bundles on the same samples and test whether one is better, on all and on clean rows.

    Nothing is written. Clean rows are those that neither bundle's training data holds a copy of. Samples of
    a class that one of the networks does not know are left out, and counted in the report.

    Raises:
        DataError: no sample has a class that both networks know.
    """
    known = [known_to(bundle, samples)[0] for bundle in (first, second)]
    rows = np.intersect1d(known[0].rows, known[1].rows)
    if not len(rows):
        raise DataError("No sample has a class that both networks know.")
    results = [
        _predict(bundle, some.select(np.isin(some.rows, rows)))
        for bundle, some in zip((first, second), known, strict=True)
    ]
    clean = [np.array(result.rows)[result.clean] for result in results]
    in_both = np.intersect1d(*clean)
    report: Report = {
        "bundles": [first.spec.name, second.spec.name],
        "source": samples.source,
        "split": str(samples.split),
        "n_left_out": len(samples) - len(rows),
        **_comparison_report(compare(*results)),
    }
    if sources.knows_copies(samples.source):
        report["clean"] = _comparison_report(
            compare(*[result.select(np.isin(result.rows, in_both)) for result in results])
        )
    return report


def _comparison_report(comparison: PairedComparison) -> Report:
    counts = ("n", "both", "only_first", "only_second", "neither")
    if not comparison.n:
        return {"n": 0}
    return {
        **{name: getattr(comparison, name) for name in counts},
        "accuracies": list(comparison.accuracies),
        "difference": comparison.difference,
        "difference_interval_95": list(comparison.interval),
        "mcnemar_p": comparison.p_value,
    }


def known_to(bundle: Bundle, samples: Samples) -> tuple[Samples, dict[str, int]]:
    """Return the samples with the network's labels, and the counts of the classes that it lacks.

    Raises:
        DataError: no sample has a class that the network knows, or it learnt from their data set when that
            was divided otherwise.
    """
    require_division(bundle.spec.training_data, samples.source)
    space = LabelSpace(bundle.spec.name, bundle.spec.labels)
    counts = samples.counts()
    excluded = {name: n for name, n in counts.items() if n and name not in space.labels}
    kept = samples.within(space)
    if not len(kept):
        raise DataError(
            f"{bundle.spec.name} knows none of the classes of these {len(samples)} samples: it has "
            f"{', '.join(space.labels)}; they have {', '.join(excluded) or 'no rows'}."
        )
    clean = kept.clean & (not _was_trained_on(bundle, kept))
    return dataclasses.replace(kept, clean=clean), excluded


def _was_trained_on(bundle: Bundle, samples: Samples) -> bool:
    """Return whether the network, its parent or its teacher was trained on such samples."""
    data = bundle.spec.training_data
    learnt = sources.all_images_of(data.source, *data.inherited)
    return samples.split == data.split and bool(learnt & sources.all_images_of(samples.source))


def is_recorded(samples: Samples) -> bool:
    """Return whether a bundle stores measurements on samples: those on official splits not trained on."""
    return sources.is_known(samples.source) and samples.split is not Split.TRAIN


def _predict(
    bundle: Bundle, samples: Samples, *, withhold_landmarks: bool = False
) -> EvaluationResult:
    log.info("%s: %d faces of %s", bundle.spec.name, len(samples), samples.source)
    if bundle.spec.landmark_features is not None and not withhold_landmarks:
        samples = with_landmarks(samples)
    found = (
        np.ones(len(samples), bool)
        if samples.landmarks is None
        else np.any(samples.landmarks != 0, axis=1)
    )
    return EvaluationResult(
        expressions=bundle.spec.labels,
        rows=samples.rows,
        labels=samples.labels,
        probabilities=Classifier(bundle).probabilities(samples.images, samples.landmarks),
        found_face=found,
        clean=samples.clean,
    )


def record(bundle: Bundle, by_split: Mapping[str, SplitMetrics]) -> None:
    """Write the metrics of a bundle, by "SOURCE:SPLIT", into its spec and card."""
    from training.bundle.staging import write_spec

    spec = bundle.spec.model_copy(update={"metrics": dict(sorted(by_split.items()))})
    write_spec(spec, bundle.path)
    write_card(Bundle(bundle.path, spec))


def report_of(bundle: Bundle, name: str, measured: SplitMetrics) -> Report:
    """Return the JSON object of a measurement; an undefined measure is None.

    Args:
        bundle: that was measured.
        name: "SOURCE:SPLIT" that it was measured on.
        measured: its metrics there.
    """
    names = [measure.name for measure in MEASURES]
    # Nothing is known about copies in other data sets, so no claim is made: these are None.
    copies_known = sources.knows_copies(source_of(name))
    clean = [f"{name}{CLEAN}" for name in names]
    told = measured.model_dump(mode="json", exclude={"excluded"})
    report: Report = {
        "bundle": bundle.spec.name,
        "source": source_of(name),
        "split": split_of(name),
        "n": measured.n,
        **dict.fromkeys([*names, f"n{CLEAN}", *clean]),
        **{key: value for key, value in told.items() if copies_known or not key.endswith(CLEAN)},
        "temperature": bundle.spec.temperature,
        "abstention_threshold": bundle.spec.abstention_threshold,
    }
    if not measured.coverage:
        report["selective_accuracy"] = None
    if copies_known and not measured.n_clean:
        report |= dict.fromkeys(clean)
    if measured.excluded:
        report["excluded_classes"] = measured.excluded
    return report


def without_nan(values: Report) -> Report:
    """Return values with None for NaN, which JSON lacks."""
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in values.items()}
