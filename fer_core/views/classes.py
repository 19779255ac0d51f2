"""Each expression separately: precision, recall, F1, and one-against-rest curves."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fer_core.evaluation.predictions import EvaluationResult
from fer_core.expressions import Expression
from fer_core.listing import capitalized
from fer_core.palette import Look, network_looks
from fer_core.views.plots import CURVE_HEIGHT, percent_axes, thinned
from fer_core.views.style import guide_line, lay_out, new_figure, rows_from_top
from fer_core.views.view import View


def class_report(results: Mapping[str, EvaluationResult]) -> pd.DataFrame:
    """Return precision, recall, F1 and number of rows, one row per class and network.

    A precision without answers, and an F1 without both, is 0, as scikit-learn's `zero_division=0`; a
    recall without rows is NaN.
    """
    from sklearn.metrics import precision_recall_fscore_support

    tables = []
    for name, result in results.items():
        precision, recall, f1, support = precision_recall_fscore_support(
            result.labels,
            result.predicted,
            labels=range(len(result.expressions)),
            zero_division=0,
        )
        tables.append(
            pd.DataFrame(
                {
                    "network": name,
                    "expression": [str(expression) for expression in result.expressions],
                    "precision": precision,
                    "recall": np.where(support > 0, recall, np.nan),
                    "F1": f1,
                    "faces": support,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def class_view(results: Mapping[str, EvaluationResult], measure: str, on: str) -> View:
    """Return one measure by class, with one mark per network.

    Args:
        results: by network.
        measure: "recall", "precision" or "F1".
        on: says which rows of which data set these are.
    """
    report = class_report(results)
    figure = new_figure()
    looks = network_looks(results)
    for name, part in report.groupby("network", sort=False):
        figure.add_scatter(
            x=100 * part[measure],
            y=part["expression"],
            mode="markers",
            name=str(name),
            marker=looks[str(name)].marker(size=12),
            customdata=part["faces"],
            hovertemplate="%{y}: %{x:.1f}% (%{customdata} faces)<extra>" + str(name) + "</extra>",
        )
    n_classes = report["expression"].nunique()
    lay_out(figure, height=130 + 40 * n_classes, x=f"{capitalized(measure)} (%)")
    figure.update_xaxes(range=[0, 102])
    rows_from_top(figure)
    meaning = {
        "recall": "Recall: share of the faces with a label that are predicted so.",
        "precision": "Precision: share of the faces with a prediction that are labelled so.",
        "F1": "F1: harmonic mean of precision and recall.",
    }[measure]
    return View(
        f"classes-{measure.lower()}",
        f"{capitalized(measure)} by expression",
        figure,
        f"{meaning} {on} Rare expressions, such as disgust, have few faces, so their values are the least "
        "certain.",
        report,
    )


def precision_recall_view(
    results: Mapping[str, EvaluationResult], expression: Expression, on: str
) -> View:
    """Return precision against recall as the threshold on one class's probability falls."""
    from sklearn.metrics import average_precision_score, precision_recall_curve

    figure = new_figure()
    tables = []
    looks = network_looks(results)
    for name, result in results.items():
        truth, score = _one_against_rest(result, expression)
        precision, recall, thresholds = precision_recall_curve(truth, score, drop_intermediate=True)
        area = average_precision_score(truth, score)
        tables.append(
            _curve(
                figure,
                looks[name],
                name,
                area,
                recall,
                precision,
                np.append(thresholds, 1.0),
                "recall",
                "precision",
            )
        )
    lay_out(figure, height=CURVE_HEIGHT, x="Recall (%)", y="Precision (%)")
    percent_axes(figure)
    return View(
        "precision-recall",
        f"Precision and recall: {expression}",
        figure,
        f"Numbers are average precision; higher is better. {on} A face counts as {expression} if that "
        "probability reaches a threshold. As the threshold falls, recall rises and precision usually falls.",
        pd.concat(tables, ignore_index=True),
    )


def roc_view(results: Mapping[str, EvaluationResult], expression: Expression, on: str) -> View:
    """Return the true against the false positive rate as the threshold on one class falls."""
    from sklearn.metrics import roc_auc_score, roc_curve

    figure = new_figure()
    tables = []
    looks = network_looks(results)
    for name, result in results.items():
        truth, score = _one_against_rest(result, expression)
        false, true, thresholds = roc_curve(truth, score)
        area = roc_auc_score(truth, score)
        columns = ("false positive rate", "true positive rate")
        tables.append(
            _curve(
                figure, looks[name], name, area, false, true, np.minimum(thresholds, 1.0), *columns
            )
        )
    figure.add_scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        line=guide_line(),
        name="chance",
        hoverinfo="skip",
    )
    lay_out(figure, height=CURVE_HEIGHT, x="False positive rate (%)", y="True positive rate (%)")
    percent_axes(figure)
    return View(
        "roc",
        f"ROC: {expression}",
        figure,
        f"Numbers are areas under the curve; higher is better. {on} The area is the chance that a face "
        f"labelled {expression} gets a higher probability of it than another face. It does not show how "
        "rare an expression is, so read it beside precision.",
        pd.concat(tables, ignore_index=True),
    )


def _one_against_rest(
    result: EvaluationResult, expression: Expression
) -> tuple[np.ndarray, np.ndarray]:
    index = result.expressions.index(expression)
    return result.labels == index, result.probabilities[:, index]


def _curve(
    figure: go.Figure,
    look: Look,
    name: str,
    area: float,
    x: np.ndarray,
    y: np.ndarray,
    thresholds: np.ndarray,
    x_name: str,
    y_name: str,
) -> pd.DataFrame:
    """Add one network's curve, thinned to screen resolution, and return its points."""
    keep = thinned(len(x))
    figure.add_scatter(
        x=100 * x[keep],
        y=100 * y[keep],
        mode="lines",
        name=f"{name}: {area:.3f}",
        line=look.line,
        customdata=thresholds[keep],
        hovertemplate="%{x:.1f}%, %{y:.1f}% at %{customdata:.2f}<extra>" + name + "</extra>",
    )
    columns = {x_name: x[keep], y_name: y[keep], "threshold": thresholds[keep]}
    return pd.DataFrame({"network": name, "area": area, **columns})


def areas(results: Mapping[str, EvaluationResult]) -> pd.DataFrame:
    """Return the areas under the precision-recall and ROC curves of each class of each network.

    NaN for a class without rows, or one that all rows have.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    rows = []
    for name, result in results.items():
        for expression in result.expressions:
            truth, score = _one_against_rest(result, expression)
            told_apart = 0 < truth.sum() < len(truth)
            rows.append(
                {
                    "network": name,
                    "expression": str(expression),
                    "average precision": average_precision_score(truth, score)
                    if told_apart
                    else np.nan,
                    "area under ROC": roc_auc_score(truth, score) if told_apart else np.nan,
                    "faces": int(truth.sum()),
                }
            )
    return pd.DataFrame(rows)
