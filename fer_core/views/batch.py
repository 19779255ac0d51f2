"""Summaries of a batch: expressions, and agreement of two networks."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fer_core.batch.results import FACE, counted, level_column, summary
from fer_core.expressions import Expression
from fer_core.networks.levels import Level
from fer_core.palette import GUIDE_COLOR, network_looks
from fer_core.views.style import (
    FIXED_LEGEND,
    add_cells,
    lay_out,
    new_figure,
    pale,
    rows_from_top,
    without_grid,
)
from fer_core.views.view import View

#: Label for faces without a leading expression.
UNCLEAR: Final = str(Level.UNCLEAR)
#: Faces up to which an axis has a tick for each; Plotly would put some between them.
_FEW: Final = 5
_PALE: Final = "Pale: probable or unclear"
_ROW_HEIGHT: Final = 26
_FRAME_HEIGHT: Final = 120


def expressions_view(
    table: pd.DataFrame, networks: Sequence[str], *, titles: Mapping[str, str] | None = None
) -> View:
    """Return the number of faces per expression and network.

    Args:
        table: rows of `batch.results_table`.
        networks: names of the networks that were asked.
        titles: what networks are called, by name; by default by their names.
    """
    titles = titles or {}
    faces = table[table[FACE] > 0]
    answers = answers_table(table, networks)
    rows = _rows(answers)
    figure = new_figure()
    data = []
    most = 0
    for name, look in network_looks(networks).items():
        title, color = titles.get(name, name), look.color
        counts = _counts(answers[name], faces[level_column(name)], rows)
        totals = np.sum(list(counts.values()), axis=0)
        most = max(most, int(totals.max(initial=0)))
        for level, numbers in counts.items():
            figure.add_bar(
                # None leaves no line where there is no bar.
                x=[int(n) or None for n in numbers],
                y=[row.capitalize() for row in rows],
                orientation="h",
                name=title,
                legendgroup=name,
                showlegend=level is Level.CONFIDENT,
                offsetgroup=name,
                marker={
                    "color": color if level is Level.CONFIDENT else pale(color),
                    # Visible on any background, however pale the bar is.
                    "line": {"color": color, "width": 1},
                    "pattern": {
                        "shape": look.pattern,
                        "fillmode": "replace",
                    },
                },
                hovertemplate=f"%{{y}}, {level}: %{{x}} faces<extra>{title}</extra>",
            )
            data += [
                {
                    "network": title,
                    "expression": row,
                    "level": str(level),
                    "faces": int(n),
                    "share": n / max(len(faces), 1),
                }
                for row, n in zip(rows, numbers, strict=True)
                if (row == UNCLEAR) is (level is Level.UNCLEAR)
            ]
        _write_totals(figure, name, totals, rows)
    if any(row["faces"] for row in data if row["level"] != Level.CONFIDENT):
        _explain_pale(figure)
    height = _FRAME_HEIGHT + (_ROW_HEIGHT + 14 * (len(networks) - 1)) * len(rows)
    lay_out(figure, height=height, x="Faces")
    # Room for the number beside the longest bar.
    figure.update_xaxes(range=[0, max(1.0, 1.15 * most)], tickformat=",d")
    if most <= _FEW:
        figure.update_xaxes(dtick=1)
    rows_from_top(figure, of_bars=True)
    figure.update_layout(bargap=0.25, barmode="stack")
    return View(
        "expressions",
        "Apparent expressions",
        figure,
        f"{summary(table)}. {_PALE}.",
        pd.DataFrame(data, columns=["network", "expression", "level", "faces", "share"]),
    )


def agreement_view(
    table: pd.DataFrame, pair: tuple[str, str], *, titles: Mapping[str, str] | None = None
) -> View:
    """Return the counts of pairs of two networks' predictions.

    Args:
        table: rows of `batch.results_table`.
        pair: names of the networks: of the rows and of the columns.
        titles: what networks are called, by name; by default by their names.
    """
    titles = titles or {}
    answers = answers_table(table, pair)
    rows = _rows(answers)
    counts = (
        pd.crosstab(answers[pair[0]], answers[pair[1]])
        .reindex(index=rows, columns=rows, fill_value=0)
        .to_numpy()
    )
    names = [row.capitalize() for row in rows]
    down, across = (titles.get(name, name) for name in pair)
    figure = new_figure()
    add_cells(
        figure,
        # Cells without a face show the ground.
        np.where(counts > 0, counts, np.nan),
        x=names,
        y=names,
        text=[[f"{n:,}" for n in row] for row in counts],
        ends=(0, int(counts.max(initial=0))),
        hovertemplate=f"{down}: %{{y}}<br>{across}: %{{x}}<br>%{{z}} faces<extra></extra>",
    )
    lay_out(figure, height=440, x=across, y=down)
    without_grid(figure)
    # All rows and columns, also those without a face.
    order = {"type": "category", "categoryorder": "array", "categoryarray": names}
    figure.update_xaxes(side="bottom", tickangle=-40, range=[-0.5, len(names) - 0.5], **order)
    figure.update_yaxes(range=[len(names) - 0.5, -0.5], autorange=False, **order)
    index = pd.MultiIndex.from_product([rows, rows], names=[down, across])
    return View(
        "agreement",
        "Agreement of the networks",
        figure,
        _agreement(answers),
        pd.DataFrame({"faces": counts.ravel()}, index=index).reset_index(),
    )


def answers_table(table: pd.DataFrame, networks: Sequence[str]) -> pd.DataFrame:
    """Return each network's expression for each face; UNCLEAR where none leads.

    Args:
        table: rows of `batch.results_table`.
        networks: names of the networks that were asked.

    Returns:
        A row per face, a column per network.
    """
    faces = table[table[FACE] > 0]
    return pd.DataFrame(
        {
            name: faces[name].where(faces[level_column(name)] != Level.UNCLEAR, UNCLEAR)
            for name in networks
        },
        columns=list(networks),
    )


def _counts(answers: pd.Series, levels: pd.Series, rows: list[str]) -> dict[Level, np.ndarray]:
    """Return the faces of each row of a chart, int (len(rows),), at each level."""
    return {
        level: answers[levels == level].value_counts().reindex(rows, fill_value=0).to_numpy()
        for level in Level
    }


def _write_totals(figure: go.Figure, name: str, totals: np.ndarray, rows: list[str]) -> None:
    """Write the total of each row beside its stacked bars."""
    figure.add_bar(
        x=[0] * len(rows),
        base=totals,
        y=[row.capitalize() for row in rows],
        orientation="h",
        offsetgroup=name,
        text=totals,
        textposition="outside",
        cliponaxis=False,
        hoverinfo="skip",
        showlegend=False,
    )


def _explain_pale(figure: go.Figure) -> None:
    """Add an entry for pale bars to the legend."""
    line = {"color": GUIDE_COLOR, "width": 1}
    figure.add_bar(
        x=[None],
        y=[None],
        orientation="h",
        name=_PALE,
        marker={"color": pale(GUIDE_COLOR), "line": line},
        hoverinfo="skip",
    )
    # A click on it would do nothing.
    figure.update_layout(legend=FIXED_LEGEND)


def _rows(answers: pd.DataFrame) -> list[str]:
    """Return the expressions that can occur, in the order of all charts, and UNCLEAR."""
    seen = set(answers.to_numpy().ravel())
    rows = [str(e) for e in Expression if e is not Expression.CONTEMPT or str(e) in seen]
    return [*rows, UNCLEAR]


def _agreement(answers: pd.DataFrame) -> str:
    named = answers[(answers != UNCLEAR).all(axis=1)]
    if named.empty:
        return "On no face do both name an expression."
    same = int((named.iloc[:, 0] == named.iloc[:, 1]).sum())
    return (
        f"Both name an expression on {len(named):,} of {counted(len(answers), 'face')}, the same on {same:,} "
        f"({same / len(named):.0%})."
    )
