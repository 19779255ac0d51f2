"""Plotly figures: transparent, with the text colour left to the theme that shows them."""

from typing import TYPE_CHECKING, Final

import numpy as np
import plotly.graph_objects as go

from fer_core.blendshapes import BLENDSHAPES, in_words
from fer_core.expressions import COLORS
from fer_core.landmarks import contour_edges, mesh_edges

if TYPE_CHECKING:
    from fer_core.classifier import Prediction

#: Mid grey with a contrast of 3:1 or more with both themes' grounds.
GUIDE_COLOR: Final = "#808A92"
_TRANSPARENT: Final = "rgba(0,0,0,0)"
_ROW_HEIGHT: Final = 30
_FRAME_HEIGHT: Final = 96
#: Room beyond 100 % for the column of values.
_AXIS_END: Final = 122


def probabilities_bar(prediction: "Prediction") -> go.Figure:
    """Return one network's probabilities as horizontal bars, with the threshold for an answer.

    The classes keep their order, so that the charts of two faces can be compared at a glance.
    """
    percent = [100 * float(p) for p in prediction.probabilities]
    names = [str(label).capitalize() for label in prediction.labels]
    top = int(prediction.probabilities.argmax())
    rows = [f"<b>{name}</b>" if i == top else name for i, name in enumerate(names)]
    bars = go.Bar(
        x=percent,
        y=rows,
        orientation="h",
        marker={"color": [COLORS[label] for label in prediction.labels]},
        customdata=names,
        hovertemplate="%{customdata}: %{x:.1f}%<extra></extra>",
    )
    # A column of their own: at the bars' ends the threshold would cross some of them.
    values = go.Scatter(
        x=[_AXIS_END] * len(rows),
        y=rows,
        mode="text",
        text=[_percent(value) for value in percent],
        textposition="middle left",
        hoverinfo="skip",
    )
    figure = go.Figure([bars, values])
    threshold = 100 * prediction.abstention_threshold
    figure.add_vline(x=threshold, line={"color": GUIDE_COLOR, "width": 1.5, "dash": "dash"})
    figure.add_annotation(
        x=threshold,
        y=1,
        yref="paper",
        yanchor="bottom",
        xanchor="right" if threshold > 50 else "left",
        showarrow=False,
        text=f"answers from {threshold:.0f}%",
        font={"size": 12},
    )
    figure.update_layout(
        height=_FRAME_HEIGHT + _ROW_HEIGHT * len(names),
        margin={"l": 8, "r": 8, "t": 24, "b": 40},
        paper_bgcolor=_TRANSPARENT,
        plot_bgcolor=_TRANSPARENT,
        showlegend=False,
        bargap=0.35,
        dragmode=False,
    )
    figure.update_xaxes(
        title="Probability (%)",
        range=[0, _AXIS_END],
        tickvals=[0, 25, 50, 75, 100],
        gridcolor="rgba(128,138,146,0.25)",
        zeroline=False,
        fixedrange=True,
    )
    figure.update_yaxes(
        title="Apparent expression", autorange="reversed", fixedrange=True, automargin=True
    )
    return figure


def blendshapes_bar(blendshapes: np.ndarray, *, n: int = 10) -> go.Figure:
    """Return the strongest of a face's blendshapes, float (52,) in [0, 1], as horizontal bars."""
    order = [i for i in np.argsort(-blendshapes) if BLENDSHAPES[i] != "_neutral"][:n]
    words = [in_words(BLENDSHAPES[i]) for i in order]
    figure = go.Figure(
        go.Bar(
            x=blendshapes[order],
            y=[word.capitalize() for word in words],
            orientation="h",
            marker={"color": GUIDE_COLOR},
            hovertemplate="%{y}: %{x:.2f}<extra></extra>",
        )
    )
    figure.update_layout(
        height=_FRAME_HEIGHT + _ROW_HEIGHT * len(order),
        margin={"l": 8, "r": 8, "t": 8, "b": 40},
        paper_bgcolor=_TRANSPARENT,
        plot_bgcolor=_TRANSPARENT,
        bargap=0.35,
        dragmode=False,
    )
    figure.update_xaxes(
        title="Strength",
        range=[0, 1],
        gridcolor="rgba(128,138,146,0.25)",
        zeroline=False,
        fixedrange=True,
    )
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True)
    return figure


def mesh_3d(points: np.ndarray) -> go.Figure:
    """Return a face's landmarks, float (478, 3), x right, y down, z away, as a mesh to turn."""
    contours = np.concatenate(list(contour_edges().values()))
    figure = go.Figure(
        [
            _segments(points, mesh_edges(), color=GUIDE_COLOR, width=1),
            _segments(points, contours, color="#0072B2", width=4),
        ]
    )
    hidden = {"visible": False, "showspikes": False}
    figure.update_layout(
        height=420,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        paper_bgcolor=_TRANSPARENT,
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
