"""A check that the predictions in a bundle match its spec."""

from pathlib import Path
from typing import Any, Final

from fer_core.errors import BundleError
from fer_core.evaluation.predictions import read_predictions
from fer_core.evaluation.robustness import stored_robustness
from fer_core.networks.bundles import BaseBundle, Bundle

#: Accuracies in specs are rounded to seven digits.
_TOLERANCE: Final = 1e-6


def check_answers(bundle: Bundle, data: str, path: Path) -> None:
    """Check a file of predicted expressions, and the measurements on corrupted faces of the same split.

    Args:
        bundle: that they lie in.
        data: "SOURCE:SPLIT".
        path: of the predictions.

    Raises:
        BundleError: they are not what the spec tells.
        DataError: a file is damaged or of other weights.
    """
    result = read_predictions(path)
    measured = bundle.spec.metrics[data]
    accuracy = float((result.probabilities.argmax(axis=1) == result.labels).mean())
    told = (bundle.spec.labels, measured.n, measured.accuracy)
    if (result.expressions, len(result)) != told[:2] or abs(accuracy - told[2]) > _TOLERANCE:
        raise BundleError(
            f"{path} is not what the spec tells: {accuracy:.4%} of its {len(result):,} answers are right, in "
            f"the spec {measured.accuracy:.4%} of {measured.n:,}. {how_to_mend(bundle, data)}."
        )
    source, _, split = data.rpartition(":")
    stored_robustness(bundle, source, split)


def how_to_mend(bundle: BaseBundle[Any], data: str) -> str:
    """Return the sentence, without its full stop, on how to measure a bundle again."""
    return f"Measure it again with: python -m training evaluate {bundle.path} --data {data}"
