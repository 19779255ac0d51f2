"""Bars of the compare page: probabilities before and after a change, and changes by region."""

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Final

from pages.shared.bars import (
    bar,
    fills_of,
    key_entry,
    percent_html,
    row,
    share_bar,
    share_of,
    show_rows,
    track,
)
from pages.shared.titles import title_of

if TYPE_CHECKING:
    from fer_core.faces.shape import Region
    from fer_core.networks.classifier import Prediction

#: Least reach of the axis of changes, in points.
_LEAST_REACH: Final = 5.0


def show_change(changes: "Mapping[str, tuple[Prediction, Prediction]]", *, alt: str) -> None:
    """Show two networks' probabilities as bars, with a mark where each was before a change.

    Args:
        changes: by a network's bundle, its prediction before and now; one object where nothing changed.
        alt: accessible name of the bars.
    """
    changed = any(was is not now for was, now in changes.values())
    fills = fills_of(changes)
    key = []
    for name, (was, now) in changes.items():
        before = f"{_answer(was)} \u2192 " if changed else ""
        entry = f"{escape(title_of(name))}: {before}<b>{_answer(now)}</b>"
        key.append(key_entry(fills[name], entry))
    if changed:
        key.append('<div><span class="was"></span>before</div>')
    rows = []
    for label in dict.fromkeys(label for was, _ in changes.values() for label in was.labels):
        bars, shares = [], []
        for name, (was, now) in changes.items():
            first, second = share_of(was, label), share_of(now, label)
            if first is None or second is None:
                bars.append(track(""))
                shares.append(percent_html(None))
                continue
            texts = dict.fromkeys([percent_html(first), percent_html(second)])
            shown = share_bar(fills[name], second)
            # A mark without a visible change would be clutter.
            mark = f'<div class="was" style="left:{100 * first:.1f}%"></div>'
            bars.append(track(shown + (mark if len(texts) > 1 else "")))
            shares.append(" \u2192 ".join(texts))
        rows.append(row(str(label), bars, shares))
    show_rows(key, rows, alt=alt, is_tall=True)


def show_influence(influence: "Mapping[str, Mapping[Region, float]]", *, alt: str) -> None:
    """Show what each region adds to a prediction's probability, as bars to both sides of zero.

    Args:
        influence: by how much the probability of a network's prediction falls without each region, by the
            name of its bundle.
        alt: accessible name of the bars.
    """
    fills = fills_of(influence)
    reach = max(
        _LEAST_REACH, *(100 * abs(v) for values in influence.values() for v in values.values())
    )
    rows = []
    for region in next(iter(influence.values())):
        bars, shares = [], []
        for name, values in influence.items():
            # Adding zero makes a rounded -0.0 a plain 0.0.
            points = round(100 * values[region], 1) + 0.0
            width = 50 * abs(points) / reach
            shown = bar(fills[name], left=50 - width if points < 0 else 50, width=width)
            bars.append(track(f'<div class="zero"></div>{shown if points else ""}'))
            shares.append(f"{points:+.1f}" if points else "0.0")
        rows.append(row(str(region), bars, shares))
    key = [key_entry(fills[name], escape(title_of(name))) for name in influence]
    show_rows(key, rows, alt=alt, is_tall=True)


def _answer(prediction: "Prediction") -> str:
    return f"{prediction.expression} {percent_html(prediction.confidence)}"
