"""The look of all figures: Plotly templates for light and dark grounds.

A figure is made for a light ground, as in its HTML file and in the report; `for_dark` returns it for a dark
one. Expressions have colours of their own, `fer_core.expressions.COLORS`.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from plotly.colors import hex_to_rgb, sample_colorscale
from plotly.subplots import make_subplots

from fer_core.palette import GUIDE_COLOR, SERIES, luminance

#: Colours of text by ground, as in .streamlit/config.toml. Pinned columns of tables have a pale shade of
#: them, which needs this dark an ink for a contrast of 4.5:1.
INK: Final = "#101C21"
DARK_INK: Final = "#E6ECEF"
#: Grounds of labels that cover lines: those of the app's pages.
GROUND: Final = "#FFFFFF"
DARK_GROUND: Final = "#14181C"
#: Grounds of the boxes that follow the pointer.
_PAPER: Final = "#FFFFFF"
_DARK_PAPER: Final = "#1E252A"
_GRID_COLOR: Final = "rgba(128,138,146,0.25)"
_TRANSPARENT: Final = "rgba(0,0,0,0)"
#: Streamlit's font, and what stands in for it in files.
_FONT: Final = "'Source Sans', system-ui, sans-serif"
#: Shades of heat maps by name, on light and on dark grounds: from nothing to much, and from less to more.
SEQUENTIAL: Final = "sequential"
DIVERGING: Final = "diverging"
_SHADES: Final = {
    SEQUENTIAL: (
        # Steeper where neither black nor white stands out much.
        [[0, "#F1F6FA"], [0.5, "#BFDAEB"], [0.8, "#6FB0D8"], [1, "#00598C"]],
        [[0, "#1F2A32"], [0.6, "#2A5673"], [0.85, "#6DB1DB"], [1, "#A5DDFC"]],
    ),
    DIVERGING: (
        # No network's colours: blue and orange would be taken for the default pair.
        [[0, "#7B3294"], [0.5, "#F3F4F4"], [1, "#00703C"]],
        [[0, "#CFA3E0"], [0.5, "#262E34"], [1, "#7FCF9A"]],
    ),
}
#: What `annotation.name` says of the number in a cell of a heat map.
_CELL: Final = "cell"
#: What it says of a label with a ground of its own.
_LABEL: Final = "label"
#: Of a legend whose entries cannot be switched off.
FIXED_LEGEND: Final = {"itemclick": False, "itemdoubleclick": False}
#: Pixels of type: of most text, and of what stands inside figures, such as panels' titles.
_TEXT_SIZE: Final = 14
NOTE_SIZE: Final = 13
#: Opacity of what is only probable.
_PALE: Final = 0.4
#: Pixels left and right of a figure.
_SIDE: Final = 8
#: No axis is dragged: a finger on a figure scrolls the page.
_AXIS: Final = {
    "gridcolor": _GRID_COLOR,
    "zerolinecolor": GUIDE_COLOR,
    "zeroline": False,
    "fixedrange": True,
    "automargin": True,
    "ticks": "",
    "tickfont": {"size": NOTE_SIZE},
    "ticklabelstandoff": 4,
    "title": {"font": {"size": _TEXT_SIZE}, "standoff": 10},
}


def _template(ink: str, paper: str, shades: list[list[Any]]) -> go.layout.Template:
    """Return the template for backgrounds on which text has the colour `ink`."""
    return go.layout.Template(
        layout={
            "colorway": [color for color, *_ in SERIES],
            "font": {"family": _FONT, "size": _TEXT_SIZE, "color": ink},
            "paper_bgcolor": _TRANSPARENT,
            "plot_bgcolor": _TRANSPARENT,
            "margin": {"l": _SIDE, "r": _SIDE, "t": 16, "b": 8},
            "xaxis": _AXIS,
            "yaxis": _AXIS,
            # Below the axis' title in pixels, whatever the height.
            "legend": {
                "orientation": "h",
                "yref": "container",
                "y": 0,
                "yanchor": "bottom",
                "x": 0,
                "font": {"size": _TEXT_SIZE},
            },
            "hovermode": "closest",
            "hoverlabel": {
                "align": "left",
                "bgcolor": paper,
                "bordercolor": GUIDE_COLOR,
                "font": {"color": ink, "family": _FONT, "size": NOTE_SIZE},
            },
            "annotationdefaults": {"font": {"size": NOTE_SIZE}},
            "dragmode": False,
            "bargap": 0.35,
        },
        data={
            "scatter": [{"marker": {"line": {"width": 0}}}],
            "heatmap": [{"colorscale": shades, "showscale": False, "xgap": 2, "ygap": 2}],
        },
    )


TEMPLATE: Final = _template(INK, _PAPER, _SHADES[SEQUENTIAL][0])
DARK_TEMPLATE: Final = _template(DARK_INK, _DARK_PAPER, _SHADES[SEQUENTIAL][1])


def new_figure(*traces: Any) -> go.Figure:
    """Return a figure with the common look and these traces."""
    # The sides in the figure itself: Streamlit's theme has none, and would cut marks at the ends of an axis.
    sides = {"l": _SIDE, "r": _SIDE}
    return go.Figure(list(traces), layout={"template": TEMPLATE, "margin": sides})


def for_dark(figure: go.Figure) -> go.Figure:
    """Return a copy of a figure for a dark ground."""
    dark = go.Figure(figure).update_layout(template=DARK_TEMPLATE)
    for cells in dark.select_traces({"type": "heatmap"}):
        if cells.meta in _SHADES:
            _color_cells(dark, cells, _SHADES[cells.meta][1])
    dark.update_annotations({"bgcolor": DARK_GROUND}, selector={"name": _LABEL})
    return dark


def add_label(figure: go.Figure, **settings: Any) -> None:
    """Add a text on the page's background, which hides lines behind it; settings are an annotation's."""
    figure.add_annotation(showarrow=False, name=_LABEL, bgcolor=GROUND, borderpad=1, **settings)


def add_cells(
    figure: go.Figure,
    z: Any,
    *,
    x: Sequence[str],
    y: Sequence[str],
    text: Sequence[Sequence[str]],
    ends: tuple[float, float],
    shades: str = SEQUENTIAL,
    place: tuple[int, int] | None = None,
    **settings: Any,
) -> None:
    """Add a heat map with a text in each cell, black or white, whichever has more contrast.

    Args:
        figure: that it is added to.
        z: float (rows, columns); NaN leaves a cell empty.
        x: names of the columns.
        y: names of the rows.
        text: of each cell.
        ends: the values of the ends of the shades.
        shades: SEQUENTIAL or DIVERGING.
        place: row and column of the panel, from 1.
        settings: further ones of Plotly's heat map.
    """
    panel = {} if place is None else {"row": place[0], "col": place[1]}
    low, high = ends if ends[0] < ends[1] else (ends[0], ends[0] + 1)
    figure.add_heatmap(
        z=z,
        x=list(x),
        y=list(y),
        zmin=low,
        zmax=high,
        meta=shades,
        **panel,
        **settings,
    )
    cells = figure.data[-1]
    # At the places of rows and columns: of a name that is a number, Plotly would make another place.
    notes = [
        {"x": column, "y": row, "text": text[row][column], "showarrow": False, "name": _CELL}
        | {"xref": cells.xaxis or "x", "yref": cells.yaxis or "y"}
        for row, column in np.ndindex(len(y), len(x))
        if not np.isnan(cells.z[row][column])
    ]
    # All at once: Plotly takes a second to add a hundred one by one.
    figure.layout.annotations = [*figure.layout.annotations, *notes]
    _color_cells(figure, cells, _SHADES[shades][0])


def _color_cells(figure: go.Figure, cells: go.Heatmap, shades: list[list[Any]]) -> None:
    """Set the shades of a heat map, and for each cell the text color with more contrast."""
    cells.colorscale = shades
    axes = cells.xaxis or "x", cells.yaxis or "y"
    shares = (np.asarray(cells.z) - cells.zmin) / (cells.zmax - cells.zmin)
    notes = figure.layout.to_plotly_json().get("annotations", [])
    for note in notes:
        if note.get("name") == _CELL and (note["xref"], note["yref"]) == axes:
            color = text_on(shade_at(shades, float(shares[int(note["y"])][int(note["x"])])))
            note["font"] = {"color": color, "size": _TEXT_SIZE}
    figure.layout.annotations = notes


def shade_at(shades: Sequence[Sequence[Any]], share: float) -> tuple[float, ...]:
    """Return the color, RGB from 0 to 255, at a share in [0, 1] of shades, as Plotly draws it."""
    # Plotly returns shades as tuples, but samples only lists.
    scale, place = [list(shade) for shade in shades], min(1.0, max(0.0, share))
    (color,) = sample_colorscale(scale, place, colortype="tuple")
    return tuple(255 * channel for channel in color)


def text_on(ground: Sequence[float]) -> str:
    """Return black or white, whichever has more contrast with an RGB color from 0 to 255.

    The contrast is 4.5:1 at least, as WCAG 2.1 asks for.
    """
    light = luminance(ground) + 0.05
    return "#FFFFFF" if 1.05 / light >= light / 0.05 else "#000000"


def new_panels(**grid: Any) -> go.Figure:
    """Return a figure of several panels with the common look; arguments are those of `make_subplots`."""
    figure = make_subplots(figure=new_figure(), **grid)
    # The panels' titles, which Plotly writes as large as a figure's.
    return figure.update_annotations(font_size=NOTE_SIZE)


def lay_out(
    figure: go.Figure, *, height: float, x: str | None = None, y: str | None = None
) -> None:
    """Set a figure's height in pixels and the titles of its axes."""
    figure.update_layout(height=height)
    if x is not None:
        figure.update_xaxes(title=x)
    if y is not None:
        figure.update_yaxes(title=y)


def rows_from_top(figure: go.Figure, *, of_bars: bool = False) -> None:
    """List categories from top to bottom, with a grid along the values.

    Args:
        figure: with categories on its y axis.
        of_bars: leave out the lines from the categories' names, which lead the eye to points.
    """
    figure.update_yaxes(autorange="reversed", showgrid=not of_bars)
    # Said here, since Streamlit's theme switches it off.
    figure.update_xaxes(showgrid=True)


def without_grid(figure: go.Figure) -> None:
    """Remove the grid of a figure of cells, and list its rows from top to bottom."""
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(showgrid=False)


def pale(color: str) -> str:
    """Return the pale variant of a colour "#RRGGBB" for probable predictions."""
    red, green, blue = hex_to_rgb(color)
    return f"rgba({red},{green},{blue},{_PALE})"


def guide_line(*, width: float = 1) -> dict[str, Any]:
    """Return Plotly's settings of a guide line."""
    return {"color": GUIDE_COLOR, "dash": "dash", "width": width}
