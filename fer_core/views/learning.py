"""How a network was trained, epoch by epoch."""

import pandas as pd
from plotly.subplots import make_subplots

from fer_core.views.plots import lay_out, line_of
from fer_core.views.view import View


def learning_view(history: pd.DataFrame, name: str) -> View:
    """Return loss and accuracy of each epoch of a network's training, from its history.csv."""
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    kinds = (("", "training"), ("val_", "validation"))
    for row, (column, factor) in enumerate((("accuracy", 100), ("loss", 1)), start=1):
        for i, (prefix, kind) in enumerate(kinds):
            if prefix + column not in history:
                continue
            figure.add_scatter(
                x=history["epoch"],
                y=factor * history[prefix + column],
                mode="lines",
                name=kind,
                legendgroup=kind,
                showlegend=row == 1,
                line=line_of(i),
                hovertemplate="epoch %{x}: %{y:.3g}<extra>" + kind + "</extra>",
                row=row,
                col=1,
            )
    lay_out(figure, height=520, x="", y="")
    figure.update_xaxes(title="Epoch", row=2, col=1)
    figure.update_yaxes(title="Accuracy (%)", row=1, col=1)
    figure.update_yaxes(title="Loss (nats)", row=2, col=1)
    return View(
        f"learning-{name}",
        f"How {name} was trained",
        figure,
        f"Weights {name}: each epoch is one pass through the training data, whose images are varied and "
        "whose labels may be softened, so training can look worse than validation. A gap that opens to the "
        "other side is learning by heart.",
        history,
    )
