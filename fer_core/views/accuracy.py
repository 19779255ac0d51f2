"""Accuracy with its interval, on all faces and without duplicates of training faces."""

from collections.abc import Mapping

import pandas as pd

from fer_core.evaluation.intervals import Estimate
from fer_core.palette import neutral_look
from fer_core.views.style import lay_out, new_figure, rows_from_top
from fer_core.views.view import View


def accuracy_view(
    whole: Mapping[str, Estimate],
    clean: Mapping[str, Estimate],
    sizes: tuple[Mapping[str, int], Mapping[str, int]],
    on: str,
) -> View:
    """Return each network's accuracy with its 95% interval, on all rows and on the clean ones.

    Args:
        whole: by network, on all rows.
        clean: on the clean rows; empty where nothing is known about duplicates.
        sizes: numbers of rows of both, by network.
        on: says which data these are.
    """
    figure = new_figure()
    rows = []
    kinds = [
        (whole, "all faces", [f"all {sizes[0][name]:,} faces" for name in whole]),
        (clean, "without duplicates", [f"{sizes[1][name]:,} without duplicates" for name in clean]),
    ]
    for i, (estimates, kind, faces) in enumerate(kinds):
        if not estimates:
            continue
        figure.add_scatter(
            x=[100 * e.value for e in estimates.values()],
            y=list(estimates),
            mode="markers",
            orientation="h",
            offsetgroup=kind,
            # With the number, if it is that of all.
            name=faces[0] if len(set(faces)) == 1 else kind,
            marker=neutral_look(i).marker(size=11),
            error_x={
                "symmetric": False,
                "array": [100 * (e.high - e.value) for e in estimates.values()],
                "arrayminus": [100 * (e.value - e.low) for e in estimates.values()],
                "thickness": 2,
            },
            customdata=faces,
            hovertemplate="%{y}: %{x:.1f}%<extra>%{customdata}</extra>",
        )
        rows += [
            {"network": name, "faces": n, "accuracy": e.value, "low": e.low, "high": e.high}
            for (name, e), n in zip(estimates.items(), faces, strict=True)
        ]
    lay_out(figure, height=150 + 46 * len(whole), x="Accuracy (%)")
    # The two marks of a network one above the other, so that their bars do not cover each other.
    figure.update_layout(scattermode="group", scattergap=0.6)
    ends = [100 * edge for e in (*whole.values(), *clean.values()) for edge in (e.low, e.high)]
    figure.update_xaxes(range=[max(0, min(ends) - 1), min(100, max(ends) + 1)])
    rows_from_top(figure)
    reading = f"Share of right predictions; bars are 95% bootstrap intervals over faces. {on}"
    if clean:
        largest = max(whole, key=sizes[0].__getitem__)
        n, n_clean = (size[largest] for size in sizes)
        reading += (
            f" {n - n_clean:,} of the {n:,} faces are duplicates of training images, which a network may "
            "have memorized. The accuracy without them says more about new faces. Papers report the accuracy "
            "on all faces."
        )
    return View("accuracy", "Accuracy", figure, reading, pd.DataFrame(rows))
