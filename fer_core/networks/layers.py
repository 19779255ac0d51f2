"""A network's layers, from the table in its bundle: the cost and the inputs of each.

`python -m training` writes the table from the Keras model; who reads it needs no Keras.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fer_core.errors import DataError
from fer_core.files import replace_file
from fer_core.networks.bundles import LAYERS_FILE, BaseBundle

#: Stage of the output layers.
HEAD: Final = "head"
_COLUMNS: Final = (
    *("stage", "layer", "type", "kernel", "output", "parameters", "multiply_adds", "inputs"),
)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a network.

    Attributes:
        stage: it belongs to (`training.networks.layer_table` says by which rule); an input is its own.
        name: unique in the network; the layers of a sub-model are named "SUB_MODEL/LAYER".
        type: its class in Keras.
        kernel: sides of the window of a convolution or pooling, "3x3"; empty for others.
        output: shape without the batch: height, width, channels of images, the length of vectors.
        parameters: number of weights, trained or not.
        multiply_adds: of one face.
        inputs: names of the layers whose outputs it takes in, none for an input of the network.
    """

    stage: str
    name: str
    type: str
    kernel: str
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int
    inputs: tuple[str, ...]

    @property
    def sub_model(self) -> str:
        """Name of the sub-model that contains the layer; empty for the network itself."""
        return self.name.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Stage:
    """Layers that belong together, in the order of the data flow.

    Attributes:
        name: unique in the network.
        layers: one or more.
        inputs: names of the stages whose outputs it takes in, none for an input of the network.
        goes_up: whether it makes a smaller image of another stage larger, as a decoder does.
    """

    name: str
    layers: tuple[Layer, ...]
    inputs: tuple[str, ...]
    goes_up: bool

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds per face."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def output(self) -> tuple[int, ...]:
        """Output shape of the last layer."""
        return self.layers[-1].output

    @property
    def sub_model(self) -> str:
        """Name of the sub-model that contains all its layers; empty without one."""
        names = {layer.sub_model for layer in self.layers}
        return names.pop() if len(names) == 1 else ""


def multiply_adds(layers: Sequence[Layer]) -> int:
    """Return the multiply-adds of a network for one face."""
    return sum(layer.multiply_adds for layer in layers)


def stages_of(layers: Sequence[Layer]) -> tuple[Stage, ...]:
    """Return a network's stages in the order of the table."""
    by_name = {layer.name: layer for layer in layers}
    members: dict[str, list[Layer]] = {}
    for layer in layers:
        members.setdefault(layer.stage, []).append(layer)
    return tuple(
        Stage(
            name,
            tuple(inside),
            tuple(
                dict.fromkeys(
                    by_name[source].stage
                    for layer in inside
                    for source in layer.inputs
                    if by_name[source].stage != name
                )
            ),
            goes_up=any(
                _is_larger(layer, by_name[source])
                for layer in inside
                for source in layer.inputs
                if by_name[source].stage != name
            ),
        )
        for name, inside in members.items()
    )


def _is_larger(layer: Layer, source: Layer) -> bool:
    """Return whether both output images, and that of `layer` is higher."""
    are_images = len(layer.output) == len(source.output) == 3
    return are_images and layer.output[0] > source.output[0]


def write_layers(layers: Sequence[Layer], folder: Path) -> None:
    """Write a network's table into its bundle's folder atomically; equal networks give equal bytes."""

    def write(path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_COLUMNS)
            for layer in layers:
                output = "x".join(map(str, layer.output))
                writer.writerow(
                    [
                        *(layer.stage, layer.name, layer.type, layer.kernel, output),
                        *(layer.parameters, layer.multiply_adds, " ".join(layer.inputs)),
                    ]
                )

    replace_file(folder / LAYERS_FILE, write)


def read_layers(bundle: BaseBundle[Any]) -> tuple[Layer, ...] | None:
    """Return the layers of a bundle's network; None if it has no table.

    Raises:
        DataError: the table is broken, or is not that of these weights.
    """
    file = bundle.path / LAYERS_FILE
    mend = f"Write it again with: python -m training describe {bundle.path}"
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            layers = tuple(map(_layer, csv.DictReader(lines)))
        _check_names(layers)
    except FileNotFoundError:
        return None
    except (OSError, csv.Error, ValueError) as error:
        raise DataError(f"{file} is not a readable table of layers: {error}. {mend}") from error
    if (found := sum(layer.parameters for layer in layers)) != bundle.spec.parameters:
        raise DataError(
            f"{file} is that of another network: its layers have {found:,} parameters, the spec says "
            f"{bundle.spec.parameters:,}. {mend}"
        )
    return layers


def _layer(row: dict[str, str]) -> Layer:
    if missing := [name for name in _COLUMNS if row.get(name) is None]:
        raise ValueError(f"a row lacks {', '.join(missing)}")
    return Layer(
        stage=row["stage"],
        name=row["layer"],
        type=row["type"],
        kernel=row["kernel"],
        output=tuple(int(length) for length in row["output"].split("x")),
        parameters=_count(row["parameters"]),
        multiply_adds=_count(row["multiply_adds"]),
        inputs=tuple(row["inputs"].split()),
    )


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError(f"{value} is no count")
    return value


def _check_names(layers: tuple[Layer, ...]) -> None:
    names = {layer.name for layer in layers}
    if len(names) < len(layers):
        raise ValueError("two layers have the same name")
    if unknown := {source for layer in layers for source in layer.inputs} - names:
        raise ValueError(f"no layer is called {', '.join(sorted(unknown))}")
