"""Heat maps of studies, accuracy over two settings and recall by class, and the layout of their figures."""

import math
import textwrap
from typing import Final

import pandas as pd
import plotly.graph_objects as go

from fer_core.data_names import data_name, source_name, split_name
from fer_core.palette import GUIDE_COLOR
from fer_core.studies.numbers import labels_of, recalls
from fer_core.studies.plans import StudyPlan, StudyResults
from fer_core.views.style import add_cells, lay_out, new_figure, new_panels, without_grid
from fer_core.views.view import View

#: Pixels: of a panel with a vertical scale, of a row of dots or of a heat map, of what is around a
#: panel, and of a legend of some lines.
PANEL: Final = 260
ROW: Final = 46
FRAME: Final = 84
_LEGEND: Final = 84
#: Above the panels, for their titles.
_TOP: Final = 36
#: Heat maps side by side.
_MAPS_IN_A_ROW: Final = 3
#: Characters in a line of a label, for narrow windows.
_LABEL_WIDTH: Final = 16


def recalls_view(results: StudyResults, data: str) -> View:
    """Return the recall of each class by variant on "SOURCE:SPLIT", as a heat map with numbers."""
    labels = labels_of(results)
    table = 100 * recalls(results, data)
    names = [name.capitalize() for name in table.columns]
    rows = [wrapped(labels[variant]) for variant in table.index]
    figure = new_figure()
    add_cells(
        figure,
        table.to_numpy(),
        x=[*names[:-1], "<b>Mean</b>"],
        y=rows,
        text=[[f"{value:.0f}" for value in row] for row in table.to_numpy()],
        ends=(0, 100),
        hovertemplate="%{y}<br>%{x}: %{z:.1f}%<extra></extra>",
    )
    # Sets the mean apart from the classes.
    figure.add_vline(x=len(names) - 1.5, line={"color": GUIDE_COLOR, "width": 3})
    lay_out_study(figure, plot_height=max(3, len(rows)) * ROW, legend=False)
    without_grid(figure)
    figure.update_xaxes(title="Recall (%)", tickangle=-55)
    unknown = (
        " Classes that a network does not know are left out of its mean."
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
        name=f"{slug(results.plan)}-recalls",
        title="Recall by class",
        figure=figure,
        reading=f"Recall (%) of each class on the whole of {data_name(data)}{over_seeds(results.plan)}. The "
        "mean over the classes is the balanced accuracy, in which rare classes count as much as frequent "
        f"ones. It is highest for {labels[best]}: {table['mean'][best]:.1f}%. The hardest class is "
        f"{hardest}, from {worst.min():.1f}% ({labels[low]}) to {worst.max():.1f}% "
        f"({labels[high]}).{unknown}",
        data=tidy.assign(data=data),
    )


def heat_maps(table: pd.DataFrame, plan: StudyPlan) -> go.Figure:
    """Return mean accuracy over two numbers, a heat map per split, all in the same colours."""
    y_value, x_value = plan.values
    kinds = list(table["data"].unique())
    n_columns = min(_MAPS_IN_A_ROW, len(kinds))
    n_rows = math.ceil(len(kinds) / n_columns)
    several = table["data"].map(source_name).nunique() > 1
    titles = [data_name(data) if several else split_name(data) for data in kinds]
    plot_height = n_rows * (ROW * table[y_value].nunique() + FRAME)
    figure = new_panels(
        rows=n_rows,
        cols=n_columns,
        shared_yaxes=True,
        horizontal_spacing=0.03,
        vertical_spacing=FRAME / plot_height,
        subplot_titles=[title.replace(" (", "<br>(") for title in titles],
    )
    grids = [
        100
        * table[table["data"] == data].pivot_table(
            index=y_value, columns=x_value, values="accuracy", aggfunc="mean"
        )
        for data in kinds
    ]
    ends = min(grid.min(axis=None) for grid in grids), max(grid.max(axis=None) for grid in grids)
    # Cells lie at the names of their rows and columns, not at the numbers in these.
    figure.update_xaxes(title=x_value.capitalize(), type="category", showgrid=False)
    figure.update_yaxes(type="category", showgrid=False)
    for i, grid in enumerate(grids):
        row, col = divmod(i, n_columns)
        add_cells(
            figure,
            grid.to_numpy(),
            x=[str(x) for x in grid.columns],
            y=[str(y) for y in grid.index],
            text=[[f"{value:.1f}" for value in values] for values in grid.to_numpy()],
            ends=ends,
            place=(row + 1, col + 1),
            name=titles[i],
            hovertemplate=f"{titles[i]}<br>{y_value} %{{y}}, {x_value} %{{x}}: %{{z:.1f}}%<extra></extra>",
        )
        if col == 0:
            figure.update_yaxes(title=y_value.capitalize(), row=row + 1, col=1)
    lay_out_study(figure, plot_height=plot_height, legend=False)
    figure.update_layout(margin_t=56)
    return figure


def over_seeds(plan: StudyPlan) -> str:
    """Return the words for means over seeds; empty for one seed."""
    return f", means of up to {len(plan.seeds)} seeds" if len(plan.seeds) > 1 else ""


def wrapped(label: str) -> str:
    """Return a label with line breaks for a narrow window."""
    return "<br>".join(textwrap.wrap(label, _LABEL_WIDTH, break_long_words=False))


def slug(plan: StudyPlan) -> str:
    """Return the start of the names of a study's views."""
    return plan.name.replace("_", "-")


def lay_out_study(figure: go.Figure, *, plot_height: float, legend: bool = True) -> None:
    """Set a figure's height: of its panels, their surroundings, and a legend below."""
    lay_out(figure, height=plot_height + FRAME + (_LEGEND if legend else 0))
    figure.update_layout(margin_t=_TOP, showlegend=legend)
