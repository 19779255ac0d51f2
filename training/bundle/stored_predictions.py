"""A check that the predictions in a bundle match its spec."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from fer_core.data_names import source_of, split_of
from fer_core.errors import BundleError
from fer_core.evaluation.predictions import predictions_of, predictions_path, read_predictions
from fer_core.evaluation.robustness import stored_robustness
from fer_core.networks.bundles import BaseBundle, Bundle

#: Accuracies in specs are rounded to seven digits.
_TOLERANCE: Final = 1e-6


B = TypeVar("B", bound=BaseBundle[Any])


def check_predictions(bundle: B, check: Callable[[B, str, Path], None] | None) -> None:
    """Check that a bundle has the predictions that its spec names, and no others.

    Args:
        bundle: of any kind.
        check: of the predictions of one split, as `Kind.check_split`.

    Raises:
        BundleError: predictions are missing or do not match the spec.
        DataError: a file is damaged or of other weights.
    """
    metrics = bundle.spec.metrics
    if surplus := sorted(predictions_of(bundle.path).keys() - metrics.keys()):
        raise BundleError(
            f"{bundle.path} holds predictions that its spec does not name: {', '.join(surplus)}. "
            f"{_how_to_mend(bundle, surplus[0])}, or remove them."
        )
    for data in metrics:
        path = predictions_path(bundle.path, source_of(data), split_of(data))
        if not path.is_file():
            raise BundleError(f"{path} is missing. {_how_to_mend(bundle, data)}.")
        if check is not None:
            check(bundle, data, path)


def check_split(bundle: Bundle, data: str, path: Path) -> None:
    """Check a file of predicted expressions, and the measurements on corrupted faces of the same split.

    Args:
        bundle: that they lie in.
        data: "SOURCE:SPLIT".
        path: of the predictions.

    Raises:
        BundleError: they do not match the spec.
        DataError: a file is damaged or of other weights.
    """
    result = read_predictions(path)
    measured = bundle.spec.metrics[data]
    accuracy = float(result.is_right.mean())
    told = (bundle.spec.labels, measured.n, measured.accuracy)
    if (result.expressions, len(result)) != told[:2] or abs(accuracy - told[2]) > _TOLERANCE:
        raise BundleError(
            f"{path} does not match the spec: {accuracy:.4%} of its {len(result):,} predictions are right, "
            f"in the spec {measured.accuracy:.4%} of {measured.n:,}. {_how_to_mend(bundle, data)}."
        )
    stored_robustness(bundle, source_of(data), split_of(data))


def _how_to_mend(bundle: BaseBundle[Any], data: str) -> str:
    """Return the sentence, without its full stop, on how to measure a bundle again."""
    return f"Measure it again with: python -m training evaluate {bundle.path} --data {data}"
