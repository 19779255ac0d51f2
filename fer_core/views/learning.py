"""Learning curves of a network."""

from typing import Final

import pandas as pd

from fer_core.data_names import source_name
from fer_core.palette import network_looks, neutral_look
from fer_core.views.style import lay_out, new_panels
from fer_core.views.view import View

#: What columns of the accuracy on one of several validation sets start with.
_PART: Final = "val_accuracy_"
_VALIDATION: Final = "validation"
#: Titles of the two axes and the factor of the first, by the column of what epochs are compared by.
_MEASURES: Final = {
    "accuracy": ("Accuracy (%)", "Loss (nats)", 100),
    "rmse": ("RMSE (pixels)", "Loss", 1),
}
#: Histories of at most so many epochs are drawn with a mark for each.
_FEW_EPOCHS: Final = 10


def learning_view(history: pd.DataFrame, name: str, chosen_on: str | None = None) -> View:
    """Return figure and loss of each epoch of a network's training, from its history.csv.

    Args:
        history: a row per epoch, with `accuracy`, or `rmse` for keypoints, and with a column
            `val_accuracy_SOURCE` for each of several validation sets.
        name: of the network.
        chosen_on: what people call the validation faces; not said by default.

    Raises:
        ValueError: the history has neither column.
    """
    figure = new_panels(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    # One epoch makes no line, and of a few each should be seen.
    own = network_looks([name])[name]
    mode = "lines" if len(history) > _FEW_EPOCHS else "lines+markers"
    sources = validation_sources(history)
    parts = [f"{_PART}{source}" for source in sources]
    kinds = [
        ("training", "{}"),
        (_VALIDATION, "val_{}"),
        *(
            (f"validation, {source_name(f'{source}:valid')}", part)
            for source, part in zip(sources, parts, strict=True)
        ),
    ]
    measure = next((measure for measure in _MEASURES if measure in history), None)
    if measure is None:
        raise ValueError(f"the history has none of the columns {', '.join(_MEASURES)}")
    title, loss_title, factor = _MEASURES[measure]
    for row, (quantity, times) in enumerate(((measure, factor), ("loss", 1)), start=1):
        for i, (kind, pattern) in enumerate(kinds):
            column = pattern.format(quantity)
            # The accuracy on one of several validation sets has no loss beside it.
            if column not in history or (row > 1 and pattern in parts):
                continue
            figure.add_scatter(
                x=history["epoch"],
                y=times * history[column],
                mode=mode,
                name=kind,
                legendgroup=kind,
                showlegend=row == 1,
                line=own.line if kind == _VALIDATION else neutral_look(i + 1).line,
                # Not every epoch need have been validated.
                connectgaps=True,
                hovertemplate="epoch %{x}: %{y:.3g}<extra>" + kind + "</extra>",
                row=row,
                col=1,
            )
    lay_out(figure, height=520)
    figure.update_xaxes(title="Epoch", row=2, col=1)
    figure.update_yaxes(title=title, row=1, col=1)
    figure.update_yaxes(title=loss_title, row=2, col=1)
    return View(
        f"learning-{name}",
        "Learning curves",
        figure,
        "Where training goes on improving and validation does not, the network overfits. "
        f"Weights: {name}. {_chosen_words(chosen_on, parts)}One epoch is one pass through the training data. "
        "Images are augmented and labels may be smoothed, so training can look worse than validation.",
        history,
    )


def validation_sources(history: pd.DataFrame) -> list[str]:
    """Return the validation sources if there are several; otherwise they are not recorded."""
    return [name.removeprefix(_PART) for name in map(str, history) if name.startswith(_PART)]


def _chosen_words(chosen_on: str | None, parts: list[str]) -> str:
    """Return the sentence on how the epoch was chosen, with a trailing blank; empty if unknown."""
    if chosen_on is None:
        return ""
    by = "mean accuracy" if parts else "accuracy"
    return f"The epoch was chosen by {by} on the clean rows of {chosen_on}. "
