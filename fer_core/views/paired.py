"""Two networks on the same faces."""

import numpy as np
import pandas as pd

from fer_core.evaluation.predictions import EvaluationResult, PairedComparison
from fer_core.palette import GUIDE_COLOR, network_looks
from fer_core.views.style import lay_out, new_figure, without_grid
from fer_core.views.view import View


def paired_view(
    first: EvaluationResult, second: EvaluationResult, names: tuple[str, str], on: str
) -> View:
    """Return the number of faces that only one of two networks gets right, by label."""
    right, also = first.is_right, second.is_right
    expressions = [str(expression) for expression in first.expressions]
    n_classes = len(expressions)
    only = [
        np.bincount(first.labels[mask], minlength=n_classes)
        for mask in (right & ~also, also & ~right)
    ]
    figure = new_figure()
    looks = network_looks(names)
    for i, (name, counts) in enumerate(zip(names, only, strict=True)):
        figure.add_bar(
            x=counts if i else -counts,
            y=expressions,
            orientation="h",
            name=f"only {name} right",
            marker=looks[name].bar,
            text=counts,
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{text} faces<extra></extra>",
        )
    reach = max(1, *(int(c.max()) for c in only)) * 1.25
    lay_out(figure, height=130 + 40 * n_classes, x="Faces")
    figure.update_layout(barmode="relative")
    figure.update_xaxes(
        range=[-reach, reach], showticklabels=False, zeroline=True, zerolinecolor=GUIDE_COLOR
    )
    without_grid(figure)
    data = pd.DataFrame({"label": expressions, **dict(zip(names, only, strict=True))})
    return View(
        "paired",
        "Faces that only one network gets right",
        figure,
        f"By label, the faces that one network gets right and the other wrong. {on} Faces on which both are "
        "right or both wrong do not tell which is better and are left out.",
        data,
    )


def comparison_sentence(comparison: PairedComparison, names: tuple[str, str]) -> str:
    """Return a paired comparison in words."""
    first, second = comparison.accuracies
    low, high = (100 * edge for edge in comparison.interval)
    p = comparison.p_value
    verdict = (
        "by chance alone a difference this large would be rare"
        if p < 0.05
        else "chance could explain the difference"
    )
    return (
        f"Of {comparison.n:,} faces, {names[1]} gets {second:.1%} right and {names[0]} {first:.1%}. The "
        f"difference is {100 * comparison.difference:+.1f} points (95% bootstrap interval {low:+.1f} to "
        f"{high:+.1f}). Only {names[1]} is right on {comparison.only_second:,} faces, only {names[0]} on "
        f"{comparison.only_first:,} (McNemar's exact p = {p:.2g}): {verdict}."
    )
