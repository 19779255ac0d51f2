"""Confusion matrices whose cells can be clicked."""

from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fer_core.evaluation import metrics
from fer_core.evaluation.predictions import EvaluationResult
from fer_core.expressions import Expression
from fer_core.views.style import (
    DIVERGING,
    SEQUENTIAL,
    add_cells,
    lay_out,
    new_figure,
    without_grid,
)
from fer_core.views.view import View

#: What a cell of a confusion matrix is a share of.
SHARES: Final = ("faces", "of the label", "of the prediction")
_HEIGHT: Final = 520


def confusion_view(result: EvaluationResult, name: str, share: str, on: str) -> View:
    """Return how often each label got each prediction.

    Args:
        result: the predictions.
        name: of the network.
        share: one of SHARES: counts of faces, or percent by row or by column.
        on: says which rows of which data set these are.
    """
    counts = metrics.confusion_matrix(result.labels, result.probabilities)
    values = _shared(counts, share)
    text = [[_cell(value, share) for value in row] for row in values]
    whole = {
        "faces": "Cells count faces",
        "of the label": "Rows add up to 100% of the faces with a label",
        "of the prediction": "Columns add up to 100% of the faces with a prediction",
    }[share]
    figure = _matrix(values, text, counts, result.expressions, diverging=False)
    return View(
        f"confusion-{name}",
        f"Confusion matrix of {name}",
        figure,
        f"{whole}; right predictions lie on the diagonal. {on}",
        _tidy_matrix(counts, result.expressions),
    )


def confusion_difference_view(
    first: EvaluationResult, second: EvaluationResult, names: tuple[str, str], on: str
) -> View:
    """Return the differences between two networks' confusion matrices, in percentage points."""
    counts = [metrics.confusion_matrix(r.labels, r.probabilities) for r in (first, second)]
    change = _shared(counts[1], "of the label") - _shared(counts[0], "of the label")
    text = [[f"{value:+.1f}" if round(value, 1) else "0" for value in row] for row in change]
    figure = _matrix(change, text, counts[1], first.expressions, diverging=True)
    data = _tidy_matrix(counts[0], first.expressions).rename(columns={"faces": names[0]})
    data[names[1]] = counts[1].ravel()
    return View(
        "confusion-difference",
        f"{names[1]} against {names[0]}",
        figure,
        f"Percentage points: green where {names[1]} predicts so more often than {names[0]}, purple where "
        f"less often. {on} On the diagonal more is better, elsewhere less.",
        data,
    )


def _shared(counts: np.ndarray, share: str) -> np.ndarray:
    if share == "faces":
        return counts.astype(float)
    whole = counts.sum(axis=1 if share == "of the label" else 0, keepdims=True)
    result: np.ndarray = 100 * np.divide(counts, whole, out=np.zeros(counts.shape), where=whole > 0)
    return result


def _cell(value: float, share: str) -> str:
    if share == "faces":
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 1 or value == 0 else "< 1"


def _matrix(
    values: np.ndarray,
    text: list[list[str]],
    counts: np.ndarray,
    expressions: tuple[Expression, ...],
    *,
    diverging: bool,
) -> go.Figure:
    """Return a matrix whose cells can be clicked."""
    names = [str(expression) for expression in expressions]
    reach = float(np.abs(values).max()) or 1.0
    figure = new_figure()
    add_cells(
        figure,
        values,
        x=names,
        y=names,
        text=text,
        ends=(-reach if diverging else 0, reach),
        shades=DIVERGING if diverging else SEQUENTIAL,
        hoverinfo="skip",
    )
    # Plotly reports no clicks on a heat map, so its cells are covered with invisible points.
    truth, answer = (grid.ravel() for grid in np.indices(counts.shape))
    figure.add_scatter(
        x=[names[i] for i in answer],
        y=[names[i] for i in truth],
        mode="markers",
        marker={"symbol": "square", "size": 44, "color": "rgba(0,0,0,0)"},
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        customdata=counts.ravel(),
        hovertemplate="labelled %{y}, predicted %{x}: %{customdata} faces<extra></extra>",
        showlegend=False,
    )
    lay_out(figure, height=_HEIGHT, x="Prediction", y="Label")
    without_grid(figure)
    figure.update_xaxes(side="bottom", tickangle=-40)
    return figure


def _tidy_matrix(counts: np.ndarray, expressions: tuple[Expression, ...]) -> pd.DataFrame:
    names = [str(expression) for expression in expressions]
    index = pd.MultiIndex.from_product([names, names], names=["label", "prediction"])
    return pd.DataFrame({"faces": counts.ravel()}, index=index).reset_index()
