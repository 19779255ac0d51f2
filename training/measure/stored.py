"""Recompute the measures of stored predictions, without running a network."""

from fer_core.data_names import source_of, split_of
from fer_core.evaluation.predictions import measure, predictions_path, read_predictions
from fer_core.networks.bundles import Bundle
from training.bundle.stored_predictions import check_predictions, check_split
from training.measure.evaluate import Report, record, report_of


def measure_stored(bundle: Bundle) -> list[Report]:
    """Recompute all measures of a bundle's stored predictions, and update its spec and card.

    For a measure that is newer than the spec. Neither the data sets nor TensorFlow are needed. What landmarks
    do for the network and which classes were left out is kept, since predictions do not tell it.

    Returns:
        What `training evaluate` reports, for each split in the spec.

    Raises:
        BundleError: predictions are missing, or are not those that the spec tells of.
        DataError: a file of predictions is damaged.
    """
    check_predictions(bundle, check_split)
    by_split = {}
    for name, told in bundle.spec.metrics.items():
        result = read_predictions(predictions_path(bundle.path, source_of(name), split_of(name)))
        kept = {"landmarks": told.landmarks, "excluded": told.excluded}
        measured = measure(result, bundle.spec.abstention_threshold)
        by_split[name] = measured.model_copy(update=kept)
    record(bundle, by_split)
    return [report_of(bundle, name, measured) for name, measured in by_split.items()]
