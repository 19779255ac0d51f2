"""The parts of a run besides its loop: network, data and loss."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from training.schema.figure import Figure

if TYPE_CHECKING:
    import keras


class Phase(NamedTuple):
    """Consecutive epochs with one augmentation.

    Attributes:
        end: the epoch at which it ends.
        enter: takes the network, makes the batches ready for the phase, and returns the model that is
            fed with them, not yet compiled.
    """

    end: int
    enter: "Callable[[keras.Model], keras.Model]"


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Data, network and loss of a run.

    Attributes:
        network: with the weights that it starts with, at the sizes that training sees.
        served: builds the untrained network as it is served, with the same weights in order.
        train: batches of inputs and targets, which has `shuffle(seed, epoch)`.
        valid: the same of the validation rows, by the names of their sources; epochs are compared by the mean
            of the figure over these.
        statistics: inputs that batch statistics of averaged weights are measured on, by name.
        phases: in order; the last one ends the run.
        loss, metric: as `keras.Model.compile` takes them.
        figure: of that metric.
        n_train: rows trained on.
        data_sha256: of their images and labels.
        n_left_out: rows of the training split that the recipe leaves out.
        class_shares: float64 (classes,), the mean training target of each class; None without classes.
    """

    network: "keras.Model"
    served: "Callable[[], keras.Model]"
    train: "keras.utils.PyDataset"
    valid: "dict[str, keras.utils.PyDataset]"
    statistics: dict[str, np.ndarray]
    phases: tuple[Phase, ...]
    loss: "keras.losses.Loss"
    metric: "str | keras.metrics.Metric"
    figure: Figure
    n_train: int
    data_sha256: str
    n_left_out: int
    class_shares: np.ndarray | None = None
