"""Two inputs, one prediction: the `cnn` trunk on the pixels, joined with a landmark branch."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import numpy as np
from pydantic import Field

from fer_core.faces.crops import INPUT_SIZE
from fer_core.faces.landmarks import FEATURE_SIZE
from training.architectures.alignment import alignment_kernel, average_face, sample
from training.architectures.base import MAPS_LAYER, ExpressionArchitecture, Trunk
from training.architectures.cnn import Cnn
from training.architectures.landmark_mlp import LandmarkMlp, found_landmarks

if TYPE_CHECKING:
    import keras

#: Names of the layers that start with the trunk's weights, or with what the training rows tell.
TRUNK: Final = "trunk"
ALIGNED_TRUNK: Final = "aligned_trunk"
ALIGNMENT: Final = "alignment"
#: Standard deviation, in training, of each number of the alignment: 3 degrees, 5 %, 2.4 pixels of 48.
_ALIGNMENT_NOISE: Final = 0.05
#: The alignment, as `sample` takes it, that changes nothing.
_IDENTITY: Final = np.array([1, 0, 0, 0, 1, 0], np.float32)


class DualInput(ExpressionArchitecture):
    """Settings of the network.

    Attributes:
        trunk: the network on the pixels.
        trunk_bundle: name of the bundle whose weights the trunk starts with and keeps.
        landmarks: the branch on the landmarks.
        fusion: how the two meet. `aligned` asks two experts and takes the mean of their logits: the
            trunk, and a copy of it that is trained further on the image turned so that the landmarks lie
            where those of the average face lie (`training.architectures.alignment`), together with
            the branch. `unaligned` is its control, which shows what landmarks add: the copy sees the image
            as it is, and there is no branch. `late` adds the branch's logits to the trunk's, a product of
            experts (Hinton 2002); `concatenation` adds logits read off the joined features of both; `gate`
            mixes the two logits by weights read off the joined features (Arevalo et al. 2017,
            arXiv:1702.01992).
        joint_units: hidden units over the joined features.
    """

    inputs: ClassVar[tuple[str, ...]] = ("image", "landmarks")
    #: Landmarks are places in the whole crop.
    any_size: ClassVar[bool] = False
    logits_last: ClassVar[bool] = False
    #: The whole crop; its parts look at the middle of what they are given.
    view_pixels: ClassVar[int] = INPUT_SIZE
    least: ClassVar[Mapping[str, Any]] = {
        "trunk": {"widths": (4, 8), "depths": (1, 2), "view_pixels": 42},
        "landmarks": {"units": (8,), "components": 4},
    }

    kind: Literal["dual_input"] = "dual_input"
    trunk: Cnn = Field(default_factory=Cnn)
    trunk_bundle: str = "cnn"
    landmarks: LandmarkMlp = Field(default_factory=LandmarkMlp)
    fusion: Literal["aligned", "unaligned", "late", "concatenation", "gate"] = "aligned"
    joint_units: int = 128

    @property
    def trunk_part(self) -> Trunk:
        """The trunk."""
        return Trunk(self.trunk_bundle, self.trunk, TRUNK)

    def learn_from_rows(self, network: "keras.Model", landmarks: np.ndarray | None) -> None:
        """Make the second expert a copy of the trunk, and give it the average face of the training rows.

        Raises:
            TrainingError: too few rows have landmarks.
        """
        if self._has_two_experts:
            network.get_layer(ALIGNED_TRUNK).set_weights(network.get_layer(TRUNK).get_weights())
        if self.fusion == "aligned":
            kernel = alignment_kernel(average_face(found_landmarks(landmarks)))
            network.get_layer(ALIGNMENT).set_weights([kernel])
        if self.fusion != "unaligned":
            self.landmarks.learn_from_rows(network, landmarks)

    @property
    def corrects_priors(self) -> bool:
        """Whether there is an expert whose biases are known."""
        return self._has_two_experts

    def logit_bias(self, network: "keras.Model") -> "keras.Variable":
        """Return the biases, (classes,), of the expert that is trained; the trunk has its own correction."""
        if not self.corrects_priors:
            return super().logit_bias(network)
        return self.trunk.logit_bias(network.get_layer(ALIGNED_TRUNK))

    def prior_offsets(self, own: np.ndarray, trunk: np.ndarray) -> np.ndarray:
        """Return by how much the logits are lower with landmarks; without, by the trunk's offsets."""
        return (own + trunk) / 2 if self._has_two_experts else trunk

    @classmethod
    def origin(cls, settings: Mapping[str, Any], starts_from: str | None) -> str:
        """Return the card's sentences about the trunk and the layers beside it."""
        trunk = settings["trunk_bundle"]
        experts = (
            f"It averages the logits of two experts. The first is the bundle `{trunk}`, unchanged. The "
            f"second started as {_copied(starts_from)}. "
        )
        if settings["fusion"] == "aligned":
            return (
                f"{experts}It was fine-tuned on aligned images: turned and "
                "scaled so that the landmarks lie where the average face has them. Its landmark branch "
                f"started with {'random weights' if starts_from is None else 'the weights of that bundle'}. "
                "Without landmarks, only the first is used."
            )
        if settings["fusion"] == "unaligned":
            return (
                f"{experts}It was fine-tuned on the images as they are. Landmarks have no effect, except "
                "that without them only the first is used."
            )
        return (
            f"The layers on the pixels are those of the bundle `{trunk}` and were not fine-tuned; the "
            "others started with random weights."
        )

    def build(self, n_outputs: int, *, side: int | None = None) -> "keras.Model":
        """Return the network: images (N, 48, 48, 1) and vectors (N, FEATURE_SIZE) -> float32 logits.

        The trunk is not trained. `side` makes no difference: landmarks are places in the whole crop.
        """
        import keras
        from keras import layers, ops

        image = keras.Input((INPUT_SIZE, INPUT_SIZE, 1), name="image")
        vectors = keras.Input((FEATURE_SIZE,), name="landmarks")
        found, hidden = self.landmarks.embed(vectors)
        tower = self._tower(n_outputs, TRUNK)
        tower.trainable = False
        # As served: without dropout, the branch learns beside the outputs that it will meet.
        features, maps = tower(image, training=False)
        maps = layers.Identity(name=MAPS_LAYER)(maps)
        by_pixels = layers.GlobalAveragePooling2D(dtype="float32")(maps)
        by_landmarks = layers.Dense(n_outputs, dtype="float32")(hidden)
        if self._has_two_experts:
            aligns = self.fusion == "aligned"
            transform = _alignment(vectors, found) if aligns else ops.ones_like(found) * _IDENTITY
            noisy = layers.GaussianNoise(_ALIGNMENT_NOISE, dtype="float32")(transform)
            _, expert_maps = self._tower(n_outputs, ALIGNED_TRUNK)(sample(image, noisy))
            expert = layers.GlobalAveragePooling2D(dtype="float32")(expert_maps)
            if aligns:
                expert = expert + found * by_landmarks
            # In training the trunk's share is withheld, so that the expert learns to predict alone: the
            # trunk knows the training images, and beside it the expert would learn little.
            trunk_share = layers.Dropout(1.0)((1.0 - 0.5 * found) * (by_pixels - expert))
            return keras.Model([image, vectors], expert + trunk_share, name="dual_input")
        joined = layers.Concatenate()([layers.GlobalAveragePooling2D()(features), hidden, found])
        joined = layers.Dense(self.joint_units, activation="relu")(joined)
        joined = layers.Dropout(self.landmarks.dropout)(joined)
        if self.fusion == "late":
            logits = by_pixels + found * by_landmarks
        elif self.fusion == "concatenation":
            logits = by_pixels + found * layers.Dense(n_outputs, dtype="float32")(joined)
        else:
            gate = found * layers.Dense(n_outputs, activation="sigmoid", dtype="float32")(joined)
            logits = (1.0 - gate) * by_pixels + gate * by_landmarks
        return keras.Model([image, vectors], logits, name="dual_input")

    @property
    def _has_two_experts(self) -> bool:
        return self.fusion in ("aligned", "unaligned")

    def _tower(self, n_classes: int, name: str) -> "keras.Model":
        """Return the trunk with its last features and its maps as outputs."""
        import keras

        pixels = self.trunk.build(n_classes)
        maps_layer = pixels.get_layer(MAPS_LAYER)
        return keras.Model(pixels.inputs, [maps_layer.input, maps_layer.output], name=name)


def _copied(starts_from: str | None) -> str:
    return (
        "a copy of it"
        if starts_from is None
        else f"the second expert of the bundle `{starts_from}`"
    )


def _alignment(vectors: "keras.KerasTensor", found: "keras.KerasTensor") -> "keras.KerasTensor":
    """Return the transform, (N, 6), to the average face; one that changes nothing without landmarks."""
    from keras import layers

    fit = layers.Dense(6, use_bias=False, trainable=False, dtype="float32", name=ALIGNMENT)
    aligned: keras.KerasTensor = fit(vectors) + (1.0 - found) * _IDENTITY
    return aligned
