"""Two inputs, one answer: the `cnn` trunk on the pixels joined with a branch on the landmarks."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from fer_core.crops import INPUT_SIZE
from fer_core.landmarks import FEATURE_SIZE
from training.architectures.cnn import MAPS_LAYER, Cnn
from training.architectures.landmark_mlp import LandmarkMlp

if TYPE_CHECKING:
    import keras


class DualInput(BaseModel):
    """Settings of the network.

    Attributes:
        trunk: the network on the pixels.
        trunk_bundle: name of the bundle whose weights the trunk starts with and keeps.
        landmarks: the branch on the landmarks.
        fusion: how the two meet. `late` adds the branch's logits to the trunk's, a product of experts
            (Hinton 2002); `concatenation` adds logits read off the joined features of both; `gate`
            mixes the two answers by weights read off the joined features (Arevalo et al. 2017,
            arXiv:1702.01992).
        joint_units: hidden units over the joined features.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: ClassVar[tuple[str, ...]] = ("image", "landmarks")

    kind: Literal["dual_input"] = "dual_input"
    trunk: Cnn = Field(default_factory=Cnn)
    trunk_bundle: str = "cnn"
    landmarks: LandmarkMlp = Field(default_factory=LandmarkMlp)
    fusion: Literal["late", "concatenation", "gate"] = "late"
    joint_units: int = 128

    @property
    def view_pixels(self) -> int:
        """Side of the central square that the trunk looks at."""
        return self.trunk.view_pixels

    def build(self, n_classes: int, *, side: int | None = INPUT_SIZE) -> "keras.Model":
        """Return the network: images (N, side, side, 1) and vectors (N, FEATURE_SIZE) -> float32 logits.

        The trunk is not trained. With `side` None it takes squares of any size, as `Cnn.build` does.
        """
        import keras
        from keras import layers

        image = keras.Input((side, side, 1), name="image")
        vectors = keras.Input((FEATURE_SIZE,), name="landmarks")
        pixels = self.trunk.build(n_classes, side=side)
        maps_layer = pixels.get_layer(MAPS_LAYER)
        tower = keras.Model(pixels.inputs, [maps_layer.input, maps_layer.output], name="trunk")
        tower.trainable = False
        # As it is served: without dropout, the branch learns beside the answers that it will meet.
        features, maps = tower(image, training=False)
        maps = layers.Identity(name=MAPS_LAYER)(maps)
        by_pixels = layers.GlobalAveragePooling2D(dtype="float32")(maps)
        found, hidden = self.landmarks.embed(vectors)
        joined = layers.Concatenate()([layers.GlobalAveragePooling2D()(features), hidden, found])
        joined = layers.Dense(self.joint_units, activation="relu")(joined)
        joined = layers.Dropout(self.landmarks.dropout)(joined)
        by_landmarks = layers.Dense(n_classes, dtype="float32")(hidden)
        if self.fusion == "late":
            logits = by_pixels + found * by_landmarks
        elif self.fusion == "concatenation":
            logits = by_pixels + found * layers.Dense(n_classes, dtype="float32")(joined)
        else:
            gate = found * layers.Dense(n_classes, activation="sigmoid", dtype="float32")(joined)
            logits = (1.0 - gate) * by_pixels + gate * by_landmarks
        return keras.Model([image, vectors], logits, name="dual_input")
