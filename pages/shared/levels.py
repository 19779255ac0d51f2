"""Sentences on the accuracy of each level of confidence on test faces."""

from functools import lru_cache
from typing import TYPE_CHECKING

from fer_core.data_names import known_data_sets
from fer_core.errors import FerError
from fer_core.networks.bundles import Bundle
from pages.shared.predictions import stored_predictions
from pages.shared.titles import bundle_of, title_of

if TYPE_CHECKING:
    from fer_core.evaluation.levels import LevelShare
    from fer_core.evaluation.predictions import EvaluationResult
    from fer_core.networks.levels import Level

_FER2013 = "fer2013"


def level_sentence(name: str, level: "Level") -> str | None:
    """Return a sentence on the accuracy of a network's level; None if it was not measured."""
    judge, shares = shares_by_level(name)
    share = shares.get(level)
    if share is None or share.accuracy is None:
        return None
    return (
        f"{title_of(name)}: {share.accuracy:.1%} of its {share.n:,} {level} predictions on test faces are "
        f"right by {judge}."
    )


def shares_by_level(name: str) -> "tuple[str, dict[Level, LevelShare]]":
    """Return who judges a network's predictions on test faces, and how many of each level are right.

    Both are empty if that was not measured.
    """
    from fer_core.evaluation.predictions import predictions_path

    bundle = bundle_of(name)
    source = judged_by(bundle) if bundle else None
    if bundle is None or source is None:
        return "", {}
    try:
        result = stored_predictions(predictions_path(bundle.path, source, "test"))
    except FerError:
        return "", {}
    shares = _shares(result, bundle.spec.abstention_threshold)
    return known_data_sets()[source].judge or "", shares


@lru_cache(maxsize=32)
def _shares(result: "EvaluationResult", threshold: float) -> "dict[Level, LevelShare]":
    from fer_core.evaluation.levels import level_shares

    return level_shares(result, threshold)


def judged_by(bundle: Bundle) -> str | None:
    """Return the source whose test faces are used for a network; None if none was measured.

    That is the first data set that the network was calibrated on and that has a test split; else FER2013.
    """
    chosen_by = [reference.source for reference in bundle.spec.references]
    known = known_data_sets()
    for source in (*chosen_by, _FER2013):
        if source in known and known[source].judge and f"{source}:test" in bundle.spec.metrics:
            return source
    return None
