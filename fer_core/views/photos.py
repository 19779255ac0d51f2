"""Accuracy on whole photos, from face detection to prediction."""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from fer_core.evaluation.photo_accuracy import WEB_PHOTOS, PhotoAccuracy
from fer_core.views.plots import add_points
from fer_core.views.style import lay_out, new_figure
from fer_core.views.view import View

_AS_THEY_ARE: Final = "original size"


def photos_view(rows: Sequence[PhotoAccuracy]) -> View:
    """Return each network's accuracy on photos at several sizes of the face, with 95% intervals."""
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
    lay_out(figure, height=150 + 56 * len(networks), x="Accuracy (%)")
    if len(table):
        figure.update_xaxes(range=[max(0, 100 * table["accuracy low"].min() - 2), 100])
    sizes = [row.n for row in rows] or [0]
    fewer = (
        f" Networks that know fewer expressions see {min(sizes):,}." if len(set(sizes)) > 1 else ""
    )
    return View(
        "photos",
        "Whole photos",
        figure,
        f"Accuracy on {max(sizes):,} photos on which the default pair was chosen, so its figures are "
        f"optimistic. Bars are 95% bootstrap intervals.{fewer} {WEB_PHOTOS} Only the largest face of each "
        "photo counts; photos in which none was found are left out. For the other sizes, photos are scaled "
        "down until the network's crop of the face has that side in pixels.",
        table,
    )


def photos_table(rows: Sequence[PhotoAccuracy]) -> pd.DataFrame:
    """Return the figures of `python -m training photos`, one row per network and face size."""
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
            "coverage": row.coverage,
            "accuracy of confident predictions": row.selective_accuracy,
            "accuracy of confident predictions low": row.selective_accuracy_low,
            "accuracy of confident predictions high": row.selective_accuracy_high,
            "mean confidence": row.mean_confidence,
            "ece": row.ece,
            "ece low": row.ece_low,
            "ece high": row.ece_high,
        }
        for row in rows
    )
