"""What the photos of a batch add up to: expressions, how far the networks agree, photos without a face."""

from collections.abc import Sequence
from typing import Final

import pandas as pd
import plotly.graph_objects as go

from fer_core.batch.results import FACE, OUTCOME, RESULT, Outcome, sure_of
from fer_core.expressions import Expression
from fer_core.views.style import (
    GUIDE_COLOR,
    color_of,
    lay_out,
    new_figure,
    rows_from_top,
    without_grid,
)
from fer_core.views.view import View

_NOT_SURE: Final = str(Outcome.NOT_SURE)
_SURE: Final = (str(Outcome.AGREE), str(Outcome.DIFFER))
_PATTERNS: Final = ("", "/", "x", ".")
_ROW_HEIGHT: Final = 26
_FRAME_HEIGHT: Final = 120
#: Share of the fullest cell from which text on it is white.
_STRONG: Final = 0.6


def expressions_view(table: pd.DataFrame, answers: pd.DataFrame) -> View:
    """Return how many faces each network gives each expression.

    Args:
        table: of `batch.results_table`.
        answers: of `answers_table`.
    """
    networks = list(answers.columns)
    rows = _rows(answers)
    by_network = {name: [int((answers[name] == row).sum()) for row in rows] for name in networks}
    figure = new_figure()
    data = []
    for position, (name, counts) in enumerate(by_network.items()):
        figure.add_bar(
            x=counts,
            y=[row.capitalize() for row in rows],
            orientation="h",
            name=name,
            text=counts,
            textposition="outside",
            cliponaxis=False,
            marker={
                "color": color_of(position),
                "pattern": {"shape": _PATTERNS[position % len(_PATTERNS)], "fillmode": "replace"},
            },
            hovertemplate="%{y}: %{x} faces<extra>" + name + "</extra>",
        )
        data += [
            {"network": name, "answer": row, "faces": n, "share": n / max(len(answers), 1)}
            for row, n in zip(rows, counts, strict=True)
        ]
    height = _FRAME_HEIGHT + (_ROW_HEIGHT + 14 * (len(networks) - 1)) * len(rows)
    lay_out(figure, height=height, x="Faces", y="Apparent expression")
    most = max((n for counts in by_network.values() for n in counts), default=0)
    # Room for the number beside the longest bar.
    figure.update_xaxes(range=[0, max(1.0, 1.12 * most)], tickformat=",d")
    rows_from_top(figure, of_bars=True)
    figure.update_layout(bargap=0.25)
    return View(
        "expressions",
        "Apparent expressions",
        figure,
        f"{_on(table)} A bar counts the faces that a network gives an expression; \u201cnot sure\u201d are "
        f"those on which its confidence is too low for an answer. Asked: {', '.join(networks)}.",
        pd.DataFrame(data, columns=["network", "answer", "faces", "share"]),
    )


def agreement_view(table: pd.DataFrame, answers: pd.DataFrame, pair: tuple[str, str]) -> View:
    """Return how often two networks' answers go together.

    Args:
        table: of `batch.results_table`.
        answers: of `answers_table`.
        pair: names of the networks: of the rows and of the columns.
    """
    rows = _rows(answers)
    counts = (
        pd.crosstab(answers[pair[0]], answers[pair[1]])
        .reindex(index=rows, columns=rows, fill_value=0)
        .to_numpy()
    )
    most = int(counts.max(initial=0))
    names = [row.capitalize() for row in rows]
    figure = new_figure(
        go.Heatmap(
            z=counts,
            x=names,
            y=names,
            zmin=0,
            zmax=max(most, 1),
            hovertemplate=f"{pair[0]}: %{{y}}<br>{pair[1]}: %{{x}}<br>%{{z}} faces<extra></extra>",
        )
    )
    cells = [(i, j, int(n)) for i, row in enumerate(counts) for j, n in enumerate(row) if n]
    strong = [n > _STRONG * most for *_, n in cells]
    # White on strong colours; elsewhere the theme's own colour of text.
    for is_strong, font in ((True, {"color": "#FFFFFF"}), (False, {})):
        those = [cell for cell, dark in zip(cells, strong, strict=True) if dark is is_strong]
        figure.add_scatter(
            x=[names[j] for _, j, _ in those],
            y=[names[i] for i, _, _ in those],
            mode="text",
            text=[f"{n:,}" for *_, n in those],
            textfont={"size": 13, **font},
            hoverinfo="skip",
            showlegend=False,
        )
    lay_out(figure, height=440, x=f"Answer of {pair[1]}", y=f"Answer of {pair[0]}")
    without_grid(figure)
    figure.update_xaxes(side="bottom", tickangle=-40, type="category")
    figure.update_yaxes(type="category")
    index = pd.MultiIndex.from_product([rows, rows], names=list(pair))
    return View(
        "agreement",
        "Do the networks agree?",
        figure,
        f"{_on(table)} Each cell counts faces with these two answers; on the diagonal they are the same. "
        f"{_agreement(table)}",
        pd.DataFrame({"faces": counts.ravel()}, index=index).reset_index(),
    )


def photos_view(table: pd.DataFrame) -> View:
    """Return how many photos show a face, show none, or could not be read.

    Args:
        table: of `batch.results_table`.
    """
    first = table.drop_duplicates(RESULT)
    counts = {
        "with a face": int((first[FACE] > 0).sum()),
        str(Outcome.NO_FACE): int((first[OUTCOME] == Outcome.NO_FACE).sum()),
        str(Outcome.UNREADABLE): int((first[OUTCOME] == Outcome.UNREADABLE).sum()),
    }
    figure = new_figure(
        go.Bar(
            x=list(counts.values()),
            y=[name.capitalize() for name in counts],
            orientation="h",
            text=list(counts.values()),
            textposition="outside",
            cliponaxis=False,
            marker={"color": GUIDE_COLOR},
            hovertemplate="%{y}: %{x} photos<extra></extra>",
        )
    )
    lay_out(figure, height=_FRAME_HEIGHT + _ROW_HEIGHT * len(counts), x="Photos", y="")
    figure.update_xaxes(range=[0, max(1.0, 1.12 * max(counts.values()))], tickformat=",d")
    rows_from_top(figure, of_bars=True)
    return View(
        "photos",
        "Photos",
        figure,
        f"{_on(table)} Photos in which no face was found may still show one that is small, turned away or "
        "dark. Why a file could not be read stands in the table.",
        pd.DataFrame({"outcome": list(counts), "photos": list(counts.values())}),
    )


def answers_table(table: pd.DataFrame, networks: Sequence[str]) -> pd.DataFrame:
    """Return each network's answer to each face, "not sure" where it gives none.

    Args:
        table: of `batch.results_table`.
        networks: that were asked.

    Returns:
        A row a face, a column a network.
    """
    faces = table[table[FACE] > 0]
    return pd.DataFrame(
        {
            name: faces[name].where(faces[sure_of(name)].astype(bool), _NOT_SURE)
            for name in networks
        },
        columns=list(networks),
    )


def _rows(answers: pd.DataFrame) -> list[str]:
    """Return the expressions in the order of all charts, as far as they can come up, and "not sure"."""
    seen = set(answers.to_numpy().ravel())
    rows = [str(e) for e in Expression if e is not Expression.CONTEMPT or str(e) in seen]
    return [*rows, _NOT_SURE]


def _on(table: pd.DataFrame) -> str:
    photos, faces = table[RESULT].nunique(), int((table[FACE] > 0).sum())
    return f"{_number(faces, 'face')} in {_number(photos, 'photo')}."


def _number(n: int, thing: str) -> str:
    return f"{n:,} {thing}{'' if n == 1 else 's'}"


def _agreement(table: pd.DataFrame) -> str:
    faces = int((table[FACE] > 0).sum())
    sure = table[table[OUTCOME].isin(_SURE)]
    same = int((sure[OUTCOME] == Outcome.AGREE).sum())
    if sure.empty:
        return "On no face are both sure."
    return (
        f"Both are sure of {len(sure):,} of {_number(faces, 'face')}, and name the same expression on "
        f"{same:,} of these ({same / len(sure):.0%})."
    )
