"""Inputs that stay on the training device, so that a step receives row numbers and not images."""

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import keras

#: Name of the only input of a model whose data lies on the device.
ROW: Final = "row"


def numbered(*parts: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], ...]:
    """Return for each part, inputs by name of (N, ...), the int32 (N,) numbers of its rows in `held`."""
    sizes = [len(next(iter(part.values()))) for part in parts]
    ends = np.cumsum(sizes)
    return tuple(
        {ROW: np.arange(end - size, end, dtype=np.int32)}
        for size, end in zip(sizes, ends, strict=True)
    )


def held(*parts: dict[str, np.ndarray]) -> "keras.layers.Layer":
    """Return a layer from row numbers, int32 (B,), to the inputs of these rows by name.

    It holds the rows of all parts, one part after the other, with the dtypes that they have: images as
    uint8. Files of weights leave them out, so a run can go on where its data is not on the device.
    """
    import keras
    from keras import ops

    values = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    class HeldRows(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__(name="held_rows", dtype="float32")
            self._held = {
                name: self.add_weight(
                    name=name,
                    shape=array.shape,
                    dtype=str(array.dtype),
                    initializer=lambda shape, dtype, array=array: ops.convert_to_tensor(array),
                    trainable=False,
                    autocast=False,
                )
                for name, array in values.items()
            }

        def call(self, rows: "keras.KerasTensor") -> "dict[str, keras.KerasTensor]":
            return {name: ops.take(array, rows, axis=0) for name, array in self._held.items()}

        def save_own_variables(self, store: object) -> None:
            """Save nothing."""

        def load_own_variables(self, store: object) -> None:
            """Load nothing."""

    return HeldRows()
