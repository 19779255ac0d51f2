"""Shared parts of curves and point charts."""

from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fer_core.palette import neutral_look
from fer_core.views.style import rows_from_top

#: Of a figure that shows curves.
CURVE_HEIGHT: Final = 420
#: Points of a curve: more than a screen has columns.
_CURVE_POINTS: Final = 1000


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
        marker=neutral_look(position).marker(size=size),
        hovertemplate=f"%{{y}}: %{{x:{form}}}%<extra>{name}</extra>",
        **bars,
    )
    figure.update_layout(scattermode="group", scattergap=0.4)
    rows_from_top(figure)


def percent_axes(figure: go.Figure) -> None:
    """Set both axes to 0 to 100%."""
    figure.update_xaxes(range=[0, 101])
    figure.update_yaxes(range=[0, 101])


def thinned(n: int) -> np.ndarray:
    """Return the indices of a curve's `n` points to draw, int (K,), including the first and the last."""
    return np.unique(np.linspace(0, n - 1, min(n, _CURVE_POINTS)).astype(int))
