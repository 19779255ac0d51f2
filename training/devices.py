"""The devices of a run: CPU or accelerator, one or several."""

import contextlib
import importlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer_core.networks.speed import cpu_name

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)


def hardware() -> str:
    """Return the processor's name and the accelerators that Keras finds."""
    import keras

    name = f"{cpu_name()}, {os.cpu_count()} cores"
    devices = [
        device for device in keras.distribution.list_devices() if "cpu" not in device.lower()
    ]
    return ", ".join([name, *devices])


def has_accelerator() -> bool:
    """Return whether Keras computes on an accelerator."""
    import keras

    if keras.backend.backend() == "torch":
        return bool(importlib.import_module("torch").cuda.is_available())
    return not keras.distribution.list_devices()[0].lower().startswith("cpu")


def has_bfloat16() -> bool:
    """Return whether the device multiplies bfloat16 numbers in hardware.

    A processor that does not emulates it, several times slower than float32.
    """
    if has_accelerator():
        return True
    cpuinfo = Path("/proc/cpuinfo")
    return not cpuinfo.is_file() or "bf16" in cpuinfo.read_text()


@contextlib.contextmanager
def spread() -> Iterator[int]:
    """Distribute the batches of models built and trained in the context over all devices; give their number.

    Under JAX alone, the one backend of which Keras can do that: under the others it is one device. Each
    device has a copy of the weights and computes its share of every batch (`in_shares`).
    """
    import keras

    backend = keras.backend.backend()
    devices = keras.distribution.list_devices() if backend == "jax" else []
    if len(devices) < 2:
        yield 1
        return
    log.info("sharing batches among %s", ", ".join(devices))
    with keras.distribution.DataParallel(devices=devices).scope():
        yield len(devices)


def in_shares(batches: "keras.utils.PyDataset", n: int) -> "keras.utils.PyDataset":
    """Return the batches, padded to multiples of `n` rows by repeating their first rows.

    That is the last batch, as a rule: up to `n` - 1 of its rows count twice. Left out, they would be
    missing from the figure that epochs are compared by.
    """
    import keras

    if n == 1:
        return batches

    def filled(values: np.ndarray) -> np.ndarray:
        wanted = -(-len(values) // n) * n
        return values[np.arange(wanted) % len(values)]

    class Shares(keras.utils.PyDataset):
        def __len__(self) -> int:
            return len(batches)

        def __getitem__(self, step: int) -> object:
            return keras.tree.map_structure(filled, batches[step])

        def shuffle(self, seed: int, epoch: int) -> None:
            batches.shuffle(seed, epoch)

    return Shares()
