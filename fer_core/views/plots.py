"""What the figures of the dashboards share: how they are laid out, and how networks are told apart."""

from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fer_core.views.figures import GRID_COLOR, TRANSPARENT

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


def add_points(
    figure: go.Figure,
    position: int,
    table: pd.DataFrame,
    *,
    y: str,
    name: str,
    form: str,
    size: int,
    interval: tuple[str, str] | None = None,
) -> None:
    """Add one series of points to a figure whose series lie beside each other at each category of `y`.

    Args:
        figure: that they are added to.
        position: of the series, which sets its colour and marker.
        table: a row a point, with a column `accuracy`, a fraction that is drawn in percent.
        y: the column of categories.
        name: of the series.
        form: of the number that is shown for a point, in d3's language.
        size: of the markers in pixels.
        interval: the columns of the lower and upper ends of a bar through each point; none by default.
    """
    bars = {}
    if interval is not None:
        low, high = (table[column] for column in interval)
        bars["error_x"] = {
            "type": "data",
            "symmetric": False,
            "array": 100 * (high - table["accuracy"]),
            "arrayminus": 100 * (table["accuracy"] - low),
            "thickness": 1,
            "width": 0,
        }
    figure.add_scatter(
        x=100 * table["accuracy"],
        y=table[y],
        mode="markers",
        orientation="h",
        offsetgroup=name,
        name=name,
        marker=marker_of(position, size=size),
        hovertemplate=f"%{{y}}: %{{x:{form}}} %<extra>{name}</extra>",
        **bars,
    )
    figure.update_layout(scattermode="group", scattergap=0.4)
    figure.update_yaxes(autorange="reversed")


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
