"""Weights that a network starts with because another one has learnt them, or because data tell them."""

from typing import TYPE_CHECKING

import numpy as np

from fer_core.bundles import resolve
from training.architectures.alignment import alignment_kernel, average_face
from training.architectures.dual_input import (
    ALIGNED_TRUNK,
    ALIGNMENT,
    TRUNK,
    DualInput,
)
from training.architectures.landmark_mlp import COMPONENTS, STANDARDIZED, LandmarkMlp
from training.architectures.principal_components import principal_components
from training.errors import TrainingError
from training.recipe import Architecture
from training.saved_network import open_network
from training.sources import Samples

if TYPE_CHECKING:
    import keras


def start(architecture: Architecture, network: "keras.Model", train: Samples) -> None:
    """Give a network that sees landmarks what it starts with; leave any other as it is.

    Args:
        architecture: that made the network.
        network: untrained.
        train: the rows that it will be trained on, with landmarks.

    Raises:
        BundleError: the bundle of its trunk is not there or damaged.
        TrainingError: that bundle has another architecture, or the rows have no landmarks.
    """
    if isinstance(architecture, DualInput):
        trunk = _trunk_weights(architecture)
        network.get_layer(TRUNK).set_weights(trunk)
        if architecture.fusion == "aligned":
            network.get_layer(ALIGNED_TRUNK).set_weights(trunk)
            kernel = alignment_kernel(average_face(_landmarks(train)))
            network.get_layer(ALIGNMENT).set_weights([kernel])
        _start_components(architecture.landmarks, network, train)
    elif isinstance(architecture, LandmarkMlp):
        _start_components(architecture, network, train)


def _start_components(architecture: LandmarkMlp, network: "keras.Model", train: Samples) -> None:
    if not (wanted := architecture.components):
        return
    vectors = _landmarks(train)
    if (n := int(vectors.any(axis=1).sum())) < wanted:
        raise TrainingError(
            f"{wanted} components cannot be learnt from {n} faces with landmarks. Ask for fewer "
            "(architecture.components) or give more rows."
        )
    found = principal_components(vectors, wanted, whitening=architecture.whitening)
    network.get_layer(STANDARDIZED).set_weights([found.mean, found.variance])
    network.get_layer(COMPONENTS).set_weights([found.kernel])


def _landmarks(train: Samples) -> np.ndarray:
    if train.landmarks is None or not train.landmarks.any():
        raise TrainingError(
            "In none of the training rows a face was found to learn landmarks from."
        )
    return train.landmarks


def _trunk_weights(architecture: DualInput) -> list[np.ndarray]:
    """Return the weights of the trunk's bundle, layer by layer."""
    bundle = resolve(architecture.trunk_bundle)
    if bundle.spec.recipe["architecture"] != architecture.trunk.model_dump(mode="json"):
        raise TrainingError(
            f"The weights of {bundle.path} do not fit the recipe's trunk: {architecture.trunk!r}. Give "
            "it the architecture of that bundle."
        )
    return list(open_network(bundle).get_weights())
