"""Sentences on the accuracy of each level of confidence on test faces."""

from functools import lru_cache
from typing import TYPE_CHECKING

from fer_core.data_names import known_data_sets
from fer_core.errors import FerError
from fer_core.networks.bundles import BundleSpec
from pages.shared.predictions import stored_predictions
from pages.shared.titles import bundle_of, title_of

if TYPE_CHECKING:
    from fer_core.evaluation.level_accuracy import LevelShare
    from fer_core.evaluation.predictions import EvaluationResult
    from fer_core.networks.levels import Level

_FER2013 = "fer2013"


def level_sentence(name: str, level: "Level") -> str | None:
    """Return a sentence on the accuracy of a network's level; None if it was not measured."""
    measured = [
        f"{share.accuracy:.1%} of its {share.n:,} {level} predictions on test faces that are not in "
        f"the training data are right by {judge}"
        for judge, shares in shares_by_level(name).items()
        if (share := shares[level]).accuracy is not None
    ]
    return f"{title_of(name)}: {', and '.join(measured)}." if measured else None


def shares_by_level(name: str) -> "dict[str, dict[Level, LevelShare]]":
    """Return how many of a network's predictions on test faces are right at each level, by who judges them.

    It is empty if that was not measured.
    """
    from fer_core.evaluation.predictions import predictions_path

    bundle = bundle_of(name)
    if bundle is None:
        return {}
    found: dict[str, dict[Level, LevelShare]] = {}
    for source in judged_by(bundle.spec):
        try:
            result = stored_predictions(predictions_path(bundle.path, source, "test"))
        except FerError:
            continue
        judge = known_data_sets()[source].judge or ""
        found[judge] = _shares(result, bundle.spec.abstention_threshold)
    return found


@lru_cache(maxsize=32)
def _shares(result: "EvaluationResult", threshold: float) -> "dict[Level, LevelShare]":
    from fer_core.evaluation.level_accuracy import level_shares

    return level_shares(result.select(result.clean), threshold)


def judged_by(spec: BundleSpec, *, others: bool = False) -> list[str]:
    """Return the sources whose test faces are used for a network; none if it was not measured on any.

    Those are the data sets on which its threshold was chosen; without any, FER2013 alone.

    Args:
        spec: of the network.
        others: whether the other data sets follow those on which its threshold was chosen.
    """
    known = known_data_sets()
    chosen_by = [reference.source for reference in spec.references]
    more = known if chosen_by and others else ()
    return [
        source
        for source in dict.fromkeys((*(chosen_by or [_FER2013]), *more))
        if source in known and known[source].judge and f"{source}:test" in spec.metrics
    ]
