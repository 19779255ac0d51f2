"""Confidence against accuracy: calibration, accuracy against coverage, and levels of confidence."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from fer_core.evaluation import metrics
from fer_core.evaluation.level_accuracy import level_shares
from fer_core.evaluation.metrics import ECE_BINS
from fer_core.evaluation.predictions import EvaluationResult
from fer_core.networks.levels import Level
from fer_core.networks.softmax import softmax
from fer_core.palette import GUIDE_COLOR, network_looks, neutral_look
from fer_core.views.plots import CURVE_HEIGHT, percent_axes, thinned
from fer_core.views.style import guide_line, lay_out, new_figure, rows_from_top
from fer_core.views.view import View

_BEFORE: Final = "before scaling"
#: Look of bars by level, from solid to sparse.
_LEVEL_BARS: Final = {
    level: neutral_look(i)
    for i, level in enumerate((Level.CONFIDENT, Level.PROBABLE, Level.UNCLEAR))
}


def before_scaling(result: EvaluationResult, temperature: float) -> np.ndarray:
    """Return float32 (N, C), the probabilities before temperature scaling.

    Scaled log probabilities are the logits over the temperature but for a constant of each row, which the
    softmax takes away again.
    """
    logits = np.log(np.maximum(result.probabilities, np.finfo(np.float32).tiny)) * temperature
    return softmax(logits)


def reliability_view(
    result: EvaluationResult, name: str, temperature: float | None, on: str
) -> View:
    """Return accuracy against confidence, before and after temperature scaling.

    Args:
        result: the predictions, after scaling.
        name: of the network.
        temperature: that its logits were divided by; None if that is not known.
        on: says which rows of which data set these are.
    """
    kinds = {"as uploaded" if temperature is None else "after scaling": result.probabilities}
    if temperature is not None:
        kinds = {_BEFORE: before_scaling(result, temperature), **kinds}
    figure = new_figure()
    figure.add_scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        line=guide_line(),
        name="perfect calibration",
        hoverinfo="skip",
    )
    tables = []
    for kind, probabilities in kinds.items():
        look = neutral_look(2) if kind == _BEFORE else network_looks([name])[name]
        table = reliability(result.labels, probabilities)
        error = metrics.ece(result.labels, probabilities)
        figure.add_scatter(
            x=100 * table["mean confidence"],
            y=100 * table["accuracy"],
            mode="lines+markers",
            name=f"{kind}: ECE {error:.3f}",
            line=look.line,
            marker=look.marker() | {"size": 6 + 24 * np.sqrt(table["faces"] / len(result))},
            customdata=table["faces"],
            hovertemplate="confidence %{x:.1f}%, accuracy %{y:.1f}%, %{customdata} faces<extra></extra>",
        )
        tables.append(table.assign(probabilities=kind, ece=error))
    lay_out(figure, height=CURVE_HEIGHT, x="Mean confidence (%)", y="Accuracy (%)")
    percent_axes(figure)
    said = (
        ""
        if temperature is None
        else f" Temperature scaling divides the logits by {temperature:.3f}, chosen on clean validation "
        "faces."
    )
    return View(
        f"reliability-{name}",
        f"Calibration of {name}",
        figure,
        f"Below the dashed line, confidence is higher than accuracy. {on} Faces are sorted into {ECE_BINS} "
        "intervals of confidence, and larger marks stand for more faces. On the dashed line, predictions "
        f"with 70% confidence are right in 70% of cases.{said}",
        pd.concat(tables, ignore_index=True),
    )


def reliability(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Return accuracy and mean confidence of each interval of confidence that has rows."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    interval = metrics.confidence_interval_of(confidence, ECE_BINS)
    rows = pd.DataFrame({"interval": interval, "confidence": confidence, "right": right})
    table = rows.groupby("interval").agg(
        **{
            "mean confidence": ("confidence", "mean"),
            "accuracy": ("right", "mean"),
            "faces": ("right", "size"),
        }
    )
    table.insert(0, "confidence above", table.index / ECE_BINS)
    return table.reset_index(drop=True)


def risk_coverage(result: EvaluationResult) -> pd.DataFrame:
    """Return the accuracy of the covered rows at each threshold, most confident rows first.

    Columns: threshold (a confidence), coverage (share of rows with at least that confidence), accuracy
    (on these). After Geifman and El-Yaniv 2017 (arXiv:1705.08500), whose risk is 1 - accuracy.
    """
    confidence = result.confidence
    order = np.argsort(-confidence, kind="stable")
    right = result.is_right[order]
    answered = np.arange(1, len(result) + 1)
    # A threshold cannot part rows of equal confidence.
    ends = np.append(confidence[order][:-1] > confidence[order][1:], True)
    table = pd.DataFrame(
        {
            "threshold": confidence[order],
            "coverage": answered / len(result),
            "accuracy": np.cumsum(right) / answered,
        }
    )
    return table[ends].reset_index(drop=True)


def risk_coverage_view(results: Mapping[str, EvaluationResult], threshold: float, on: str) -> View:
    """Return accuracy against coverage, with a mark at one threshold on each curve."""
    figure = new_figure()
    tables = []
    looks = network_looks(results)
    for name, result in results.items():
        table = risk_coverage(result)
        shown = table.iloc[thinned(len(table))]
        figure.add_scatter(
            x=100 * shown["coverage"],
            y=100 * shown["accuracy"],
            mode="lines",
            name=name,
            line=looks[name].line,
            customdata=shown["threshold"],
            hovertemplate="coverage %{x:.1f}%, accuracy %{y:.1f}%, threshold %{customdata:.2f}"
            "<extra>" + name + "</extra>",
        )
        coverage, accuracy = metrics.coverage_and_accuracy(
            result.labels, result.probabilities, threshold
        )
        figure.add_scatter(
            x=[100 * coverage],
            y=[100 * accuracy],
            mode="markers",
            marker=looks[name].marker(size=14) | {"line": {"color": GUIDE_COLOR, "width": 1}},
            showlegend=False,
            hovertemplate=f"{name} at {threshold:.2f}: coverage %{{x:.1f}}%, accuracy %{{y:.1f}}%"
            "<extra></extra>",
        )
        tables.append(table.assign(network=name))
    lay_out(figure, height=CURVE_HEIGHT, x="Coverage (% of faces)", y="Accuracy (%)")
    figure.update_xaxes(range=[0, 101])
    return View(
        "risk-coverage",
        "Accuracy against coverage",
        figure,
        f"A higher threshold covers fewer faces with higher accuracy; marks show the chosen threshold. {on} "
        "The curve is noisy on the far left, where few faces are left.",
        pd.concat(tables, ignore_index=True),
    )


def levels_view(
    results: Mapping[str, EvaluationResult], thresholds: Mapping[str, float], on: str
) -> View:
    """Return the share of predictions at each level of confidence, with the share of correct ones.

    Args:
        results: by network.
        thresholds: of the same networks: the confidence from which a prediction is confident.
        on: says which rows of which data set these are.
    """
    table = levels_table(results, thresholds)
    figure = new_figure()
    for level, look in _LEVEL_BARS.items():
        part = table[table["level"] == level]
        figure.add_bar(
            x=100 * part["share"],
            y=part["network"],
            orientation="h",
            name=level.capitalize(),
            marker=look.bar,
            customdata=part[["predictions", "accuracy"]].assign(accuracy=100 * part["accuracy"]),
            hovertemplate="%{y}: %{x:.1f}% of faces (%{customdata[0]:,}), %{customdata[1]:.1f}% right"
            f"<extra>{level}</extra>",
        )
    lay_out(figure, height=140 + 44 * len(thresholds), x="Share of faces (%)")
    figure.update_layout(barmode="stack", legend={"traceorder": "normal"})
    figure.update_xaxes(range=[0, 101])
    rows_from_top(figure, of_bars=True)
    return View(
        "levels",
        "Levels of confidence",
        figure,
        f"How many predictions are confident, probable or unclear. {on} Confident: the confidence reaches "
        "the network's threshold. Probable: it does not, but the first expression leads clearly. Unclear: "
        "the first two are close.",
        table,
    )


def levels_table(
    results: Mapping[str, EvaluationResult], thresholds: Mapping[str, float]
) -> pd.DataFrame:
    """Return count and share of predictions, and of the correct ones, by network and level.

    An accuracy without predictions is NaN.
    """
    return pd.DataFrame(
        {
            "network": name,
            "level": level,
            "predictions": share.n,
            "share": share.n / max(share.total, 1),
            "right": share.right,
            "accuracy": np.nan if share.accuracy is None else share.accuracy,
            "faces": share.total,
        }
        for name, threshold in thresholds.items()
        for level, share in level_shares(results[name], threshold).items()
    )
