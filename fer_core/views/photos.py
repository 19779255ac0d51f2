"""Networks on whole photos, end to end: how often they are right, and how often when they are sure."""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from fer_core.evaluation.photo_accuracy import PhotoAccuracy
from fer_core.views.plots import add_points
from fer_core.views.style import lay_out, new_figure
from fer_core.views.view import View

_AS_THEY_ARE: Final = "as they are"
_ON: Final = (
    "Development set of web photos with one main face each, five expressions, one annotator each "
    "(`webphotos`); networks and thresholds were chosen on it, so its figures flatter those that were."
)


def photos_view(rows: Sequence[PhotoAccuracy]) -> View:
    """Return each network's accuracy on photos, as they are and with faces shrunk, with 95 % intervals."""
    table = photos_table(rows)
    figure = new_figure()
    for i, (faces, part) in enumerate(table.groupby("faces", sort=False)):
        add_points(
            figure,
            i,
            part,
            y="network",
            name=str(faces),
            form=".1f",
            size=9,
            interval=("accuracy low", "accuracy high"),
        )
    networks = list(dict.fromkeys(table["network"]))
    lay_out(figure, height=150 + 56 * len(networks), x="Accuracy (%)", y="")
    if len(table):
        figure.update_xaxes(range=[max(0, 100 * table["accuracy low"].min() - 2), 100])
    n = max((row.n for row in rows), default=0)
    return View(
        "photos",
        "On whole photos",
        figure,
        f"{_ON} Face finder, crop and network in one go; the largest face of each of {n:,} photos counts. "
        "Bars are 95 % bootstrap intervals over photos. Shrunk: the photo is scaled down until the network's "
        "crop of the face has so many pixels a side.",
        table,
    )


def photos_table(rows: Sequence[PhotoAccuracy]) -> pd.DataFrame:
    """Return the figures of `python -m training photos`, a row a network and size of the faces."""
    return pd.DataFrame(
        {
            "network": row.network,
            "faces": _AS_THEY_ARE if row.face_pixels is None else f"{row.face_pixels} px",
            "photos": row.n,
            "accuracy": row.accuracy,
            "accuracy low": row.accuracy_low,
            "accuracy high": row.accuracy_high,
            "macro recall": row.macro_recall,
            "macro recall low": row.macro_recall_low,
            "macro recall high": row.macro_recall_high,
            "answered": row.coverage,
            "accuracy on answered": row.selective_accuracy,
            "accuracy on answered low": row.selective_accuracy_low,
            "accuracy on answered high": row.selective_accuracy_high,
        }
        for row in rows
    )
