"""A study's figures: accuracy against what it varies, learning curves, recalls by class."""

import math
import textwrap
from typing import Final

import pandas as pd
import plotly.graph_objects as go
from pandas.api.types import is_numeric_dtype
from plotly.colors import sample_colorscale, unlabel_rgb

from fer_core.data_names import data_name, is_whole, source_name, source_of, split_name, split_of
from fer_core.studies.numbers import accuracies, labels_of, recalls
from fer_core.studies.plans import Reference, StudyPlan, StudyResults
from fer_core.views.learning import validation_sources
from fer_core.views.style import (
    GUIDE_COLOR,
    color_of,
    guide_line,
    lay_out,
    marker_of,
    new_figure,
    new_panels,
    without_grid,
)
from fer_core.views.view import View

#: Places of the splits in the palette of series.
_PLACES: Final = {"test": 0, "train": 1, "valid": 2}
#: Of a set that is measured on as a whole.
_WHOLE_PLACE: Final = 3
#: Pixels: of a panel with a vertical scale, of a row of dots or of a heat map, of what is around a
#: panel, and of a legend of some lines.
_PANEL: Final = 260
_ROW: Final = 46
_FRAME: Final = 84
_LEGEND: Final = 84
#: Above the panels, for their titles.
_TOP: Final = 36
#: Of heat maps (Nuñez et al. 2018), with the numbers on it in whichever stands out more.
_SHADES: Final = "Cividis"
_TEXT_COLORS: Final = ("#FFFFFF", "#111111")
#: At most so many epochs are numbered.
_EPOCH_TICKS: Final = 12
#: Heat maps beside each other.
_MAPS_IN_A_ROW: Final = 3
#: Characters in a line of a label, for narrow windows.
_LABEL_WIDTH: Final = 16
#: Dots of one row lie so far apart, in rows.
_DOT_STEP: Final = 0.2
_PUBLISHED: Final = "Published by others"


def accuracy_view(results: StudyResults, *, clean: bool = False) -> View:
    """Return accuracy against what the study varies: a line for numbers, dots for names, a heat map for two.

    Args:
        results: with at least one run that was measured.
        clean: leave out the faces with a copy in the training data, where these are known.
    """
    plan = results.plan
    table = accuracies(results, clean=clean)
    are_numbers = [is_numeric_dtype(table[value]) for value in plan.values]
    if are_numbers == [True]:
        figure = _lines(table, plan)
    elif are_numbers == [True, True]:
        figure = _heat_maps(table, plan)
    else:
        figure = _dots(table, plan, labels_of(results))
    data = table.assign(accuracy=100 * table["accuracy"])
    return View(
        name=f"{_slug(plan)}-accuracy",
        title="Accuracy",
        figure=figure,
        reading=_accuracy_reading(table, plan, clean=clean, from_zero=are_numbers == [True, True]),
        data=data.rename(columns={"accuracy": "accuracy (%)"}),
    )


def learning_view(results: StudyResults, history: pd.DataFrame) -> View:
    """Return loss and accuracy epoch by epoch, a colour a variant.

    Args:
        results: of the study.
        history: a row an epoch (`fer_core.studies.plans.read_history`), not empty.
    """
    labels = labels_of(results)
    figure = new_panels(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    for i, variant in enumerate(history["variant"].unique()):
        runs = history[history["variant"] == variant]
        color = color_of(i)
        for j, (seed, rows) in enumerate(runs.groupby("seed")):
            for row, name, scale in ((1, "loss", 1), (2, "accuracy", 100)):
                for prefix, dash, words in (
                    ("", "dot", "training"),
                    ("val_", "solid", "validation"),
                ):
                    figure.add_scatter(
                        x=rows["epoch"],
                        y=scale * rows[prefix + name],
                        row=row,
                        col=1,
                        mode="lines+markers",
                        line={"color": color, "dash": dash, "width": 2},
                        marker={"size": 5},
                        name=labels.get(variant, variant),
                        legendgroup=variant,
                        showlegend=(j, row, prefix) == (0, 1, "val_"),
                        hovertemplate=f"{variant}, seed {seed}, {words}<br>epoch %{{x}}: "
                        f"{name} %{{y:.{4 if scale == 1 else 1}f}}<extra></extra>",
                    )
    for dash, words in (("dot", "dotted: training"), ("solid", "solid: validation")):
        line = {"color": GUIDE_COLOR, "dash": dash, "width": 2}
        figure.add_scatter(
            x=[None], y=[None], mode="lines", line=line, name=words, hoverinfo="skip"
        )
    _lay_out(figure, plot_height=2 * _PANEL)
    figure.update_xaxes(title="Epoch", row=2, col=1)
    figure.update_xaxes(tick0=0, dtick=math.ceil(history["epoch"].max() / _EPOCH_TICKS))
    figure.update_yaxes(title="Loss (nats)", row=1, col=1)
    figure.update_yaxes(title="Accuracy (%)", row=2, col=1)
    validated = validation_sources(history)
    sources = validated or list(results.runs["source"].unique())
    many = (
        " Variants that learn from other labels are validated on those."
        if len(sources) > 1 and not validated
        else ""
    )
    return View(
        name=f"{_slug(results.plan)}-learning",
        title="Learning curves",
        figure=figure,
        reading="Epoch by epoch, a colour a variant. Training (dotted) is measured while it goes on, with "
        "whatever variation of images, dropout and weighting the variant has, so that it can lie below "
        "validation (solid), which is measured after the epoch on the clean validation rows of "
        f"{' and '.join(source_name(f'{source}:') for source in sources)}.{many} Losses of variants that "
        "minimise another loss cannot be compared. A tap on a name hides its lines.",
        data=history.drop(columns="learning_rate", errors="ignore"),
    )


def recalls_view(results: StudyResults, data: str) -> View:
    """Return the recall of each class by variant on "SOURCE:SPLIT", as a heat map with numbers."""
    labels = labels_of(results)
    table = 100 * recalls(results, data)
    names = [name.capitalize() for name in table.columns]
    rows = [_wrapped(labels[variant]) for variant in table.index]
    figure = new_figure(
        go.Heatmap(
            x=[*names[:-1], "<b>Mean</b>"],
            y=rows,
            z=table.to_numpy(),
            zmin=0,
            zmax=100,
            colorscale=_SHADES,
            hovertemplate="%{y}<br>%{x}: %{z:.1f} %<extra></extra>",
        )
    )
    _write_numbers(figure, low=0, high=100, digits=0)
    # Sets the mean apart from the classes.
    figure.add_vline(x=len(names) - 1.5, line={"color": GUIDE_COLOR, "width": 3})
    _lay_out(figure, plot_height=max(3, len(rows)) * _ROW, legend=False)
    without_grid(figure)
    figure.update_xaxes(title="Recall (%) of each class's faces", tickangle=-55)
    unknown = (
        " A network is not asked for a class that it does not know, and its mean leaves that out."
        if table.isna().to_numpy().any()
        else ""
    )
    hardest = table.drop(columns="mean").mean().idxmin()
    worst = table[hardest]
    best, low, high = (
        str(name) for name in (table["mean"].idxmax(), worst.idxmin(), worst.idxmax())
    )
    tidy = table.reset_index().melt("variant", var_name="class", value_name="recall (%)").dropna()
    return View(
        name=f"{_slug(results.plan)}-recalls",
        title="Recall by class",
        figure=figure,
        reading=f"Of each class's faces in the whole of {data_name(data)}, the share that was answered as "
        f"labelled{_over_seeds(results.plan)}. The mean over the classes, in which a rare class counts as "
        "much as a frequent one, is the balanced accuracy: it is highest with "
        f"{labels[best]}, {table['mean'][best]:.1f} %. Hardest for all together is {hardest}: from "
        f"{worst.min():.0f} % ({labels[low]}) to {worst.max():.0f} % "
        f"({labels[high]}).{unknown}",
        data=tidy.assign(data=data),
    )


def _lines(table: pd.DataFrame, plan: StudyPlan) -> go.Figure:
    """Draw accuracy over a number: a panel a source, a line a split, seeds as pale points."""
    (value,) = plan.values
    panels = _panels(table)
    figure = new_panels(
        rows=len(panels),
        cols=1,
        vertical_spacing=0.22 / len(panels),
        subplot_titles=_titles(panels),
    )
    for row, (source, rows) in enumerate(panels.items(), start=1):
        for data in rows["data"].unique():
            points = rows[rows["data"] == data]
            place = _place(data)
            name = split_name(data)
            means = points.groupby(value)["accuracy"].mean()
            hover = f"{name}<br>{value} %{{x}}: %{{y:.1f}} %<extra></extra>"
            if len(points) > len(means):
                figure.add_scatter(
                    x=points[value],
                    y=100 * points["accuracy"],
                    row=row,
                    col=1,
                    mode="markers",
                    marker=marker_of(place, size=7) | {"opacity": 0.45},
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
                line={"color": color_of(place), "width": 2},
                marker=marker_of(place, size=10),
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
    _lay_out(figure, plot_height=_PANEL * len(panels))
    values = sorted(table[value].unique())
    figure.update_xaxes(title=value.capitalize(), tickvals=values)
    return figure


def _dots(table: pd.DataFrame, plan: StudyPlan, labels: dict[str, str]) -> go.Figure:
    """Draw accuracy of named variants: a panel a source, a row a variant, a mark a split."""
    panels = _panels(table)
    heights = [len(labels) + len(_references(plan, source)) for source in panels]
    plot_height = _ROW * sum(heights) + _FRAME * (len(panels) - 1)
    figure = new_panels(
        rows=len(panels),
        cols=1,
        row_heights=heights,
        # A single row is lower than the frame between panels, of which there is none.
        vertical_spacing=min(_FRAME / plot_height, 0.5),
        subplot_titles=_titles(panels),
    )
    places = {variant: place for place, variant in enumerate(labels)}
    for row, (source, rows) in enumerate(panels.items(), start=1):
        kinds = list(rows["data"].unique())
        for i, data in enumerate(kinds):
            place = _place(data)
            name = split_name(data)
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
                    marker=marker_of(place, size=size) | {"opacity": opacity},
                    name=name,
                    legendgroup=name,
                    showlegend=values is means,
                    customdata=[labels[variant] for variant in values.index],
                    hovertemplate=f"%{{customdata}}, {name}: %{{x:.1f}} %<extra></extra>",
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
                hovertemplate="%{x:.1f} %, %{customdata}<extra></extra>",
            )
        names = [*labels.values(), *(reference.label for reference in references)]
        shown = [*rows["accuracy"], *(reference.accuracy for reference in references)]
        figure.update_yaxes(
            tickvals=list(range(len(names))),
            ticktext=[_wrapped(name) for name in names],
            range=[len(names) - 0.5, -0.5],
            row=row,
            col=1,
        )
        figure.update_xaxes(
            title="Accuracy (%)", range=_percent_range(shown), showgrid=True, row=row, col=1
        )
    _once_in_the_legend(figure)
    _lay_out(figure, plot_height=plot_height)
    return figure


def _heat_maps(table: pd.DataFrame, plan: StudyPlan) -> go.Figure:
    """Draw mean accuracy over two numbers: a heat map a split, all in the same colours."""
    y_value, x_value = plan.values
    kinds = list(table["data"].unique())
    n_columns = min(_MAPS_IN_A_ROW, len(kinds))
    n_rows = math.ceil(len(kinds) / n_columns)
    several = table["data"].map(source_name).nunique() > 1
    titles = [data_name(data) if several else split_name(data) for data in kinds]
    plot_height = n_rows * (_ROW * table[y_value].nunique() + _FRAME)
    figure = new_panels(
        rows=n_rows,
        cols=n_columns,
        shared_yaxes=True,
        horizontal_spacing=0.03,
        vertical_spacing=_FRAME / plot_height,
        subplot_titles=[title.replace(" (", "<br>(") for title in titles],
    )
    for i, data in enumerate(kinds):
        grid = table[table["data"] == data].pivot_table(
            index=y_value, columns=x_value, values="accuracy", aggfunc="mean"
        )
        row, col = divmod(i, n_columns)
        figure.add_heatmap(
            x=[str(x) for x in grid.columns],
            y=[str(y) for y in grid.index],
            z=100 * grid.to_numpy(),
            row=row + 1,
            col=col + 1,
            coloraxis="coloraxis",
            name=titles[i],
            hovertemplate=f"{titles[i]}<br>{y_value} %{{y}}, {x_value} %{{x}}: %{{z:.1f}} %<extra></extra>",
        )
        if col == 0:
            figure.update_yaxes(title=y_value.capitalize(), row=row + 1, col=1)
    shown = [value for cells in figure.data for value in cells.z.ravel() if not math.isnan(value)]
    low, high = min(shown), max(shown)
    _write_numbers(figure, low=low, high=high, digits=1)
    _lay_out(figure, plot_height=plot_height, legend=False)
    figure.update_layout(
        coloraxis={"colorscale": _SHADES, "showscale": False, "cmin": low, "cmax": high},
        margin_t=56,
    )
    figure.update_xaxes(title=x_value.capitalize(), type="category", showgrid=False)
    figure.update_yaxes(type="category", showgrid=False)
    return figure


def _write_numbers(figure: go.Figure, *, low: float, high: float, digits: int) -> None:
    """Write the number into each cell of a figure's heat maps.

    Plotly's own choice of white or grey is hard to read on the middle shades.

    Args:
        figure: of nothing but heat maps, which gets a trace of text for each.
        low: the value of the darkest shade.
        high: that of the brightest.
        digits: after the point.
    """
    for cells in list(figure.data):
        shown = [
            (x, y, value)
            for y, row in zip(cells.y, cells.z, strict=True)
            for x, value in zip(cells.x, row, strict=True)
            if not math.isnan(value)
        ]
        x, y, values = zip(*shown, strict=True)
        places = [(value - low) / (high - low) if high > low else 0.0 for value in values]
        figure.add_scatter(
            x=x,
            y=y,
            text=[f"{value:.{digits}f}" for value in values],
            textfont={"color": [_text_color(color) for color in _shades(places)]},
            mode="text",
            xaxis=cells.xaxis,
            yaxis=cells.yaxis,
            hoverinfo="skip",
            showlegend=False,
        )


def _shades(places: list[float]) -> list[tuple[float, float, float]]:
    """Return the colours at places from 0 to 1 of the scale of heat maps, RGB from 0 to 1."""
    return [
        tuple(part / 255 for part in unlabel_rgb(color))
        for color in sample_colorscale(_SHADES, places)
    ]


def _text_color(ground: tuple[float, float, float]) -> str:
    """Return white, or black where its contrast with the ground is higher (WCAG 2, relative luminance)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in ground]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    white, black = _TEXT_COLORS
    return white if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.0555 else black


def _accuracy_reading(table: pd.DataFrame, plan: StudyPlan, *, clean: bool, from_zero: bool) -> str:
    counts = [
        f"{data_name(data)}: {_counts(table.loc[table['data'] == data, 'n'])}"
        for data in table["data"].unique()
    ]
    said = [
        "Share of faces in percent that was answered as labelled"
        f"{_over_seeds(plan)}. Faces: {'; '.join(counts)}."
    ]
    if table.groupby("data")["n"].nunique().max() > 1:
        said.append("A network is measured on the faces whose class it knows.")
    if clean:
        said.append(
            "Only faces without a copy in the training data are counted, except in Training, which is "
            "whole."
        )
    else:
        said.append(
            "All faces of each split are counted; some of PublicTest's and PrivateTest's have a copy in "
            "the training data."
        )
    said.append(
        "Each run answers with the weights that were best on validation, without variation of images and "
        "dropout, also on Training."
    )
    if not from_zero:
        said.append("The scale does not begin at 0.")
    if plan.references and not from_zero:
        said.append("Grey marks are figures that others published; they were not measured here.")
    return " ".join(said)


def _over_seeds(plan: StudyPlan) -> str:
    return f", means of up to {len(plan.seeds)} seeds" if len(plan.seeds) > 1 else ""


def _counts(n: pd.Series) -> str:
    """Return how many faces; networks that know a class more are measured on a few more."""
    low, high = n.min(), n.max()
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _panels(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of each source, in the order in which they were measured."""
    sources = table["data"].map(source_of)
    return {source: table[sources == source] for source in sources.unique()}


def _titles(panels: dict[str, pd.DataFrame]) -> list[str] | None:
    return [source_name(f"{source}:") for source in panels] if len(panels) > 1 else None


def _references(plan: StudyPlan, source: str) -> tuple[Reference, ...]:
    """Return the published figures of a panel: they stand in the first."""
    return plan.references if source == source_of(plan.measured_on[0]) else ()


def _place(data: str) -> int:
    """Return the place in the palette of series of what was measured on "SOURCE:SPLIT"."""
    return _WHOLE_PLACE if is_whole(data) else _PLACES[split_of(data)]


def _percent_range(fractions: list[float]) -> list[float]:
    """Return the ends of a scale in percent, full tens with some room around the values."""
    low, high = (100 * end for end in (min(fractions), max(fractions)))
    return [max(0, 10 * math.floor((low - 2) / 10)), min(101, 10 * math.ceil((high + 2) / 10))]


def _wrapped(label: str) -> str:
    return "<br>".join(textwrap.wrap(label, _LABEL_WIDTH, break_long_words=False))


def _slug(plan: StudyPlan) -> str:
    return plan.name.replace("_", "-")


def _once_in_the_legend(figure: go.Figure) -> None:
    """Leave the first entry of each name in the legend: panels share them."""
    seen = set()
    for trace in figure.data:
        if trace.showlegend is not False:
            trace.showlegend = trace.name not in seen
            seen.add(trace.name)


def _lay_out(figure: go.Figure, *, plot_height: float, legend: bool = True) -> None:
    """Give a figure its height: of its panels, what is around them, and a legend below."""
    lay_out(figure, height=plot_height + _FRAME + (_LEGEND if legend else 0))
    figure.update_layout(margin_t=_TOP, showlegend=legend)
