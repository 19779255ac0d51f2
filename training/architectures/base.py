"""The interface of network families: settings, and the network that they build.

A new family is one module of this package with one class that derives from `ExpressionArchitecture` (or from
`KeypointArchitecture`). `training.architectures.registry.ARCHITECTURES` finds it there, recipes accept its
`kind`, and tests/training/architectures/test_architectures.py holds it to what is written here.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from fer_core.faces.crops import INPUT_SIZE

if TYPE_CHECKING:
    import keras

#: Layer whose output, float32 (N, h, w, classes), averages to the logits that the pixels give.
MAPS_LAYER: Final = "class_activation_maps"
#: Setting in which a family names the bundle whose weights a part of its network keeps (`Trunk`).
TRUNK_SETTING: Final = "trunk_bundle"


class Architecture(BaseModel, ABC):
    """Settings of a network of one family, and the code that builds it.

    The network is a functional `keras.Model` of plain Keras layers and `keras.ops`, without code of its own
    (no Lambda, no subclassed layer): whoever opens `model.keras` has Keras alone. Every layer must be one
    that `training.networks.layer_table` can count and LiteRT can run. A run checks the former before it
    trains (`training.networks.servable`), the contract test also the latter.

    Settings are recorded as JSON in every bundle. One that is added later needs a default that makes the
    network of before.

    Attributes:
        kind: name of the family in recipes, specs and cards; unique, a Literal with itself as its default.
        inputs: names of the network's inputs, in order: "image", "landmarks" or both. An image is float32
            (N, S, S, 1), grey values in [0, 255]; landmarks are float32 (N, FEATURE_SIZE), zeros where none
            were found.
        least: settings of the smallest network that has every kind of layer of the family, which the
            contract test builds; the defaults where it is empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: ClassVar[tuple[str, ...]]
    least: ClassVar[Mapping[str, Any]] = {}

    kind: str = ""

    @abstractmethod
    def build(self, n_outputs: int) -> "keras.Model":
        """Return the untrained network as served, with one output, float32 (N, ...).

        Calling it twice gives networks whose `get_weights` have the same shapes in the same order.
        """

    @property
    def sees_landmarks(self) -> bool:
        """Whether landmarks are among the inputs."""
        return "landmarks" in self.inputs


class Trunk(NamedTuple):
    """A part of a network with the weights of a bundle, frozen in training.

    Attributes:
        bundle: its name.
        architecture: that the bundle must have.
        layer: name of the sub-model that the part is.
    """

    bundle: str
    architecture: "ExpressionArchitecture"
    layer: str


class ExpressionArchitecture(Architecture):
    """A family whose networks predict expressions.

    The one output holds logits, float32 (N, classes), never probabilities: temperature, softmax and the loss
    come after it. If a family has class activation maps, a layer of the network itself (not of a sub-model)
    is called MAPS_LAYER and the bundle serves its output as well.

    What other modules rely on:

    - `training.loop` trains `build(n, side=None)` and serves `build(n)`, with the weights of the former.
    - `training.tasks.initial_weights` gives a network the weights of the bundle that a recipe starts from
      (`Recipe.starts_from`), of a bundle that a part of it keeps (`trunk`), and what the training rows tell
      (`learn_from_rows`), in that order.
    - `training.bundle.rebuild` builds the network of a bundle again from the recorded settings.
    - `training.schema.prior_correction` changes `logit_bias`.
    - `training.bundle.card` asks `origin` what to say of where the weights came from.

    Attributes:
        any_size: whether it can be trained on smaller squares than it serves; without images it is True.
        logits_last: whether the last two weights are kernel (..., classes) and bias (classes,) of the
            logits, so that it can start from a bundle that names other classes.
        view_pixels: side of the central square of the image that the network looks at, a setting or, of a
            family that looks at the whole, a class variable.
    """

    any_size: ClassVar[bool]
    logits_last: ClassVar[bool] = True

    if TYPE_CHECKING:
        # A setting in some families and a class variable in others: pydantic must not see it here.
        @property
        def view_pixels(self) -> int:
            """Side of the square that the network sees."""

    @abstractmethod
    def build(self, n_outputs: int, *, side: int | None = INPUT_SIZE) -> "keras.Model":
        """Return the untrained network: its inputs -> float32 logits (N, n_outputs).

        Args:
            n_outputs: the classes.
            side: of images, in pixels. With None, a family of `any_size` takes squares of any size and
                looks at the whole of them, with the same weights; the others ignore it.
        """

    @property
    def trunk_part(self) -> Trunk | None:
        """The part with a bundle's frozen weights; none by default."""
        return None

    def learn_from_rows(self, network: "keras.Model", landmarks: np.ndarray | None) -> None:
        """Set initial weights that depend on training rows or the trunk; by default there are none.

        Args:
            network: as `build` made it, its trunk with its weights.
            landmarks: of the training rows, (N, FEATURE_SIZE), or None if it sees none.

        Raises:
            TrainingError: the rows do not tell enough.
        """

    @property
    def corrects_priors(self) -> bool:
        """Whether `logit_bias` is available, so that a recipe may use `prior_correction`."""
        return False

    def prior_offsets(self, own: np.ndarray, trunk: np.ndarray) -> np.ndarray:
        """Return by how much the logits of all inputs are lower through corrections of priors.

        Args:
            own: what was subtracted from `logit_bias`, float (classes,).
            trunk: what had been subtracted from the logits of its trunk before, if it has one.
        """
        return own

    def logit_bias(self, network: "keras.Model") -> "keras.Variable":
        """Return the biases, (classes,), that are added to the logits of what a run trains.

        Raises:
            NotImplementedError: it does not `corrects_priors`.
        """
        raise NotImplementedError(f"{self.kind} does not tell its biases")

    @classmethod
    def origin(cls, settings: Mapping[str, Any], starts_from: str | None) -> str:
        """Return the card's sentences about a network's initial weights.

        Args:
            settings: of the architecture as a spec records them, maybe by an older version of the family.
            starts_from: name of the bundle that the recipe starts from.
        """
        if starts_from is None:
            return "It started with random weights."
        return (
            f"It started with the weights of the bundle `{starts_from}`. In the output layer, classes "
            "that this bundle lacks started with random weights."
        )


class KeypointArchitecture(Architecture):
    """A family whose networks find keypoints.

    They see images (N, 96, 96, 1). The one output is float32 (N, 2 P): x and y of each of P points in turn,
    in pixels of the input.
    """

    inputs: ClassVar[tuple[str, ...]] = ("image",)
