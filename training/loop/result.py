"""The result of a finished run."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from training.loop.run_folder import Change
from training.sources.ancestors import Ancestors

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class FitResult:
    """The result of a finished run.

    Attributes:
        network: float32, with the averaged weights of the best epoch.
        history: a row per epoch.
        n_train: rows trained on.
        data_sha256: of their images and labels.
        n_left_out: rows of the training split that the recipe leaves out.
        ancestors: what it took something from, as it was then.
        backend: that trained it, with its version.
        changes: settings that were changed in the course of the run.
        class_shares: `Task.class_shares`.
    """

    network: "keras.Model"
    history: pd.DataFrame
    n_train: int
    data_sha256: str
    n_left_out: int
    ancestors: Ancestors
    backend: str
    changes: list[Change]
    class_shares: np.ndarray | None = None
