"""The mesh of one face as a figure."""

import numpy as np
import plotly.graph_objects as go

from fer_core.faces.landmarks import contour_edges, mesh_edges
from fer_core.palette import BLUE, GUIDE_COLOR
from fer_core.views.style import new_figure


def mesh_3d(points: np.ndarray) -> go.Figure:
    """Return a face's landmarks, float (478, 3), x right, y down, z away, as a mesh to rotate."""
    contours = np.concatenate(list(contour_edges().values()))
    figure = new_figure(
        _segments(points, mesh_edges(), color=GUIDE_COLOR, width=1),
        _segments(points, contours, color=BLUE, width=4),
    )
    hidden = {"visible": False, "showspikes": False}
    figure.update_layout(
        height=420,
        margin=dict.fromkeys("lrtb", 0),
        # This one figure is dragged, to rotate it.
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
    """Return all edges as one line with gaps, because one trace draws fast and a thousand do not."""
    gaps = np.full((len(edges), 1, 3), np.nan)
    x, y, z = np.concatenate([points[edges], gaps], axis=1).reshape(-1, 3).T
    return go.Scatter3d(
        x=x, y=y, z=z, mode="lines", line={"color": color, "width": width}, hoverinfo="skip"
    )
