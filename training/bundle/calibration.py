"""Calibration of a trained network: temperature and abstention threshold, from clean validation faces.

`fer_core.networks.classifier` applies the temperature to every prediction, and `Prediction.abstained` the
threshold.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fer_core.evaluation import metrics
from fer_core.evaluation.metrics import ThresholdTarget
from fer_core.networks.bundles import REQUIRED_ACCURACY, BundleSpec, CalibrationSplit, open_bundle
from fer_core.networks.classifier import Classifier
from fer_core.networks.softmax import softmax
from training.schema.recipe import SelectionSplit
from training.sources import Samples, Split

log = logging.getLogger(__name__)


def calibrated(spec: BundleSpec, rows: Mapping[str, Samples], folder: Path) -> BundleSpec:
    """Return a spec with temperature and threshold.

    Of several sources the first sets the temperature, since labels of two data sets differ in how often one
    can be right. The threshold is the lowest that is high enough for all.

    Args:
        spec: of the network.
        rows: clean validation faces by source.
        folder: of the bundle; holds the spec and the serving file.
    """
    classifier = Classifier(open_bundle(folder))
    logits = {
        name: classifier.logits(faces.images, faces.landmarks)[0] for name, faces in rows.items()
    }
    first = next(iter(rows))
    temperature = metrics.fit_temperature(logits[first], rows[first].labels)
    required = required_accuracies(spec)
    targets = {
        name: ThresholdTarget(
            faces.labels,
            softmax(logits[name], temperature=temperature),
            required.get(name, REQUIRED_ACCURACY),
        )
        for name, faces in rows.items()
    }
    threshold = metrics.abstention_threshold(list(targets.values()))
    log.info("temperature %.4f, abstention threshold %.4f", temperature, threshold)
    return spec.model_copy(
        update={
            "temperature": temperature,
            "abstention_threshold": threshold,
            "references": tuple(
                _calibration_split(name, target, threshold)
                for name, target in targets.items()
                if required
            ),
        }
    )


def required_accuracies(spec: BundleSpec) -> dict[str, float]:
    """Return the required accuracy of covered faces on each source of its recipe's selection.

    Empty for a recipe that is chosen on its own source's validation split.
    """
    chosen = map(SelectionSplit.model_validate, spec.recipe.get("selection") or ())
    return {split.source: split.answered_accuracy for split in chosen}


def _calibration_split(name: str, target: ThresholdTarget, threshold: float) -> CalibrationSplit:
    """Return the figures of a threshold on the validation faces of one source."""
    labels, probabilities, required = target
    coverage, accuracy = metrics.coverage_and_accuracy(labels, probabilities, threshold)
    return CalibrationSplit(
        data=f"{name}:{Split.VALID}",
        n=len(labels),
        answered_accuracy=required,
        accuracy=metrics.accuracy(labels, probabilities),
        ece=metrics.ece(labels, probabilities),
        coverage=coverage,
        selective_accuracy=0.0 if np.isnan(accuracy) else accuracy,
    )
