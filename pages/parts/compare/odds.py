"""How often two networks are right on test faces with the same pair of predictions."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.data_names import source_name
from fer_core.errors import FerError
from fer_core.networks.bundles import resolve
from pages.parts.compare.networks import pair_of
from pages.shared.predictions import stored_predictions
from pages.shared.titles import title_of
from pages.shared.verbatim import public_message

if TYPE_CHECKING:
    from fer_core.analysis import FaceAnalysis
    from fer_core.evaluation.pair_odds import PairOdds
    from fer_core.evaluation.predictions import EvaluationResult
    from fer_core.networks.classifier import Prediction

#: Test faces below which a share says nothing: its 95 % interval is then up to 36 points wide.
_FEWEST: Final = 30
#: From this p-value on, a difference is taken for chance.
_CHANCE: Final = 0.05


def show_odds(face: "FaceAnalysis") -> None:
    """Show for each data set how often each network is right on test faces with this pair of predictions."""
    from fer_core.evaluation.pair_odds import pair_odds

    (first, one), (second, other) = pair_of(face).items()
    st.subheader("How often are these two predictions right?")
    agree = one.expression is other.expression
    titles = ["both networks"] if agree else [title_of(first), title_of(second)]
    said = (
        f"both networks predict **{one.expression}**"
        if agree
        else f"{titles[0]} predicts **{one.expression}** and {titles[1]} **{other.expression}**"
    )
    lines = []
    for source in _sources(first, second):
        name = source_name(f"{source}:test")
        try:
            results = _clean_test_results(first, source), _clean_test_results(second, source)
            if strange := _unknown(results, (first, second), (one, other)):
                lines.append(f"- **{name}**: {strange}")
                continue
            odds = pair_odds(results[0], results[1], (one.expression, other.expression))
        except FerError as error:
            lines.append(f"- **{name}**: {public_message(error)}")
        else:
            lines += _lines(name, odds, titles)
    st.markdown(f"On test faces where, as here, {said}:\n" + "\n".join(lines))
    st.caption("Test faces without a duplicate in the training data; 95% Wilson intervals.")


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


def _lines(name: str, odds: "PairOdds", titles: list[str]) -> list[str]:
    """Return the odds on one data set as Markdown, one line per network, or a line on too few faces."""
    if odds.n < _FEWEST:
        found = f"only {odds.n}" if odds.n else "none"
        return [f"- **{name}**: {found} of {odds.total:,} test faces, too few to say"]
    lines = [
        f"- **{name}**: {title} right on **{odds.right[i] / odds.n:.1%}** of {odds.n:,} faces "
        f"({low:.1%} to {high:.1%})"
        for i, (title, (low, high)) in enumerate(zip(titles, odds.intervals, strict=False))
    ]
    if len(titles) > 1:
        lines.append(f"- **{name}**: {_verdict(odds, titles)}")
    return lines


def _verdict(odds: "PairOdds", titles: list[str]) -> str:
    """Return which network is right more often where they disagree, if that is known."""
    neither = f"Neither is right on {1 - sum(odds.right) / odds.n:.1%}."
    p = f"McNemar's exact p = {odds.p_value:.2g}"
    if odds.p_value >= _CHANCE:
        return f"the difference could be chance ({p}). {neither}"
    better = titles[odds.right[1] > odds.right[0]]
    return f"**{better} is right more often** ({p}). {neither}"


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
