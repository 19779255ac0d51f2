"""The look of all figures: one Plotly template, one palette for series, and how axes are laid out.

Streamlit puts fonts, grounds and greys of the visitor's theme, light or dark, over those of a figure's
template. What stands here holds in both themes, and alone where a figure is shown without Streamlit: in its
HTML file and in the report. Expressions have colours of their own, `fer_core.expressions.COLORS`.
"""

from typing import Any, Final

import plotly.graph_objects as go
from plotly.subplots import make_subplots

#: Okabe and Ito's colours that are seen on light and on dark grounds, apart for colour-blind people; brown in
#: place of black and yellow, which one of the grounds swallows.
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
GREEN: Final = "#009E73"
PURPLE: Final = "#CC79A7"
ORANGE: Final = "#E69F00"
SKY_BLUE: Final = "#56B4E9"
BROWN: Final = "#8A6D5C"
#: Mid grey with a contrast of 3:1 or more with both themes' grounds.
GUIDE_COLOR: Final = "#808A92"
#: Of text and grid on the white pages of files; in the app the theme's.
_INK: Final = "#1B2A30"
_GRID_COLOR: Final = "rgba(128,138,146,0.25)"
_TRANSPARENT: Final = "rgba(0,0,0,0)"
#: Of heat maps from nothing to much; the app's text is read on the lower part, white on the upper.
BLUES: Final = [[0, "rgba(0,114,178,0.04)"], [1, BLUE]]
#: A dash and a marker beside each colour, so that no two series differ by colour alone.
_SERIES: Final = (
    (BLUE, "solid", "circle"),
    (VERMILION, "dash", "square"),
    (GREEN, "dot", "diamond"),
    (PURPLE, "dashdot", "triangle-up"),
    (ORANGE, "longdash", "cross"),
    (SKY_BLUE, "longdashdot", "x"),
    (BROWN, "8px,2px", "star"),
)
#: Of a legend whose entries cannot be switched off.
FIXED_LEGEND: Final = {"itemclick": False, "itemdoubleclick": False}
#: Opacity of what is only probable.
_PALE: Final = 0.4
#: Of text in a figure, such as panels' titles.
_NOTE_SIZE: Final = 13
#: Pixels left and right of a figure.
_SIDE: Final = 8
#: No axis is dragged: a finger on a figure scrolls the page.
_AXIS: Final = {
    "gridcolor": _GRID_COLOR,
    "zerolinecolor": GUIDE_COLOR,
    "zeroline": False,
    "fixedrange": True,
    "automargin": True,
    # Streamlit's theme colours ticks, which makes Plotly draw them.
    "ticks": "",
}

TEMPLATE: Final = go.layout.Template(
    layout={
        "colorway": [color for color, _, _ in _SERIES],
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": _INK},
        "paper_bgcolor": _TRANSPARENT,
        "plot_bgcolor": _TRANSPARENT,
        "margin": {"l": _SIDE, "r": _SIDE, "t": 24, "b": 8},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        # Below the axis' title in pixels, whatever the height.
        "legend": {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
        "hovermode": "closest",
        "hoverlabel": {
            "align": "left",
            "bgcolor": "#FFFFFF",
            "bordercolor": GUIDE_COLOR,
            "font": {"color": _INK},
        },
        "annotationdefaults": {"font": {"size": _NOTE_SIZE}},
        "dragmode": False,
        "bargap": 0.35,
    },
    data={
        "scatter": [{"marker": {"line": {"width": 0}}}],
        "heatmap": [{"colorscale": BLUES, "showscale": False, "xgap": 2, "ygap": 2}],
    },
)


def new_figure(*traces: Any) -> go.Figure:
    """Return a figure in the look of all, with these traces."""
    # The sides in the figure itself: Streamlit's theme has none, and would cut marks at the ends of an axis.
    sides = {"l": _SIDE, "r": _SIDE}
    return go.Figure(list(traces), layout={"template": TEMPLATE, "margin": sides})


def new_panels(**grid: Any) -> go.Figure:
    """Return a figure of several panels in the look of all; arguments are those of `make_subplots`."""
    figure = make_subplots(figure=new_figure(), **grid)
    # The panels' titles, which Plotly writes as large as a figure's.
    return figure.update_annotations(font_size=_NOTE_SIZE)


def lay_out(
    figure: go.Figure, *, height: float, x: str | None = None, y: str | None = None
) -> go.Figure:
    """Set a figure's height in pixels and what all its axes are called, and return it."""
    figure.update_layout(height=height)
    if x is not None:
        figure.update_xaxes(title=x)
    if y is not None:
        figure.update_yaxes(title=y)
    return figure


def rows_from_top(figure: go.Figure, *, of_bars: bool = False) -> go.Figure:
    """Let categories run from the top down, with a grid along their values, and return the figure.

    Args:
        figure: with categories on its y axis.
        of_bars: leave out the lines from the categories' names, which lead the eye to points.
    """
    figure.update_yaxes(autorange="reversed", showgrid=not of_bars)
    # Said here, since Streamlit's theme switches it off.
    return figure.update_xaxes(showgrid=True)


def without_grid(figure: go.Figure) -> go.Figure:
    """Take the grid off a figure of cells, whose rows run from the top down, and return it."""
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure.update_xaxes(showgrid=False)


def color_of(position: int) -> str:
    """Return the colour of the series at a position."""
    return _SERIES[position % len(_SERIES)][0]


def pale(color: str) -> str:
    """Return the colour "#RRGGBB" as it marks what is only probable."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{_PALE})"


def line_of(position: int) -> dict[str, Any]:
    """Return Plotly's settings of the line of the series at a position."""
    color, dash, _ = _SERIES[position % len(_SERIES)]
    return {"color": color, "dash": dash, "width": 2}


def marker_of(position: int, *, size: int = 9) -> dict[str, Any]:
    """Return Plotly's settings of the markers of the series at a position."""
    color, _, symbol = _SERIES[position % len(_SERIES)]
    return {"color": color, "symbol": symbol, "size": size}


def guide_line(*, width: float = 1) -> dict[str, Any]:
    """Return Plotly's settings of a line that helps to read and is no data."""
    return {"color": GUIDE_COLOR, "dash": "dash", "width": width}
