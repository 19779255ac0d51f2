"""Bars of the compare page: probabilities before and after a change, and changes by region."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from pages.shared.bars import (
    FILLS,
    bar,
    key_entry,
    percent,
    row,
    share_bar,
    share_of,
    show_rows,
    track,
)

if TYPE_CHECKING:
    from fer_core.faces.shape import Region
    from fer_core.networks.classifier import Prediction

#: Least reach of the axis of changes, in points.
_LEAST_REACH: Final = 5.0


def show_change(changes: "Sequence[tuple[str, Prediction, Prediction]]", *, alt: str) -> None:
    """Show two networks' probabilities as bars, with a mark where each was before a change.

    Args:
        changes: title of the network, its prediction before and now; one object where nothing changed.
        alt: what the bars are of, for who hears the page.
    """
    changed = any(was is not now for _, was, now in changes)
    key = []
    for fill, (title, was, now) in zip(FILLS, changes, strict=True):
        before = f"{_answer(was)} \u2192 " if changed else ""
        key.append(key_entry(fill, f"{escape(title)}: {before}<b>{_answer(now)}</b>"))
    if changed:
        key.append('<div><span class="was"></span>before</div>')
    rows = []
    for label in dict.fromkeys(label for _, was, _ in changes for label in was.labels):
        bars, shares = [], []
        for fill, (_, was, now) in zip(FILLS, changes, strict=True):
            first, second = share_of(was, label), share_of(now, label)
            if first is None or second is None:
                bars.append(track(""))
                shares.append("\u2013")
                continue
            texts = dict.fromkeys([percent(first), percent(second)])
            shown = share_bar(fill, second)
            # Where nothing is seen to change, a mark would only clutter.
            mark = f'<div class="was" style="left:{100 * first:.1f}%"></div>'
            bars.append(track(shown + (mark if len(texts) > 1 else "")))
            shares.append(" \u2192 ".join(texts))
        rows.append(row(str(label), bars, shares))
    show_rows(key, rows, alt=alt, is_tall=True)


def show_influence(
    influence: "Sequence[tuple[str, Mapping[Region, float] | None]]", *, alt: str
) -> None:
    """Show how an answer's probability changes without each region, as bars to both sides of zero.

    Args:
        influence: title of the network, and what its answer's probability loses without each region; None for
            a network that sees no landmarks.
        alt: what the bars are of, for who hears the page.
    """
    seen = [
        (fill, title, values)
        for fill, (title, values) in zip(FILLS, influence, strict=True)
        if values is not None
    ]
    if not seen:
        return
    reach = max(_LEAST_REACH, *(100 * abs(v) for _, _, values in seen for v in values.values()))
    rows = []
    for region in seen[0][2]:
        bars, shares = [], []
        for fill, _, values in seen:
            # Adding zero makes a rounded -0.0 a plain 0.0.
            points = round(-100 * values[region], 1) + 0.0
            width = 50 * abs(points) / reach
            shown = bar(fill, left=50 - width if points < 0 else 50, width=width)
            bars.append(track(f'<div class="zero"></div>{shown if points else ""}'))
            shares.append(f"{points:+.1f}" if points else "0.0")
        rows.append(row(str(region), bars, shares))
    key = [key_entry(fill, escape(title)) for fill, title, _ in seen]
    show_rows(key, rows, alt=alt, is_tall=True)


def _answer(prediction: "Prediction") -> str:
    return f"{prediction.expression} {prediction.confidence:.0%}"
