"""Bars in HTML, one row per name: they appear with the prediction, without loading a chart library."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.listing import capitalized
from fer_core.palette import network_looks
from fer_core.percent import LEAST_PERCENT, percent
from pages.shared.titles import title_of

if TYPE_CHECKING:
    from fer_core.expressions import Expression
    from fer_core.networks.classifier import Prediction

#: Plotly's patterns of bars in CSS, with the colour in place of %s.
_PATTERNS: Final = {
    "": "%s",
    "/": "repeating-linear-gradient(135deg,%s 0 3px,transparent 3px 6px)",
    "\\": "repeating-linear-gradient(45deg,%s 0 3px,transparent 3px 6px)",
    "x": "repeating-linear-gradient(45deg,%s 0 2px,transparent 2px 6px),"
    "repeating-linear-gradient(135deg,%s 0 2px,transparent 2px 6px)",
    "-": "repeating-linear-gradient(0deg,%s 0 2px,transparent 2px 4px)",
    "|": "repeating-linear-gradient(90deg,%s 0 3px,transparent 3px 6px)",
    "+": "repeating-linear-gradient(90deg,%s 0 2px,transparent 2px 5px),"
    "repeating-linear-gradient(0deg,%s 0 1px,transparent 1px 4px)",
    ".": "radial-gradient(circle,%s 1.2px,transparent 1.6px) 0 0/4px 4px",
}
_STYLE: Final = """<style>
.fer-bars{display:grid;grid-template-columns:max-content 1fr max-content;gap:.2rem .6rem;align-items:center;
font-size:.875rem;line-height:1.25}
.fer-bars .two{display:grid;gap:2px}
.fer-bars .track{position:relative;height:.5rem}
.fer-bars .bar{position:absolute;top:0;height:.5rem;border-radius:2px;border:1px solid;
box-sizing:border-box}
.fer-bars .was{position:absolute;top:0;height:.95rem;width:2px;background:currentColor}
.fer-bars .zero{position:absolute;top:-.15rem;height:1.4rem;left:50%;width:1px;background:#808A92}
.fer-bars .share{text-align:right;font-variant-numeric:tabular-nums}
.fer-bars.tall{gap:.25rem .6rem;line-height:1.2}
.fer-bars.tall .two{gap:.15rem}
.fer-bars.tall .track{height:.95rem}
.fer-bars.tall .bar{top:.15rem;height:.65rem}
.fer-bars.tall .share{line-height:.95rem}
.fer-key{display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.875rem;margin-bottom:.4rem}
.fer-key.tall{display:grid;gap:.15rem;margin-bottom:.5rem}
.fer-key i{display:inline-block;width:1.4rem;height:.6rem;border-radius:2px;margin-right:.4rem;
border:1px solid}
.fer-key .was{display:inline-block;width:2px;height:.9rem;background:currentColor;margin:0 1.1rem 0 .65rem;
vertical-align:middle}
</style>"""


def show_bars(predictions: Mapping[str, "Prediction"], *, alt: str) -> None:
    """Show each network's probability of each expression.

    Args:
        predictions: by the name of the network's bundle.
        alt: accessible name of the bars.
    """
    fills = fills_of(predictions)
    key = [key_entry(fills[name], escape(title_of(name))) for name in predictions]
    rows = []
    for label in dict.fromkeys(label for p in predictions.values() for label in p.labels):
        shares = {name: share_of(p, label) for name, p in predictions.items()}
        tracks = [track(share_bar(fills[name], share or 0.0)) for name, share in shares.items()]
        rows.append(row(str(label), tracks, [" / ".join(map(percent_html, shares.values()))]))
    show_rows(key, rows, alt=alt)


def show_rows(key: Sequence[str], rows: Sequence[str], *, alt: str, is_tall: bool = False) -> None:
    """Show rows of bars under their key.

    Args:
        key: from `key_entry`.
        rows: from `row`.
        alt: accessible name of the rows.
        is_tall: whether each bar has a line of its own in the text beside it.
    """
    tall = " tall" if is_tall else ""
    st.html(
        f'{_STYLE}<div class="fer-key{tall}">{"".join(key)}</div>'
        f'<div class="fer-bars{tall}" role="group" aria-label="{escape(alt)}">{"".join(rows)}</div>'
    )


def fills_of(names: Iterable[str]) -> dict[str, str]:
    """Return the CSS of each network's bars by bundle name: its colour and pattern on every page."""
    return {
        name: f"background:{_PATTERNS[look.pattern].replace('%s', look.color)};border-color:{look.color}"
        for name, look in network_looks(names).items()
    }


def key_entry(fill: str, content: str) -> str:
    """Return an entry of the key: a patch with a fill of `fills_of`, and HTML."""
    return f'<span><i style="{fill}"></i>{content}</span>'


def row(name: str, tracks: Sequence[str], shares: Sequence[str]) -> str:
    """Return a row: its name, its tracks from `track`, and HTML for the lines beside them."""
    lines = "".join(f"<div>{share}</div>" for share in shares)
    return (
        f"<div>{escape(capitalized(name))}</div>"
        f'<div class="two" aria-hidden="true">{"".join(tracks)}</div>'
        f'<div class="two share">{lines}</div>'
    )


def track(content: str) -> str:
    """Return the track of a bar."""
    return f'<div class="track">{content}</div>'


def share_bar(fill: str, share: float) -> str:
    """Return the bar of a probability; empty if it is too small."""
    return bar(fill, left=0, width=100 * share) if share >= LEAST_PERCENT else ""


def bar(fill: str, *, left: float, width: float) -> str:
    """Return a bar with a fill of `fills_of`; its place and width in percent of its track."""
    style = f"left:{left:.1f}%;width:max(2px,{width:.1f}%);{fill}"
    return f'<div class="bar" style="{style}"></div>'


def share_of(prediction: "Prediction", label: "Expression") -> float | None:
    """Return the probability of an expression; None if the network does not know it."""
    labels = prediction.labels
    return float(prediction.probabilities[labels.index(label)]) if label in labels else None


def percent_html(share: float | None) -> str:
    """Return a probability as a percentage in HTML; a dash if the network does not know the class."""
    return "\u2013" if share is None else escape(percent(share))
