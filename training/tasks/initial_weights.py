"""Initial weights from another network or computed from data."""

from typing import TYPE_CHECKING

import numpy as np

from fer_core.expressions import Expression
from fer_core.networks.bundles import Bundle
from training.architectures.base import Trunk
from training.errors import TrainingError
from training.networks.saved_network import open_network
from training.schema.recipe import Recipe
from training.sources import Samples
from training.tasks.parents import Parents

if TYPE_CHECKING:
    import keras


def start(recipe: Recipe, network: "keras.Model", train: Samples, parents: Parents) -> None:
    """Set a network's initial weights, if they are not random.

    Args:
        recipe: whose architecture made the network.
        network: untrained.
        train: the rows that it will be trained on, with landmarks if it sees them.
        parents: that the recipe names.

    Raises:
        BundleError: the Keras file that its weights, or those of its trunk, come from is not there or
            damaged.
        TrainingError: that bundle has another architecture, a trunk's lacks a class, or the rows have no
            landmarks.
    """
    if parents.start is not None:
        network.set_weights(_taken_over(recipe, network, train, parents.start))
    trunk = recipe.architecture.trunk_part
    if trunk is not None and parents.trunk is not None:
        layer = network.get_layer(trunk.layer)
        layer.set_weights(_trunk_weights(trunk, layer.get_weights(), train, parents.trunk))
    if parents.start is None:
        recipe.architecture.learn_from_rows(network, train.landmarks)


def _taken_over(
    recipe: Recipe, network: "keras.Model", train: Samples, bundle: Bundle
) -> list[np.ndarray]:
    """Return a network's weights, layer by layer, from the bundle that the recipe starts from.

    Outputs for classes that the bundle does not know keep the weights that they have.
    """
    if not recipe.architecture.logits_last and bundle.spec.labels != train.label_space.labels:
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
    """Return weights in which the last two, those of the output layer, are in the order of `labels`."""
    if labels == given_labels:
        return given
    kernel, bias = own[-2:]
    for column, label in enumerate(labels):
        if label in given_labels:
            kernel[..., column] = given[-2][..., given_labels.index(label)]
            bias[column] = given[-1][given_labels.index(label)]
    return [*given[:-2], kernel, bias]


def _trunk_weights(
    trunk: Trunk, own: list[np.ndarray], train: Samples, bundle: Bundle
) -> list[np.ndarray]:
    """Return the weights of the trunk's bundle, layer by layer, with outputs for the trained classes."""
    if bundle.spec.recipe["architecture"] != trunk.architecture.model_dump(mode="json"):
        raise TrainingError(
            f"The weights of {bundle.path} do not fit the recipe's trunk: {trunk.architecture!r}. Give "
            "it the architecture of that bundle."
        )
    labels, theirs = train.label_space.labels, bundle.spec.labels
    if lacking := [label for label in labels if label not in theirs]:
        raise TrainingError(
            f"{bundle.path} names {', '.join(theirs)}, and {', '.join(lacking)} is to be learnt as well. The "
            "trunk keeps its outputs: give one that knows all classes (architecture.trunk_bundle)."
        )
    return _by_classes(own, open_network(bundle).get_weights(), labels, theirs)
