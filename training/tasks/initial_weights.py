"""Weights that a network starts with because another one has learnt them, or because data tell them."""

from typing import TYPE_CHECKING

import numpy as np

from fer_core.expressions import Expression
from fer_core.networks.bundles import resolve
from training.architectures.alignment import alignment_kernel, average_face
from training.architectures.dual_input import (
    ALIGNED_TRUNK,
    ALIGNMENT,
    TRUNK,
    DualInput,
)
from training.architectures.landmark_mlp import COMPONENTS, STANDARDIZED, LandmarkMlp
from training.architectures.principal_components import principal_components
from training.bundle.saved_network import open_network
from training.errors import TrainingError
from training.schema.recipe import Recipe
from training.sources import Samples

if TYPE_CHECKING:
    import keras


def start(recipe: Recipe, network: "keras.Model", train: Samples) -> None:
    """Give a network what it starts with, if that is not at random.

    Args:
        recipe: whose architecture made the network.
        network: untrained.
        train: the rows that it will be trained on, with landmarks if it sees them.

    Raises:
        BundleError: the bundle that its weights, or those of its trunk, come from is not there or damaged.
        TrainingError: that bundle has another architecture, a trunk's lacks a class, or the rows have no
            landmarks.
    """
    architecture = recipe.architecture
    if recipe.starts_from is not None:
        network.set_weights(_taken_over(recipe, network, train))
    if isinstance(architecture, DualInput):
        trunk = _trunk_weights(architecture, network.get_layer(TRUNK).get_weights(), train)
        network.get_layer(TRUNK).set_weights(trunk)
        if recipe.starts_from is None:
            _start_expert(architecture, network, trunk, train)
    elif isinstance(architecture, LandmarkMlp) and recipe.starts_from is None:
        _start_components(architecture, network, train)


def _start_expert(
    architecture: DualInput, network: "keras.Model", trunk: list[np.ndarray], train: Samples
) -> None:
    """Give what stands beside a trunk its first weights: a copy of the trunk's, and what data tell."""
    if architecture.fusion == "aligned":
        network.get_layer(ALIGNED_TRUNK).set_weights(trunk)
        kernel = alignment_kernel(average_face(_landmarks(train)))
        network.get_layer(ALIGNMENT).set_weights([kernel])
    _start_components(architecture.landmarks, network, train)


def _taken_over(recipe: Recipe, network: "keras.Model", train: Samples) -> list[np.ndarray]:
    """Return a network's weights, layer by layer, taken from the bundle that the recipe starts from.

    What it answers for classes that the bundle does not know keeps the weights that it has.
    """
    bundle = resolve(str(recipe.starts_from))
    if (
        isinstance(recipe.architecture, DualInput)
        and bundle.spec.labels != train.label_space.labels
    ):
        raise TrainingError(
            f"{bundle.path} names {', '.join(bundle.spec.labels)}, and other classes are to be learnt. A "
            "network with two inputs starts from one that names the same: --set starts_from=null."
        )
    own, given = network.get_weights(), open_network(bundle).get_weights()
    before, after = ([w.shape for w in (*ws[:-2], ws[-2][..., 0])] for ws in (given, own))
    if bundle.spec.recipe["architecture"]["kind"] != recipe.architecture.kind or before != after:
        raise TrainingError(
            f"The weights of {bundle.path} do not fit the recipe's network: {recipe.architecture!r}. Give "
            "it the architecture of that bundle, or start with random weights: --set starts_from=null."
        )
    return _by_classes(own, given, train.label_space.labels, bundle.spec.labels)


def _by_classes(
    own: list[np.ndarray],
    given: list[np.ndarray],
    labels: tuple[Expression, ...],
    given_labels: tuple[Expression, ...],
) -> list[np.ndarray]:
    """Return given weights, the last two of which, those of the answers, are put in the order of `labels`."""
    if labels == given_labels:
        return given
    kernel, bias = own[-2:]
    for column, label in enumerate(labels):
        if label in given_labels:
            kernel[..., column] = given[-2][..., given_labels.index(label)]
            bias[column] = given[-1][given_labels.index(label)]
    return [*given[:-2], kernel, bias]


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


def _trunk_weights(
    architecture: DualInput, own: list[np.ndarray], train: Samples
) -> list[np.ndarray]:
    """Return the weights of the trunk's bundle, layer by layer, its answers for the classes to be learnt."""
    bundle = resolve(architecture.trunk_bundle)
    if bundle.spec.recipe["architecture"] != architecture.trunk.model_dump(mode="json"):
        raise TrainingError(
            f"The weights of {bundle.path} do not fit the recipe's trunk: {architecture.trunk!r}. Give "
            "it the architecture of that bundle."
        )
    labels, theirs = train.label_space.labels, bundle.spec.labels
    if lacking := [label for label in labels if label not in theirs]:
        raise TrainingError(
            f"{bundle.path} names {', '.join(theirs)}, and {', '.join(lacking)} is to be learnt as well. The "
            "trunk keeps its answers: give one that knows all classes (architecture.trunk_bundle)."
        )
    return _by_classes(own, open_network(bundle).get_weights(), labels, theirs)
