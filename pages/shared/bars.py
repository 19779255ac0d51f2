"""Probabilities as a list of bars, in HTML: it is there with the answer, and no chart has to be loaded."""

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Final

import streamlit as st

if TYPE_CHECKING:
    from fer_core.expressions import Expression
    from fer_core.networks.classifier import Prediction

#: Fill of the first and of the second network, everywhere on the pages.
_FILLS: Final = (
    "repeating-linear-gradient(135deg,{color} 0 3px,transparent 3px 6px)",
    "{color}",
)
_COLOR: Final = "#3C8DA3"
#: What is less is not shown.
_LEAST: Final = 0.01
_STYLE: Final = """<style>
.fer-bars{display:grid;grid-template-columns:max-content 1fr max-content;gap:.2rem .6rem;align-items:center;
font-size:.875rem;line-height:1.25}
.fer-bars .two{display:grid;gap:2px}
.fer-bars .bar{height:.5rem;border-radius:2px;border:1px solid #3C8DA3;box-sizing:border-box;min-width:2px}
.fer-bars .none{height:.5rem}
.fer-bars .share{text-align:right;font-variant-numeric:tabular-nums}
.fer-key{display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.875rem;margin-bottom:.4rem}
.fer-key i{display:inline-block;width:1.4rem;height:.6rem;border-radius:2px;margin-right:.4rem;
border:1px solid #3C8DA3}
</style>"""


def show_bars(predictions: Mapping[str, "Prediction"], *, alt: str) -> None:
    """Show each network's probability of each expression.

    Args:
        predictions: by the title of the network, one or two.
        alt: what the bars are of, for who hears the page.
    """
    fills = [fill.format(color=_COLOR) for fill in _FILLS[-len(predictions) :]]
    key = "".join(
        f'<span><i style="background:{fill}"></i>{escape(title)}</span>'
        for title, fill in zip(predictions, fills, strict=True)
    )
    labels = list(dict.fromkeys(label for p in predictions.values() for label in p.labels))
    rows = []
    for label in labels:
        shares = [_share(prediction, label) for prediction in predictions.values()]
        bars = "".join(_bar(share, fill) for share, fill in zip(shares, fills, strict=True))
        said = " / ".join(_percent(share) for share in shares)
        rows.append(
            f"<div>{escape(str(label).capitalize())}</div>"
            f'<div class="two" aria-hidden="true">{bars}</div><div class="share">{said}</div>'
        )
    st.html(
        f'{_STYLE}<div class="fer-key">{key}</div>'
        f'<div class="fer-bars" role="group" aria-label="{escape(alt)}">{"".join(rows)}</div>'
    )


def _bar(share: float, fill: str) -> str:
    if share < _LEAST:
        return '<div class="none"></div>'
    return f'<div class="bar" style="width:{100 * share:.1f}%;background:{fill}"></div>'


def _share(prediction: "Prediction", label: "Expression") -> float:
    labels = list(prediction.labels)
    return float(prediction.probabilities[labels.index(label)]) if label in labels else 0.0


def _percent(share: float) -> str:
    """Return a percentage without the claim that an unlikely class is impossible."""
    return "<1%" if share < _LEAST else f"{share:.0%}"
