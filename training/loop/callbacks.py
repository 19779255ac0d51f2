"""Keras callbacks that keep a run's state on disk. Importing this module starts Keras."""

import contextlib
import logging
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import keras
import numpy as np

from fer_core.files import replace_file
from training.architectures import call_arguments
from training.errors import DivergedError, TrainingError
from training.loop.history import History

log = logging.getLogger(__name__)

#: Images in one pass of measuring batch statistics.
STATISTICS_BATCH: Final = 256
#: Bytes of a weight in a file, and what HDF5 adds to those of a variable at most.
_WEIGHT_BYTES: Final = 4
_VARIABLE_BYTES: Final = 4096


@contextlib.contextmanager
def _failed_writes_explained(folder: Path) -> Iterator[None]:
    """Convert the errors of a full disk into a TrainingError."""
    try:
        yield
    # HDF5 finds out when a file is written or when it is closed, and raises either.
    except (OSError, RuntimeError) as error:
        raise TrainingError(
            f"The state of the run could not be written to {folder} ({error}). What was there is kept: "
            "make room on the disk, and repeat the command with --resume."
        ) from error


def _write_weights(model: keras.Model, path: Path) -> None:
    """Write a model's weights atomically, with those of its optimiser if it has one."""
    optimizer = getattr(model, "optimizer", None)
    variables = [*model.weights, *(optimizer.variables if optimizer else [])]
    size = sum(
        _VARIABLE_BYTES + math.prod(variable.shape) * _WEIGHT_BYTES
        for variable in variables
        # Whole numbers are images that lie on the device: they are not written.
        if keras.backend.is_float_dtype(variable.dtype)
    )

    def write(temporary: Path) -> None:
        # HDF5 crashes the process when the disk becomes full under it, so there is room first.
        with temporary.open("wb") as file:
            _reserve(file, size)
        model.save_weights(temporary)

    replace_file(path, write)


def _reserve(file: IO[bytes], size: int) -> None:
    """Take up room on the disk, or raise OSError."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    else:
        # On macOS and Windows.
        file.write(bytes(size))


class StateWriter(keras.callbacks.Callback):
    """Write the state for resuming after each epoch: weights, optimiser and averages.

    Stops a run whose loss is no longer a number, with the state of the last good epoch kept, and one
    whose best epoch lies far back.
    """

    def __init__(self, path: Path, history: History, *, patience: int) -> None:
        """Use a file, the record of epochs, and the patience in epochs."""
        super().__init__()
        self._path = path
        self._history = history
        self._patience = patience
        self._began = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        if not math.isfinite(logs["loss"]):
            raise DivergedError(
                f"The loss became {logs['loss']} in epoch {epoch + 1}. Lower "
                "optimizer.peak_learning_rate with --set and start over; the state before that "
                f"epoch is still in {self._path.parent}."
            )
        optimizer = self.model.optimizer
        figure = self._history.figure.name
        trained = {"epoch": epoch + 1, **{name: logs[name] for name in ("loss", figure)}}
        with _failed_writes_explained(self._path.parent):
            self._history.append(
                trained,
                learning_rate=float(keras.ops.convert_to_numpy(optimizer.learning_rate)),
                seconds=round(time.perf_counter() - self._began, 2),
            )
            _write_weights(self.model, self._path)
        # From what is written, this epoch included: a resumed run, and the next phase, decide as this one.
        self.model.stop_training |= self._history.is_stale(self._patience)


class AveragedValidation(keras.callbacks.Callback):
    """Validate with the averaged weights, and keep those of the best epoch.

    Batch normalisation's moving statistics belong to the weights of the moment. With averaged weights
    they are wrong, by half of the accuracy while the learning rate is high, so they are measured again
    (Izmailov et al. 2018, arXiv:1803.05407). Afterwards training goes on with what it had.
    """

    def __init__(
        self,
        path: Path,
        network: keras.Model,
        history: History,
        *,
        inputs: dict[str, np.ndarray],
        references: dict[str, keras.utils.PyDataset],
    ) -> None:
        """Use the network inside the trained model, and its validation data.

        Args:
            path: file for the best epoch's weights.
            network: the part of the model that is kept.
            history: tells which epochs were better.
            inputs: of some training samples, images at the size that training sees, to measure its
                statistics on.
            references: batches of validation rows by the names of their sources. Keras has validated on the
                first when this callback validates on the others.
        """
        super().__init__()
        self._path = path
        self._network = network
        self._history = history
        self._inputs = inputs
        self._norms = [
            layer
            for layer in network._flatten_layers(include_self=False)
            if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        ]
        self._references = references
        self._training_weights: list[np.ndarray] = []

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        optimizer = self.model.optimizer
        # With a 16-bit policy a loss-scaling optimiser stands around the one that averages.
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        self._training_weights = self._network.get_weights()
        averages = optimizer._model_variables_moving_average
        pairs = zip(optimizer._trainable_variables, averages, strict=True)
        for variable, average in pairs:
            # A copy: JAX's compiled steps take over the memory of the weights that they are given.
            variable.assign(keras.ops.copy(average))
        self._measure_statistics()

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        _, *others = self._references.values()
        measured = [
            logs or {},
            *(self.model.evaluate(rows, verbose=0, return_dict=True) for rows in others),
        ]
        if self._history.take_validation(dict(zip(self._references, measured, strict=True))):
            with _failed_writes_explained(self._path.parent):
                _write_weights(self._network, self._path)
        self._network.set_weights(self._training_weights)

    def _measure_statistics(self) -> None:
        momenta = [layer.momentum for layer in self._norms]
        n = len(next(iter(self._inputs.values())))
        for start in range(0, n, STATISTICS_BATCH):
            size = min(STATISTICS_BATCH, n - start)
            for layer in self._norms:
                # The moving average with this momentum is the mean over all images, as the last batch may be
                # short.
                layer.momentum = start / (start + size)
            part = slice(start, start + STATISTICS_BATCH)
            batch = call_arguments(v[part].astype("float32") for v in self._inputs.values())
            self._network(batch, training=True)
        for layer, momentum in zip(self._norms, momenta, strict=True):
            layer.momentum = momentum


class EpochLog(keras.callbacks.Callback):
    """Log one line per epoch with the remaining time, if there is no progress bar."""

    def __init__(self, history: History, epochs: int) -> None:
        super().__init__()
        self._history = history
        self._epochs = epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        last = self._history.table.iloc[-1]
        figure = self._history.figure.name
        log.info(
            "epoch %d of %d: loss %.4f, %s %.4f, validation %s %.4f, %.0f s, %.0f min left",
            epoch + 1,
            self._epochs,
            last["loss"],
            figure,
            last[figure],
            figure,
            last[f"val_{figure}"],
            last["seconds"],
            (self._epochs - epoch - 1) * last["seconds"] / 60,
        )
