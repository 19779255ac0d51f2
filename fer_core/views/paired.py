"""Two networks on the same faces."""

import numpy as np
import pandas as pd

from fer_core.evaluation.predictions import EvaluationResult, PairedComparison
from fer_core.views.style import GUIDE_COLOR, color_of, lay_out, new_figure, without_grid
from fer_core.views.view import View


def paired_view(
    first: EvaluationResult, second: EvaluationResult, names: tuple[str, str], on: str
) -> View:
    """Return, for each label, the faces that only one of two networks has right."""
    right, also = (r.probabilities.argmax(axis=1) == r.labels for r in (first, second))
    expressions = [str(expression) for expression in first.expressions]
    n_classes = len(expressions)
    only = [
        np.bincount(first.labels[mask], minlength=n_classes)
        for mask in (right & ~also, also & ~right)
    ]
    figure = new_figure()
    for i, (name, counts) in enumerate(zip(names, only, strict=True)):
        figure.add_bar(
            x=counts if i else -counts,
            y=expressions,
            orientation="h",
            name=f"only {name} right",
            marker={
                "color": color_of(i),
                "pattern": {"shape": "" if i else "/", "fillmode": "replace"},
            },
            text=counts,
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{text} faces<extra></extra>",
        )
    reach = max(1, *(int(c.max()) for c in only)) * 1.25
    lay_out(figure, height=130 + 40 * n_classes, x="Faces", y="Label")
    figure.update_layout(barmode="relative")
    figure.update_xaxes(
        range=[-reach, reach], showticklabels=False, zeroline=True, zerolinecolor=GUIDE_COLOR
    )
    without_grid(figure)
    data = pd.DataFrame({"label": expressions, **dict(zip(names, only, strict=True))})
    return View(
        "paired",
        "Who is right alone",
        figure,
        f"{on} Faces of each label that one network has right and the other wrong. Faces on which both are "
        "right or both wrong say nothing about which is better, and are left out.",
        data,
    )


def comparison_sentence(comparison: PairedComparison, names: tuple[str, str]) -> str:
    """Return what a paired comparison says, in words."""
    first, second = comparison.accuracies
    low, high = (100 * edge for edge in comparison.interval)
    p = comparison.p_value
    verdict = (
        "the difference is larger than chance alone would make it"
        if p < 0.05
        else "chance alone could make such a difference"
    )
    return (
        f"{names[1]} is right on {second:.2%} of {comparison.n:,} faces, {names[0]} on {first:.2%}: "
        f"{100 * comparison.difference:+.2f} points (95 % bootstrap interval {low:+.2f} to {high:+.2f}). "
        f"Only {names[1]} is right on {comparison.only_second:,}, only {names[0]} on "
        f"{comparison.only_first:,} (McNemar's exact p = {p:.2g}): {verdict}."
    )
