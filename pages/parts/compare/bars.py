"""Bars of the compare page in HTML, in the look of `pages.shared.bars`: redrawn at once as a slider moves."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

import streamlit as st

if TYPE_CHECKING:
    from fer_core.expressions import Expression
    from fer_core.faces.shape import Region
    from fer_core.networks.classifier import Prediction

#: Fill of the first and of the second network.
_FILLS: Final = (
    "repeating-linear-gradient(135deg,#3C8DA3 0 3px,transparent 3px 6px)",
    "#3C8DA3",
)
#: What is less has no bar.
_LEAST: Final = 0.01
#: Least reach of the axis of changes, in points.
_LEAST_REACH: Final = 5.0
_STYLE: Final = """<style>
.cmp{display:grid;grid-template-columns:max-content 1fr max-content;gap:.25rem .6rem;align-items:center;
font-size:.875rem;line-height:1.2}
.cmp .two{display:grid;gap:.15rem}
.cmp .track{position:relative;height:.95rem}
.cmp .bar{position:absolute;top:.15rem;height:.65rem;border-radius:2px;border:1px solid #3C8DA3;
box-sizing:border-box}
.cmp .was{position:absolute;top:0;height:.95rem;width:2px;background:currentColor}
.cmp .zero{position:absolute;top:-.15rem;height:1.4rem;left:50%;width:1px;background:#808A92}
.cmp .share{text-align:right;font-variant-numeric:tabular-nums;line-height:.95rem}
.cmp-key{display:grid;gap:.15rem;font-size:.875rem;margin-bottom:.5rem}
.cmp-key i{display:inline-block;width:1.4rem;height:.65rem;border-radius:2px;margin-right:.4rem;
border:1px solid #3C8DA3}
.cmp-key .was{display:inline-block;width:2px;height:.9rem;background:currentColor;margin:0 1.1rem 0 .65rem;
vertical-align:middle}
</style>"""


def show_change(changes: "Sequence[tuple[str, Prediction, Prediction]]", *, alt: str) -> None:
    """Show two networks' probabilities as bars, with a mark where each was before a change.

    Args:
        changes: title of the network, its prediction before and now; one object where nothing changed.
        alt: what the bars are of, for who hears the page.
    """
    changed = any(was is not now for _, was, now in changes)
    key = []
    for fill, (title, was, now) in zip(_FILLS, changes, strict=True):
        before = f"{_answer(was)} \u2192 " if changed else ""
        key.append(_key(fill, f"{escape(title)}: {before}<b>{_answer(now)}</b>"))
    if changed:
        key.append('<div><span class="was"></span>before</div>')
    rows = []
    for label in dict.fromkeys(label for _, was, _ in changes for label in was.labels):
        bars, shares = [], []
        for fill, (_, was, now) in zip(_FILLS, changes, strict=True):
            first, second = _share(was, label), _share(now, label)
            if first is None or second is None:
                bars.append(_track(""))
                shares.append("\u2013")
                continue
            texts = dict.fromkeys([_percent(first), _percent(second)])
            bar = _bar(fill, left=0, width=100 * second) if second >= _LEAST else ""
            # Where nothing is seen to change, a mark would only clutter.
            mark = f'<div class="was" style="left:{100 * first:.1f}%"></div>'
            bars.append(_track(bar + (mark if len(texts) > 1 else "")))
            shares.append(" \u2192 ".join(texts))
        rows.append(_row(str(label), bars, shares))
    _show(key, rows, alt)


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
        for fill, (title, values) in zip(_FILLS, influence, strict=True)
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
            bar = _bar(fill, left=50 - width if points < 0 else 50, width=width)
            bars.append(_track(f'<div class="zero"></div>{bar if points else ""}'))
            shares.append(f"{points:+.1f}" if points else "0.0")
        rows.append(_row(str(region), bars, shares))
    _show([_key(fill, escape(title)) for fill, title, _ in seen], rows, alt)


def _show(key: list[str], rows: list[str], alt: str) -> None:
    st.html(
        f'{_STYLE}<div class="cmp-key">{"".join(key)}</div>'
        f'<div class="cmp" role="group" aria-label="{escape(alt)}">{"".join(rows)}</div>'
    )


def _key(fill: str, text: str) -> str:
    return f'<div><i style="background:{fill}"></i>{text}</div>'


def _row(name: str, bars: list[str], shares: list[str]) -> str:
    said = "".join(f"<div>{share}</div>" for share in shares)
    return (
        f"<div>{escape(name.capitalize())}</div>"
        f'<div class="two" aria-hidden="true">{"".join(bars)}</div>'
        f'<div class="two share">{said}</div>'
    )


def _track(content: str) -> str:
    return f'<div class="track">{content}</div>'


def _bar(fill: str, *, left: float, width: float) -> str:
    """Return a bar; its place and width in percent of its track."""
    style = f"left:{left:.1f}%;width:max(2px,{width:.1f}%);background:{fill}"
    return f'<div class="bar" style="{style}"></div>'


def _answer(prediction: "Prediction") -> str:
    return f"{prediction.expression} {prediction.confidence:.0%}"


def _share(prediction: "Prediction", label: "Expression") -> float | None:
    """Return the probability of an expression; None if the network does not know it."""
    labels = prediction.labels
    return float(prediction.probabilities[labels.index(label)]) if label in labels else None


def _percent(share: float) -> str:
    """Return a percentage without the claim that an unlikely class is impossible."""
    return "&lt;1%" if share < _LEAST else f"{share:.0%}"
