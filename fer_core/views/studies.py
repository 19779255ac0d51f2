"""A study's figures: accuracy against what it varies, and learning curves."""

import math
from collections.abc import Sequence
from typing import Final

import pandas as pd
import plotly.graph_objects as go
from pandas.api.types import is_numeric_dtype

from fer_core.data_names import (
    data_name,
    is_whole,
    role_name,
    source_name,
    source_of,
    split_name,
    split_of,
)
from fer_core.listing import listed
from fer_core.palette import GUIDE_COLOR, look_of
from fer_core.studies.numbers import accuracies, labels_of
from fer_core.studies.plans import Reference, StudyPlan, StudyResults
from fer_core.views.learning import validation_sources
from fer_core.views.study_cells import (
    FRAME,
    PANEL,
    ROW,
    heat_maps,
    lay_out_study,
    over_seeds,
    slug,
    wrapped,
)
from fer_core.views.style import guide_line, new_panels
from fer_core.views.view import View

#: Places of the splits in the palette of series.
_PLACES: Final = {"test": 0, "train": 1, "valid": 2}
#: Of a set that is measured on as a whole.
_WHOLE_PLACE: Final = 3
#: Learning curves, by what they are of: the start of their columns, and their dash.
_CURVES: Final = {"validation": ("val_", "solid"), "training": ("", "dot")}
CURVES: Final = tuple(_CURVES)
#: At most so many epochs are numbered.
_EPOCH_TICKS: Final = 12
#: Dots of one row lie so far apart, in rows.
_DOT_STEP: Final = 0.2
_PUBLISHED: Final = "Published by others"


def accuracy_view(results: StudyResults, *, clean: bool = False) -> View:
    """Return accuracy against what the study varies: lines for one number, heat maps for two, else dots.

    Args:
        results: with at least one run that was measured.
        clean: leave out duplicates of training images, where these are known.
    """
    plan = results.plan
    table = accuracies(results, clean=clean)
    are_numbers = [is_numeric_dtype(table[value]) for value in plan.values]
    if are_numbers == [True]:
        figure = _lines(table, plan)
    elif are_numbers == [True, True]:
        figure = heat_maps(table, plan)
    else:
        figure = _dots(table, plan, labels_of(results))
    data = table.assign(accuracy=100 * table["accuracy"])
    return View(
        name=f"{slug(plan)}-accuracy",
        title="Accuracy",
        figure=figure,
        reading=_accuracy_reading(table, plan, clean=clean, from_zero=are_numbers == [True, True]),
        data=data.rename(columns={"accuracy": "accuracy (%)"}),
    )


def learning_view(
    results: StudyResults, history: pd.DataFrame, curves: Sequence[str] = CURVES
) -> View:
    """Return loss and accuracy by epoch, one colour per variant.

    Args:
        results: of the study.
        history: one row per epoch (`fer_core.studies.plans.read_history`), not empty.
        curves: of CURVES, those that are drawn.
    """
    labels = labels_of(results)
    figure = new_panels(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    for i, variant in enumerate(history["variant"].unique()):
        runs = history[history["variant"] == variant]
        look = look_of(i)
        for j, (seed, rows) in enumerate(runs.groupby("seed")):
            for row, name, scale in ((1, "loss", 1), (2, "accuracy", 100)):
                for words in curves:
                    prefix, dash = _CURVES[words]
                    figure.add_scatter(
                        x=rows["epoch"],
                        y=scale * rows[prefix + name],
                        row=row,
                        col=1,
                        mode="lines+markers",
                        line={"color": look.color, "dash": dash, "width": 2},
                        # Fewer than epochs, so that lines stay visible.
                        marker=look.marker(size=6) | {"maxdisplayed": _EPOCH_TICKS},
                        name=labels.get(variant, variant),
                        legendgroup=variant,
                        showlegend=(j, row, words) == (0, 1, curves[0]),
                        hovertemplate=f"{variant}, seed {seed}, {words}<br>epoch %{{x}}: "
                        f"{name} %{{y:.{4 if scale == 1 else 1}f}}<extra></extra>",
                    )
    for words in curves if len(curves) > 1 else ():
        line = {"color": GUIDE_COLOR, "dash": _CURVES[words][1], "width": 2}
        figure.add_scatter(
            x=[None], y=[None], mode="lines", line=line, name=words, hoverinfo="skip"
        )
    lay_out_study(figure, plot_height=2 * PANEL)
    figure.update_xaxes(title="Epoch", row=2, col=1)
    figure.update_xaxes(tick0=0, dtick=math.ceil(history["epoch"].max() / _EPOCH_TICKS))
    figure.update_yaxes(title="Loss (nats)", row=1, col=1)
    figure.update_yaxes(title="Accuracy (%)", row=2, col=1)
    validated = validation_sources(history)
    sources = validated or list(results.runs["source"].unique())
    many = (
        " Variants trained on other labels are validated on those."
        if len(sources) > 1 and not validated
        else ""
    )
    lines = "; dotted lines are training, solid lines validation" if len(curves) > 1 else ""
    return View(
        name=f"{slug(results.plan)}-learning",
        title="Learning curves",
        figure=figure,
        reading=f"One colour per variant, one line per seed{lines}. Select a name to hide its lines. "
        "Validation is measured after each epoch on the clean validation rows of "
        f"{listed(source_name(f'{source}:') for source in sources)}.{many} Training is measured during "
        "the epoch, with the variant's augmentation, dropout and weights, so it can be worse than "
        "validation. Losses of variants with different loss functions cannot be compared.",
        data=history.drop(columns="learning_rate", errors="ignore"),
    )


def _lines(table: pd.DataFrame, plan: StudyPlan) -> go.Figure:
    """Draw accuracy over a number: one panel per source, one line per split, seeds as pale points."""
    (value,) = plan.values
    panels = _panels(table)
    figure = new_panels(
        rows=len(panels),
        cols=1,
        vertical_spacing=0.22 / len(panels),
        subplot_titles=_titles(panels),
    )
    legend = _legend_names(table)
    for row, (source, rows) in enumerate(panels.items(), start=1):
        for data in rows["data"].unique():
            points = rows[rows["data"] == data]
            place = _place(data)
            name = legend[data]
            means = points.groupby(value)["accuracy"].mean()
            hover = f"{name}<br>{value} %{{x}}: %{{y:.1f}}%<extra></extra>"
            if len(points) > len(means):
                figure.add_scatter(
                    x=points[value],
                    y=100 * points["accuracy"],
                    row=row,
                    col=1,
                    mode="markers",
                    marker=look_of(place).marker(size=7) | {"opacity": 0.45},
                    name=f"{name}, single runs",
                    legendgroup=name,
                    showlegend=False,
                    hovertemplate=hover,
                )
            figure.add_scatter(
                x=means.index,
                y=100 * means,
                row=row,
                col=1,
                mode="lines+markers",
                line={"color": look_of(place).color, "width": 2},
                marker=look_of(place).marker(size=10),
                name=name,
                legendgroup=name,
                hovertemplate=hover,
            )
        references = _references(plan, source)
        for i, reference in enumerate(references):
            figure.add_hline(
                y=100 * reference.accuracy,
                row=row,
                col=1,
                line=guide_line(width=1.5),
                annotation={"text": reference.label},
                # Beside each other if two are close.
                annotation_position="top left" if i % 2 == 0 else "top right",
            )
        shown = [*rows["accuracy"], *(reference.accuracy for reference in references)]
        figure.update_yaxes(title="Accuracy (%)", range=_percent_range(shown), row=row, col=1)
    _once_in_the_legend(figure)
    lay_out_study(figure, plot_height=PANEL * len(panels))
    values = sorted(table[value].unique())
    figure.update_xaxes(title=value.capitalize(), tickvals=values)
    return figure


def _dots(table: pd.DataFrame, plan: StudyPlan, labels: dict[str, str]) -> go.Figure:
    """Draw accuracy of named variants: one panel per source, one row per variant, one mark per split."""
    panels = _panels(table)
    heights = [len(labels) + len(_references(plan, source)) for source in panels]
    plot_height = ROW * sum(heights) + FRAME * (len(panels) - 1)
    figure = new_panels(
        rows=len(panels),
        cols=1,
        row_heights=heights,
        # A single row is lower than the frame between panels, of which there is none.
        vertical_spacing=min(FRAME / plot_height, 0.5),
        subplot_titles=_titles(panels),
    )
    places = {variant: place for place, variant in enumerate(labels)}
    legend = _legend_names(table)
    for row, (source, rows) in enumerate(panels.items(), start=1):
        kinds = list(rows["data"].unique())
        for i, data in enumerate(kinds):
            place = _place(data)
            name = legend[data]
            offset = _DOT_STEP * (i - (len(kinds) - 1) / 2)
            points = rows[rows["data"] == data]
            means = points.groupby("variant", sort=False)["accuracy"].mean()
            # Single runs, pale, under their mean.
            parts = [(means, 11, 1.0)]
            if len(points) > len(means):
                parts.insert(0, (points.set_index("variant")["accuracy"], 7, 0.45))
            for values, size, opacity in parts:
                figure.add_scatter(
                    x=100 * values,
                    y=[places[variant] + offset for variant in values.index],
                    row=row,
                    col=1,
                    mode="markers",
                    marker=look_of(place).marker(size=size) | {"opacity": opacity},
                    name=name,
                    legendgroup=name,
                    showlegend=values is means,
                    customdata=[labels[variant] for variant in values.index],
                    hovertemplate=f"%{{customdata}}, {name}: %{{x:.1f}}%<extra></extra>",
                )
        references = _references(plan, source)
        if references:
            figure.add_scatter(
                x=[100 * reference.accuracy for reference in references],
                y=[len(places) + i for i in range(len(references))],
                row=row,
                col=1,
                mode="markers",
                marker={"color": GUIDE_COLOR, "symbol": "star", "size": 11},
                name=_PUBLISHED,
                customdata=[reference.note for reference in references],
                hovertemplate="%{x:.1f}%, %{customdata}<extra></extra>",
            )
        names = [*labels.values(), *(reference.label for reference in references)]
        shown = [*rows["accuracy"], *(reference.accuracy for reference in references)]
        figure.update_yaxes(
            tickvals=list(range(len(names))),
            ticktext=[wrapped(name) for name in names],
            range=[len(names) - 0.5, -0.5],
            row=row,
            col=1,
        )
        figure.update_xaxes(
            title="Accuracy (%)", range=_percent_range(shown), showgrid=True, row=row, col=1
        )
    _once_in_the_legend(figure)
    lay_out_study(figure, plot_height=plot_height)
    return figure


def _accuracy_reading(table: pd.DataFrame, plan: StudyPlan, *, clean: bool, from_zero: bool) -> str:
    counts = [
        f"{data_name(data)}: {_counts(table.loc[table['data'] == data, 'n'])}"
        for data in table["data"].unique()
    ]
    said = [
        f"Accuracy (%) by split{over_seeds(plan)}.",
        f"Faces: {'; '.join(counts)}.",
    ]
    if table.groupby("data")["n"].nunique().max() > 1:
        said.append("A network is evaluated on the faces whose class it knows.")
    on_training = any(split_of(data) == "train" for data in table["data"])
    if clean:
        said.append(
            "Duplicates of training images are left out"
            + (", except in Training, which is whole." if on_training else ".")
        )
    else:
        said.append("All faces of each split are counted, also duplicates of training images.")
    said.append(
        "Each run is evaluated with its weights that were best on validation, without augmentation and "
        f"dropout{', also on Training' if on_training else ''}."
    )
    if not from_zero:
        said.append("The scale does not start at 0.")
    if plan.references and not from_zero:
        said.append("Grey marks are published by others and were not measured here.")
    return " ".join(said)


def _counts(n: pd.Series) -> str:
    """Return the number of faces; networks with more classes are measured on a few more."""
    low, high = n.min(), n.max()
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _panels(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of each source, in the order in which they were measured."""
    sources = table["data"].map(source_of)
    return {source: table[sources == source] for source in sources.unique()}


def _titles(panels: dict[str, pd.DataFrame]) -> list[str] | None:
    return [source_name(f"{source}:") for source in panels] if len(panels) > 1 else None


def _references(plan: StudyPlan, source: str) -> tuple[Reference, ...]:
    """Return the published figures of a panel; only the first panel has them."""
    return plan.references if source == source_of(plan.measured_on[0]) else ()


def _place(data: str) -> int:
    """Return the index in the palette for results on "SOURCE:SPLIT"."""
    return _WHOLE_PLACE if is_whole(data) else _PLACES[split_of(data)]


def _legend_names(table: pd.DataFrame) -> dict[str, str]:
    """Return the name of each data set's marks; splits of several sources that share a mark share a name."""
    names = {data: split_name(data) for data in table["data"].unique()}
    by_place: dict[int, set[str]] = {}
    for data, name in names.items():
        by_place.setdefault(_place(data), set()).add(name)
    return {
        data: name
        if is_whole(data) or len(by_place[_place(data)]) == 1
        else role_name(split_of(data))
        for data, name in names.items()
    }


def _percent_range(fractions: list[float]) -> list[float]:
    """Return the ends of a scale in percent, full tens with some room around the values."""
    low, high = (100 * end for end in (min(fractions), max(fractions)))
    return [max(0, 10 * math.floor((low - 2) / 10)), min(101, 10 * math.ceil((high + 2) / 10))]


def _once_in_the_legend(figure: go.Figure) -> None:
    """Keep only the first legend entry of each name, since panels share them."""
    seen = set()
    for trace in figure.data:
        if trace.showlegend is not False:
            trace.showlegend = trace.name not in seen
            seen.add(trace.name)
