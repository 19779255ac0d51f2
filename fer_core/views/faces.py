"""Figures of one face: probabilities, movements, what counted, and its mesh."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import plotly.graph_objects as go

from fer_core.expressions import COLORS
from fer_core.faces.blendshapes import strongest_blendshapes
from fer_core.faces.landmarks import contour_edges, mesh_edges
from fer_core.views.style import (
    BLUE,
    FIXED_LEGEND,
    GREEN,
    GUIDE_COLOR,
    VERMILION,
    guide_line,
    lay_out,
    new_figure,
    rows_from_top,
)

if TYPE_CHECKING:
    from fer_core.networks.classifier import Prediction

#: For and against an answer.
_FOR: Final = GREEN
_AGAINST: Final = VERMILION
_ROW_HEIGHT: Final = 30
_FRAME_HEIGHT: Final = 96
#: Room beyond 100 % for the column of values.
_AXIS_END: Final = 122
#: More of it where the values of two networks stand there.
_SECOND_COLUMN: Final = 18
_BAR_HEIGHT: Final = 12
_LEGEND_HEIGHT: Final = 30


def probabilities_bar(predictions: Mapping[str, "Prediction"]) -> go.Figure:
    """Return networks' probabilities as horizontal bars, with the threshold for an answer.

    The classes keep their order, so that the charts of two faces can be compared at a glance. Of several
    networks, which see the same classes, the last one's bars are solid and the others' hatched.

    Args:
        predictions: of one face, by the name that stands in the legend.
    """
    *_, last = predictions.values()
    names = [str(label).capitalize() for label in last.labels]
    top = int(last.probabilities.argmax())
    rows = [f"<b>{name}</b>" if i == top else name for i, name in enumerate(names)]
    figure = new_figure()
    for title, prediction in predictions.items():
        percent = [100 * float(p) for p in prediction.probabilities]
        pattern = {"shape": "" if prediction is last else "/", "fillmode": "replace"}
        figure.add_bar(
            x=percent,
            y=rows,
            orientation="h",
            name=title,
            offsetgroup=title,
            marker={"color": [COLORS[label] for label in prediction.labels], "pattern": pattern},
            customdata=names,
            hovertemplate="%{customdata}: %{x:.1f}%<extra></extra>",
            showlegend=False,
        )
        # Of bars in many colours, the legend would show the first one's.
        figure.add_bar(
            x=[None],
            y=rows[:1],
            orientation="h",
            name=title,
            offsetgroup=title,
            marker={"color": GUIDE_COLOR, "pattern": pattern},
            hoverinfo="skip",
        )
    # A column of their own: at the bars' ends the threshold would cross some of them.
    figure.add_scatter(
        x=[_AXIS_END + (0 if len(predictions) == 1 else _SECOND_COLUMN)] * len(rows),
        y=rows,
        mode="text",
        text=[
            " / ".join(_percent(100 * float(p.probabilities[i])) for p in predictions.values())
            for i in range(len(rows))
        ],
        textposition="middle left",
        hoverinfo="skip",
        showlegend=False,
    )
    n = len(predictions)
    threshold = 100 * last.abstention_threshold
    figure.add_vline(x=threshold, line=guide_line(width=1.5))
    figure.add_annotation(
        x=threshold,
        y=1,
        yref="paper",
        yanchor="bottom",
        xanchor="right" if threshold > 50 else "left",
        showarrow=False,
        text=("answers" if n == 1 else "solid bars answer") + f" from {threshold:.0f}%",
        font={"size": 12},
    )
    _lay_out_bars(figure, n_rows=len(names), x="Probability (%)", y="Apparent expression")
    figure.update_xaxes(
        range=[0, _AXIS_END + (0 if n == 1 else _SECOND_COLUMN)],
        tickvals=[0, 25, 50, 75, 100],
    )
    if n > 1:
        figure.update_layout(
            height=figure.layout.height + _BAR_HEIGHT * (n - 1) * len(names) + _LEGEND_HEIGHT,
            showlegend=True,
            legend=FIXED_LEGEND,
        )
    return figure


def blendshapes_bar(blendshapes: np.ndarray, *, n: int = 10) -> go.Figure:
    """Return the strongest of a face's blendshapes, float (52,) in [0, 1], as horizontal bars."""
    strongest = strongest_blendshapes(blendshapes, n=n)
    figure = new_figure(
        go.Bar(
            x=[value for _, value in strongest],
            y=[words.capitalize() for words, _ in strongest],
            orientation="h",
            marker={"color": GUIDE_COLOR},
            hovertemplate="%{y}: %{x:.2f}<extra></extra>",
        )
    )
    _lay_out_bars(figure, n_rows=n, x="Strength")
    figure.update_xaxes(range=[0, 1])
    return figure


def influence_bar(influence: Mapping[str, float]) -> go.Figure:
    """Return how many points of probability each part of a face adds to an answer, as bars."""
    # Adding zero makes a rounded -0.0 a plain 0.0.
    points = [round(100 * value, 1) + 0.0 for value in influence.values()]
    figure = new_figure(
        go.Bar(
            x=points,
            y=[name.capitalize() for name in influence],
            orientation="h",
            marker={"color": [_FOR if value >= 0 else _AGAINST for value in points]},
            text=[f"{value:+.1f}" for value in points],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:+.1f} points<extra></extra>",
        )
    )
    _lay_out_bars(figure, n_rows=len(points), x="Points of probability that they add")
    reach = max(5.0, 1.3 * max(abs(value) for value in points))
    figure.update_xaxes(range=[-reach, reach], zeroline=True, zerolinecolor=GUIDE_COLOR)
    return figure


def _lay_out_bars(figure: go.Figure, *, n_rows: int, x: str, y: str | None = None) -> None:
    """Give a chart of horizontal bars its height, and its axes names."""
    lay_out(figure, height=_FRAME_HEIGHT + _ROW_HEIGHT * n_rows, x=x, y=y)
    figure.update_layout(showlegend=False)
    rows_from_top(figure, of_bars=True)


def mesh_3d(points: np.ndarray) -> go.Figure:
    """Return a face's landmarks, float (478, 3), x right, y down, z away, as a mesh to turn."""
    contours = np.concatenate(list(contour_edges().values()))
    figure = new_figure(
        _segments(points, mesh_edges(), color=GUIDE_COLOR, width=1),
        _segments(points, contours, color=BLUE, width=4),
    )
    hidden = {"visible": False, "showspikes": False}
    figure.update_layout(
        height=420,
        margin=dict.fromkeys("lrtb", 0),
        # This one figure is dragged, to turn it.
        dragmode="orbit",
        showlegend=False,
        scene={
            "xaxis": hidden,
            "yaxis": hidden,
            "zaxis": hidden,
            "aspectmode": "data",
            # The viewer's place: in front of the face, its top upwards, though y points down.
            "camera": {"eye": {"x": 0.25, "y": -0.1, "z": -1.7}, "up": {"x": 0, "y": -1, "z": 0}},
        },
    )
    return figure


def _segments(points: np.ndarray, edges: np.ndarray, *, color: str, width: int) -> go.Scatter3d:
    """Return all edges as one line with gaps: one trace draws at once, a thousand do not."""
    gaps = np.full((len(edges), 1, 3), np.nan)
    x, y, z = np.concatenate([points[edges], gaps], axis=1).reshape(-1, 3).T
    return go.Scatter3d(
        x=x, y=y, z=z, mode="lines", line={"color": color, "width": width}, hoverinfo="skip"
    )


def _percent(value: float) -> str:
    """Return a percentage without the claim that an unlikely class is impossible."""
    return "< 1%" if value < 1 else f"{value:.0f}%"
