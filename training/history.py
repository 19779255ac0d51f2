"""The record of a run: a row per epoch, in a CSV file that is rewritten whole and atomically."""

from pathlib import Path

import pandas as pd

from fer_core.files import replace_file


class History:
    """Rows of epoch, loss, accuracy, val_loss, val_accuracy, learning_rate and seconds.

    `accuracy` and `loss` are measured in training, on augmented images and with the weights of the
    moment; `val_accuracy` and `val_loss` on clean validation rows with the averaged weights.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.table = pd.read_csv(path) if path.is_file() else pd.DataFrame()

    def append(self, row: dict[str, float]) -> None:
        """Add one epoch and write the file."""
        self.table = pd.concat([self.table, pd.DataFrame([row])], ignore_index=True)
        replace_file(self._path, lambda path: self.table.to_csv(path, index=False))

    def truncate(self, n_epochs: int) -> None:
        """Forget the epochs after the first `n_epochs`, which a resumed run is to repeat."""
        self.table = self.table.head(n_epochs)

    def would_be_best(self, val_accuracy: float) -> bool:
        """Return whether a validation accuracy is at least that of every epoch so far."""
        return self.table.empty or bool(val_accuracy >= self.table["val_accuracy"].max())

    def is_stale(self, patience: int) -> bool:
        """Return whether the best validation accuracy lies more than `patience` epochs back."""
        if self.table.empty:
            return False
        return len(self.table) - 1 - int(self.table["val_accuracy"].to_numpy().argmax()) > patience
