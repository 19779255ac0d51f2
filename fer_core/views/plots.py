"""What the figures of the dashboards share: how they are laid out, and how networks are told apart."""

from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from fer_core.figures import GRID_COLOR, TRANSPARENT

#: Of a figure that shows curves.
CURVE_HEIGHT: Final = 420
#: Points of a curve: more than a screen has columns.
_CURVE_POINTS: Final = 1000
#: Okabe and Ito's colours that are seen on light and on dark grounds, with a dash and a marker each, so
#: that no two series differ by colour alone.
_STYLES: Final = (
    ("#0072B2", "solid", "circle"),
    ("#D55E00", "dash", "square"),
    ("#009E73", "dot", "diamond"),
    ("#CC79A7", "dashdot", "triangle-up"),
    ("#E69F00", "longdash", "cross"),
    ("#56B4E9", "longdashdot", "x"),
)


def color_of(position: int) -> str:
    """Return the colour of the series at a position."""
    return _STYLES[position % len(_STYLES)][0]


def line_of(position: int) -> dict[str, Any]:
    """Return Plotly's settings of the line of the series at a position."""
    color, dash, _ = _STYLES[position % len(_STYLES)]
    return {"color": color, "dash": dash, "width": 2}


def marker_of(position: int, *, size: int = 9) -> dict[str, Any]:
    """Return Plotly's settings of the markers of the series at a position."""
    color, _, symbol = _STYLES[position % len(_STYLES)]
    return {"color": color, "symbol": symbol, "size": size}


def lay_out(figure: go.Figure, *, height: int, x: str, y: str) -> go.Figure:
    """Give a figure the look of all, name its axes, and return it.

    Transparent, the legend below where a phone has room, not to be dragged so that a finger on it scrolls
    the page.
    """
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 24, "b": 8},
        paper_bgcolor=TRANSPARENT,
        plot_bgcolor=TRANSPARENT,
        dragmode=False,
        hovermode="closest",
        # In pixels below the axis' title, whatever the height.
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
    )
    axis = {"gridcolor": GRID_COLOR, "fixedrange": True, "automargin": True, "zeroline": False}
    figure.update_xaxes(**axis, title=x)
    figure.update_yaxes(**axis, title=y)
    return figure


def percent_axes(figure: go.Figure) -> None:
    """Let both axes run from 0 to 100 %."""
    figure.update_xaxes(range=[0, 101])
    figure.update_yaxes(range=[0, 101])


def thinned(n: int) -> np.ndarray:
    """Return which of a curve's `n` points to draw, int (K,), the first and the last among them."""
    return np.unique(np.linspace(0, n - 1, min(n, _CURVE_POINTS)).astype(int))
