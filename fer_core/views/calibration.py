"""How sure a network is, how right it then is, and what not answering would buy."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from fer_core.evaluation import metrics
from fer_core.evaluation.metrics import ECE_BINS
from fer_core.evaluation.predictions import EvaluationResult
from fer_core.networks.softmax import softmax
from fer_core.views.plots import CURVE_HEIGHT, percent_axes, thinned
from fer_core.views.style import GUIDE_COLOR, guide_line, lay_out, line_of, marker_of, new_figure
from fer_core.views.view import View


def before_scaling(result: EvaluationResult, temperature: float) -> np.ndarray:
    """Return float32 (N, C), the probabilities as they were before temperature scaling.

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
    kinds = {"as given" if temperature is None else "after scaling": result.probabilities}
    if temperature is not None:
        kinds = {"before scaling": before_scaling(result, temperature), **kinds}
    figure = new_figure()
    figure.add_scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        line=guide_line(),
        name="as right as sure",
        hoverinfo="skip",
    )
    tables = []
    for i, (kind, probabilities) in enumerate(kinds.items()):
        table = reliability(result.labels, probabilities)
        error = metrics.ece(result.labels, probabilities)
        figure.add_scatter(
            x=100 * table["mean confidence"],
            y=100 * table["accuracy"],
            mode="lines+markers",
            name=f"{kind}: ECE {100 * error:.1f} %",
            line=line_of(i),
            marker=marker_of(i) | {"size": 6 + 24 * np.sqrt(table["faces"] / len(result))},
            customdata=table["faces"],
            hovertemplate="sure %{x:.1f} %, right %{y:.1f} %, %{customdata} faces<extra></extra>",
        )
        tables.append(table.assign(probabilities=kind, ece=error))
    lay_out(figure, height=CURVE_HEIGHT, x="Mean confidence (%)", y="Accuracy (%)")
    percent_axes(figure)
    said = (
        ""
        if temperature is None
        else f" Scaling divides the network's outputs by {temperature:.3f}, chosen on the clean rows of "
        "its validation split."
    )
    return View(
        f"reliability-{name}",
        f"Is {name} as right as it is sure?",
        figure,
        f"{on} Faces are sorted into {ECE_BINS} intervals of confidence; on the dashed line a network that "
        "says 70 % is right in 70 %. Below it, it is too sure. Few faces lie in the intervals of low "
        f"confidence.{said}",
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
    """Return the accuracy of the rows answered at each threshold, the surest rows first.

    Columns: threshold (a confidence), coverage (share of rows with at least that confidence), accuracy
    (on these). After Geifman and El-Yaniv 2017 (arXiv:1705.08500), whose risk is 1 - accuracy.
    """
    confidence = result.probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    right = (result.probabilities.argmax(axis=1) == result.labels)[order]
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
    """Return accuracy against the share of faces answered, with the place of one threshold on each."""
    figure = new_figure()
    tables = []
    for i, (name, result) in enumerate(results.items()):
        table = risk_coverage(result)
        shown = table.iloc[thinned(len(table))]
        figure.add_scatter(
            x=100 * shown["coverage"],
            y=100 * shown["accuracy"],
            mode="lines",
            name=name,
            line=line_of(i),
            customdata=shown["threshold"],
            hovertemplate="answers %{x:.1f} %, right in %{y:.1f} %, from %{customdata:.2f}"
            "<extra>" + name + "</extra>",
        )
        coverage, accuracy = metrics.coverage_and_accuracy(
            result.labels, result.probabilities, threshold
        )
        figure.add_scatter(
            x=[100 * coverage],
            y=[100 * accuracy],
            mode="markers",
            marker=marker_of(i, size=14) | {"line": {"color": GUIDE_COLOR, "width": 1}},
            showlegend=False,
            hovertemplate=f"{name} from {threshold:.2f}: answers %{{x:.1f}} %, right in %{{y:.1f}} %"
            "<extra></extra>",
        )
        tables.append(table.assign(network=name))
    lay_out(figure, height=CURVE_HEIGHT, x="Faces answered (%)", y="Accuracy on these (%)")
    figure.update_xaxes(range=[0, 101])
    return View(
        "risk-coverage",
        "What abstaining buys",
        figure,
        f"{on} A network that answers only when it is sure enough answers fewer faces (to the left) and is "
        "right more often (upwards). The marks stand at the threshold chosen above. The far left is a "
        "handful of faces and jumps about.",
        pd.concat(tables, ignore_index=True),
    )
