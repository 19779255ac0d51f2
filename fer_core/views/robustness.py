"""The view of robustness: one panel per corruption, one line per network."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fer_core.data_names import data_name
from fer_core.errors import DataError
from fer_core.evaluation.robustness import (
    STRENGTHS,
    UNCORRUPTED,
    Robustness,
    accuracy_table,
    mean_relative_drop,
)
from fer_core.listing import capitalized
from fer_core.palette import GUIDE_COLOR, Look, network_looks
from fer_core.views.style import FIXED_LEGEND, lay_out, new_panels
from fer_core.views.view import View

#: Side by side; more would be too narrow for a phone.
_COLUMNS: Final = 2
_PANEL_HEIGHT: Final = 150
#: Above the panels, and below them for the axis title and the legend.
_TOP: Final = 32
_BOTTOM: Final = 96
_TICK: Final = 20


def robustness_view(results: Mapping[str, Robustness], *, only_clean: bool = False) -> View:
    """Return accuracy against strength, with one panel per corruption.

    Args:
        results: of the same split under the same conditions, by the network's name for the legend.
        only_clean: leave out the faces of which the network's training data holds a copy.

    Raises:
        DataError: there is no result, or they are not of the same split and conditions.
    """
    shown = {
        name: result.select(result.clean) if only_clean else result
        for name, result in results.items()
    }
    _check_comparable(shown)
    data = pd.concat(
        [_panels(accuracy_table(result)).assign(network=name) for name, result in shown.items()],
        ignore_index=True,
    )
    return View(
        name="robustness-clean" if only_clean else "robustness",
        title="Accuracy on degraded images",
        figure=_figure(data),
        reading=_reading(shown, only_clean=only_clean),
        data=_for_people(data),
    )


def _check_comparable(results: Mapping[str, Robustness]) -> None:
    if not results:
        raise DataError(
            "No network was measured on corrupted images yet. Do it with: "
            "python -m training robustness BUNDLE --data SOURCE:SPLIT"
        )
    if (
        len({(r.source, r.split, r.seed, r.conditions, r.expressions) for r in results.values()})
        > 1
    ):
        raise DataError(
            f"The results of {', '.join(results)} differ in split, sample, expressions or corruptions, so "
            "they cannot be compared. Run python -m training robustness for each again, with the same "
            "--data, --rows and --seed."
        )


def _panels(table: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracy table with the original images as strength 0 of every kind."""
    as_it_is = table["corruption"] == UNCORRUPTED.corruption
    kinds = table.loc[~as_it_is, "corruption"].drop_duplicates()
    starts = table[as_it_is].drop(columns="corruption").merge(kinds, how="cross")
    both = pd.concat([starts[table.columns], table[~as_it_is]], ignore_index=True)
    order = both["corruption"].map({kind: i for i, kind in enumerate(kinds)})
    return both.assign(order=order).sort_values(["order", "strength"]).drop(columns="order")


def _figure(data: pd.DataFrame) -> go.Figure:
    kinds = data["corruption"].drop_duplicates().tolist()
    n_rows = -(-len(kinds) // _COLUMNS)
    height = _TOP + _PANEL_HEIGHT * n_rows + _BOTTOM
    figure = new_panels(
        rows=n_rows,
        cols=_COLUMNS,
        shared_xaxes=True,
        shared_yaxes=True,
        horizontal_spacing=0.05,
        vertical_spacing=0.3 / n_rows,
        subplot_titles=[capitalized(kind) for kind in kinds],
        x_title="Strength (0: original image)",
        y_title="Accuracy (%)",
    )
    looks = network_looks(data["network"])
    for name, look in looks.items():
        for panel, kind in enumerate(kinds):
            part = data[(data["network"] == name) & (data["corruption"] == kind)]
            row, column = divmod(panel, _COLUMNS)
            line = _line(part, name, look, in_legend=panel == 0)
            figure.add_trace(line, row=row + 1, col=column + 1)
    lay_out(figure, height=height)
    # Plotly leaves no room for titles that several panels share.
    figure.update_layout(margin={"l": 60, "t": _TOP, "b": _BOTTOM}, legend=FIXED_LEGEND)
    top = _TICK * float(np.ceil(100 * data["accuracy"].max() / _TICK))
    figure.update_xaxes(
        range=[-0.3, STRENGTHS[-1] + 0.3],
        tickvals=[0, *STRENGTHS],
    )
    figure.update_yaxes(
        range=[0, 1.04 * top],
        dtick=_TICK,
        zeroline=True,
        zerolinecolor=GUIDE_COLOR,
    )
    return figure


def _line(part: pd.DataFrame, name: str, look: Look, *, in_legend: bool) -> go.Scatter:
    return go.Scatter(
        x=part["strength"],
        y=100 * part["accuracy"],
        name=name,
        legendgroup=name,
        showlegend=in_legend,
        mode="lines+markers",
        line=look.line,
        marker=look.marker(size=7),
        customdata=[
            f"{parameter}: {value:g}" if parameter else "original image"
            for parameter, value in zip(part["parameter"], part["value"], strict=True)
        ],
        hovertemplate=f"{name}: %{{y:.1f}}%<br>%{{customdata}}<extra></extra>",
    )


def _reading(results: Mapping[str, Robustness], *, only_clean: bool) -> str:
    first = next(iter(results.values()))
    counts = {name: f"{len(result):,}" for name, result in results.items()}
    n = ", ".join(f"{count} for {name}" for name, count in counts.items())
    if len(set(counts.values())) == 1:
        n = f"{len(first):,}"
    drops = {name: mean_relative_drop(result) for name, result in results.items()}
    weights = {name: result.weights_sha256[:12] for name, result in results.items()}
    return (
        "Each panel is one kind of image degradation, from none (0) to strength 5. Faces of "
        f"{data_name(f'{first.source}:{first.split}')}, the same under all conditions, drawn with seed "
        f"{first.seed}: {n}"
        + (", without duplicates of training images. " if only_clean else ". ")
        + f"The 95% interval of an accuracy is at most \u00b1{_uncertainty(results):.1f} points. Landmarks, "
        "for networks that see them, are found again in each degraded image. Mean relative drop of "
        "accuracy over all kinds and strengths: "
        + ", ".join(f"{name} {drop:.1%}" for name, drop in drops.items())
        + ". Weights (sha256 of the serving file): "
        + ", ".join(f"{name} {sha}" for name, sha in weights.items())
        + "."
    )


def _uncertainty(results: Mapping[str, Robustness]) -> float:
    """Return, in points, the half-width of a share's 95% interval at its widest: about one half."""
    n = min(len(result) for result in results.values())
    return 100 * 1.96 * 0.5 / float(np.sqrt(max(n, 1)))


def _for_people(data: pd.DataFrame) -> pd.DataFrame:
    # For networks that see pixels alone nobody looked, and every face counts as found.
    sees_landmarks = data.groupby("network")["found_face"].transform("min") < 1
    return pd.DataFrame(
        {
            "network": data["network"],
            "corruption": data["corruption"],
            "strength": data["strength"],
            "parameter": data["parameter"],
            "value": data["value"].where(data["strength"] > 0),
            "faces": data["n"],
            "accuracy (%)": (100 * data["accuracy"]).round(2),
            "landmarks found (%)": (100 * data["found_face"]).round(2).where(sees_landmarks),
        }
    )
