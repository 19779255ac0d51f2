"""Rebuild a bundle's network with the current code and its saved weights."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pydantic import TypeAdapter, ValidationError

from fer_core.networks.bundles import Bundle
from training.architectures import call_arguments
from training.architectures.registry import AnyExpressionArchitecture
from training.errors import TrainingError
from training.networks.saved_network import open_network
from training.sources import Samples

if TYPE_CHECKING:
    import keras

#: How far answers may lie from those of the saved network, as a share of the largest.
_SAME: Final = 1e-4
_N_COMPARED: Final = 16


def rebuild_network(bundle: Bundle, faces: Samples) -> "keras.Model":
    """Return a copy of a bundle's network, with layers of the current code and the saved weights.

    A saved network is the graph that its code made when it was saved, with the constants of that time
    (float16 did not hold those of the first alignment).

    Args:
        bundle: of the network.
        faces: to compare the answers of the two on, with landmarks if the network sees them.

    Raises:
        BundleError: the Keras file is damaged.
        TrainingError: today's code knows no such architecture, or one that answers otherwise.
    """
    saved = open_network(bundle)
    try:
        architecture = TypeAdapter[AnyExpressionArchitecture](
            AnyExpressionArchitecture
        ).validate_python(bundle.spec.recipe["architecture"])
    except (KeyError, ValidationError) as error:
        raise _unknown(bundle) from error
    network = architecture.build(len(bundle.spec.labels))
    try:
        network.set_weights(saved.get_weights())
    except ValueError as error:
        raise _unknown(bundle) from error
    before, after = (_answers(n, faces) for n in (saved, network))
    if np.abs(before - after).max() > _SAME * np.abs(before).max():
        raise _unknown(bundle)
    return network


def _answers(network: "keras.Model", faces: Samples) -> np.ndarray:
    given: dict[str, Any] = {"image": faces.images[..., None], "landmarks": faces.landmarks}
    inputs = [given[tensor.name][:_N_COMPARED].astype(np.float32) for tensor in network.inputs]
    return np.asarray(network.predict_on_batch(call_arguments(inputs)))


def _unknown(bundle: Bundle) -> TrainingError:
    return TrainingError(
        f"The code of today does not build the network that lies in {bundle.path}: its architecture has "
        "changed since. Its files stay as they are; train it again."
    )
