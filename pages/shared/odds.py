"""How often two networks are right on test faces with the same pair of predictions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from fer_core.data_names import source_name
from fer_core.errors import FerError
from fer_core.listing import listed
from fer_core.networks.bundles import resolve
from pages.shared.predictions import stored_predictions
from pages.shared.titles import title_of
from pages.shared.verbatim import public_message

if TYPE_CHECKING:
    from fer_core.evaluation.pair_odds import PairOdds
    from fer_core.evaluation.predictions import EvaluationResult
    from fer_core.networks.classifier import Prediction

#: Test faces below which a share says nothing: its 95 % interval is then up to 36 points wide.
FEWEST: Final = 30


def odds_of_pair(
    predictions: "Mapping[str, Prediction]",
) -> "Iterator[tuple[str, PairOdds | str]]":
    """Yield the odds of a pair of predictions on each data set, or the reason why there are none.

    Args:
        predictions: of a face, by two networks.
    """
    from fer_core.evaluation.pair_odds import pair_odds

    (first, one), (second, other) = predictions.items()
    for source in _sources(first, second):
        name = source_name(f"{source}:test")
        try:
            results = _clean_test_results(first, source), _clean_test_results(second, source)
            if strange := _unknown(results, (first, second), (one, other)):
                yield name, strange
                continue
            yield name, pair_odds(*results, (one.expression, other.expression))
        except FerError as error:
            yield name, public_message(error)


def agreement_sentence(predictions: "Mapping[str, Prediction]") -> str:
    """Return how often two networks are right where both predict the same; empty if unknown."""
    expression = next(iter(predictions.values())).expression
    known = [
        f"{odds.right[0] / odds.n:.0%} of {odds.n:,} test faces of {name}"
        for name, odds in odds_of_pair(predictions)
        if not isinstance(odds, str) and odds.n >= FEWEST
    ]
    if not known:
        return ""
    return f"Where both predict {expression}, the label is {expression} for {listed(known)}."


def odds_sentence(predictions: "Mapping[str, Prediction]") -> str:
    """Return how often each of two networks is right where they disagree like this; empty if unknown."""
    for name, odds in odds_of_pair(predictions):
        if not isinstance(odds, str) and odds.n >= FEWEST:
            first, second = (
                (title_of(network), right / odds.n)
                for network, right in zip(predictions, odds.right, strict=True)
            )
            return (
                f"On {odds.n:,} test faces of {name} with the same two predictions, {first[0]} was right on "
                f"{first[1]:.0%} and {second[0]} on {second[1]:.0%}."
            )
    return ""


def _unknown(
    results: "Sequence[EvaluationResult]",
    names: Sequence[str],
    predictions: "Sequence[Prediction]",
) -> str:
    """Return why nothing can be said: one network does not know what the other predicts; empty if both do.

    Faces with that label are then left out of what both were measured on, so that it could never be right.
    """
    for result, name in zip(results, names, strict=True):
        for prediction in predictions:
            if prediction.expression not in result.expressions:
                return (
                    f"{title_of(name)} does not know {prediction.expression}, so both were measured on no "
                    "face with that label"
                )
    return ""


def _sources(*names: str) -> tuple[str, ...]:
    """Return the data sets for the odds: those on which all networks were calibrated.

    Where there is none, FER2013.
    """
    by_network = [[r.source for r in resolve(name).spec.references] for name in names]
    common = [source for source in by_network[0] if all(source in of for of in by_network)]
    return tuple(common) or ("fer2013",)


def _clean_test_results(name: str, source: str) -> "EvaluationResult":
    from fer_core.evaluation.predictions import predictions_path

    bundle = resolve(name)
    result = stored_predictions(predictions_path(bundle.path, source, "test"))
    return result.select(result.clean)
