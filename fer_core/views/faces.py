"""The mesh of one face as a figure."""

from typing import Final

import numpy as np
import plotly.graph_objects as go

from fer_core.faces.landmarks import contour_edges, mesh_edges
from fer_core.palette import BLUE, GUIDE_COLOR
from fer_core.views.style import new_figure

#: Places of the viewer, from the middle of the face.
VIEWPOINTS: Final = {
    "Front": (0.25, -0.1, -1.7),
    "Left": (-1.6, -0.1, -0.6),
    "Right": (1.6, -0.1, -0.6),
    "Above": (0.0, -1.3, -1.1),
}


def mesh_3d(points: np.ndarray, viewpoint: str = "Front") -> go.Figure:
    """Return a face's landmarks as a mesh to rotate.

    Args:
        points: float (478, 3), x right, y down, z away.
        viewpoint: one of VIEWPOINTS, from which it is seen at first.
    """
    place = dict(zip("xyz", VIEWPOINTS[viewpoint], strict=True))
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
            # Its top upwards, though y points down.
            "camera": {"eye": place, "up": {"x": 0, "y": -1, "z": 0}},
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
