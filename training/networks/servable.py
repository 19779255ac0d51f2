"""A check, before hours of training, that a bundle can be made from a network."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from training.errors import TrainingError
from training.networks.layer_table import layer_table

if TYPE_CHECKING:
    import keras

#: Package whose layers and operations a Keras file may hold; of these, Lambda holds code.
_KERAS: Final = "keras"


def require_servable(network: "keras.Model") -> None:
    """Check that `training.bundle.export` can save, load and count a network.

    Whether LiteRT runs its operations only a conversion tells, which takes up to minutes; the contract test
    of `training.architectures` converts every family.

    Args:
        network: as it is served, with any weights.

    Raises:
        TrainingError: it is not a functional model, or it has a layer that holds code, that is not Keras's
            own, or whose multiply-adds are not known. The message names the layer.
    """
    for operation in _operations(network):
        kind = type(operation)
        if kind.__module__.partition(".")[0] != _KERAS or kind.__name__ == "Lambda":
            raise TrainingError(
                f"The network {network.name} has the layer {operation.name}, a {kind.__name__} "
                f"({kind.__module__}). A bundle holds plain Keras layers and operations alone, since whoever "
                "opens it runs no code of ours: compose it of those."
            )
    layer_table(network)


def _operations(network: Any) -> Iterator[Any]:
    """Yield the operations of a network and its sub-models."""
    import keras

    if not isinstance(network, keras.Sequential) and not hasattr(network, "operations"):
        raise TrainingError(
            f"The network {network.name} is a {type(network).__name__}, and a bundle holds functional models "
            "alone: return keras.Model(inputs, outputs)."
        )
    for operation in getattr(network, "operations", None) or network.layers:
        if isinstance(operation, keras.Model):
            yield from _operations(operation)
        else:
            yield operation
