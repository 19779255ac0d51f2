"""The record of a run: one row per epoch, in a CSV file that is rewritten atomically."""

from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from fer_core.files import replace_file
from training.schema.figure import Figure

V = TypeVar("V", float, pd.Series)


class History:
    """Rows of epoch, loss, a figure, val_loss, val_ of the figure, learning_rate and seconds.

    The figure and `loss` are measured in training, on augmented images and with the weights of the
    moment; their `val_` on validation rows with the averaged weights, empty in epochs that were not
    validated. Where these are of several sources, both are means over the sources, and `val_FIGURE_SOURCE`
    gives the figure on each.

    Attributes:
        figure: what epochs are compared by.
        table: the rows.
    """

    def __init__(self, path: Path, figure: Figure) -> None:
        """Use a file, which may contain a run's first epochs, and the figure that compares epochs."""
        self._path = path
        self.figure = figure
        self.table = pd.read_csv(path) if path.is_file() else pd.DataFrame()
        self._validation: dict[str, float] = {}

    def take_validation(self, measured: dict[str, dict[str, float]]) -> bool:
        """Add an epoch's loss and figure on each source; return whether it equals or beats all before."""
        name = self.figure.name
        self._validation = {
            f"val_{key}": float(np.mean([logs[key] for logs in measured.values()]))
            for key in ("loss", name)
        }
        if len(measured) > 1:
            self._validation |= {
                f"val_{name}_{source}": logs[name] for source, logs in measured.items()
            }
        return self.would_be_best(self._validation[f"val_{name}"])

    def append(self, trained: dict[str, float], **others: float) -> None:
        """Add one epoch and write the file.

        Args:
            trained: epoch, loss and figure; what was validated since the last epoch is put after them.
            others: further columns.
        """
        name = self.figure.name
        validated = self._validation or {"val_loss": np.nan, f"val_{name}": np.nan}
        self._validation = {}
        row = pd.DataFrame([{**trained, **validated, **others}])
        self.table = row if self.table.empty else pd.concat([self.table, row], ignore_index=True)
        replace_file(self._path, lambda path: self.table.to_csv(path, index=False))

    def truncate(self, n_epochs: int) -> None:
        """Remove the epochs after the first `n_epochs`, which a resumed run repeats."""
        self.table = self.table.head(n_epochs)

    def would_be_best(self, value: float) -> bool:
        """Return whether a validation figure is at least as good as that of every epoch so far."""
        validated = self._of_epochs()
        return validated.empty or bool(self._goodness(value) >= validated.max())

    def is_stale(self, patience: int) -> bool:
        """Return whether the last `patience` epochs did not improve the best validation figure."""
        validated = self._of_epochs()
        if validated.empty:
            return False
        best = validated.index[int(validated.to_numpy().argmax())]
        return bool(len(self.table) - 1 - best >= patience)

    def is_over(self, epochs: int, patience: int) -> bool:
        """Return whether a run has had all its epochs, or its patience is exhausted."""
        return len(self.table) >= epochs or self.is_stale(patience)

    def _of_epochs(self) -> pd.Series:
        """Return the goodness of the epochs that were validated."""
        if self.table.empty:
            return pd.Series(dtype=float)
        return self._goodness(self.table[f"val_{self.figure.name}"]).dropna()

    def _goodness(self, values: V) -> V:
        return values if self.figure.greater_is_better else -values
