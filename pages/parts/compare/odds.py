"""The section on how often two networks are right on test faces with the same pair of predictions."""

from typing import TYPE_CHECKING, Final

import streamlit as st

from pages.parts.compare.networks import pair_of
from pages.shared.odds import FEWEST, odds_of_pair
from pages.shared.titles import title_of

if TYPE_CHECKING:
    from fer_core.analysis import FaceAnalysis
    from fer_core.evaluation.pair_odds import PairOdds

#: From this p-value on, a difference is taken for chance.
_CHANCE: Final = 0.05


def show_odds(face: "FaceAnalysis") -> None:
    """Show for each data set how often each network is right on test faces with this pair of predictions."""
    pair = pair_of(face)
    (first, one), (second, other) = pair.items()
    st.subheader("How often are these two predictions right?")
    agree = one.expression is other.expression
    titles = ["both networks"] if agree else [title_of(first), title_of(second)]
    said = (
        f"both networks predict **{one.expression}**"
        if agree
        else f"{titles[0]} predicts **{one.expression}** and {titles[1]} **{other.expression}**"
    )
    lines = []
    for name, odds in odds_of_pair(pair):
        lines += [f"- **{name}**: {odds}"] if isinstance(odds, str) else _lines(name, odds, titles)
    st.markdown(
        f"Whatever the confidence, on test faces where, as here, {said}:\n" + "\n".join(lines)
    )
    st.caption("Test faces without a duplicate in the training data; 95% Wilson intervals.")


def _lines(name: str, odds: "PairOdds", titles: list[str]) -> list[str]:
    """Return the odds on one data set as Markdown, one line per network, or a line on too few faces."""
    if odds.n < FEWEST:
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
