"""A multilayer perceptron on landmark features: how much of an expression is geometry alone."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from fer_core.crops import INPUT_SIZE
from fer_core.landmarks import FEATURE_SIZE

if TYPE_CHECKING:
    import keras


class LandmarkMlp(BaseModel):
    """Settings of the network.

    Attributes:
        units: of each hidden layer.
        input_dropout: share of the features left out in training.
        dropout: share of each hidden layer's units left out in training.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: ClassVar[tuple[str, ...]] = ("landmarks",)
    #: Of images, which it does not see.
    view_pixels: ClassVar[int] = INPUT_SIZE

    kind: Literal["landmark_mlp"] = "landmark_mlp"
    units: tuple[int, ...] = (512, 256)
    input_dropout: float = 0.2
    dropout: float = 0.5

    def build(self, n_classes: int, *, side: int | None = None) -> "keras.Model":
        """Return the untrained network: (N, FEATURE_SIZE) feature vectors -> float32 logits.

        `side` is that of images, which it does not see.
        """
        import keras
        from keras import layers

        inputs = keras.Input((FEATURE_SIZE,), name="landmarks")
        found, x = self.embed(inputs)
        x = layers.Concatenate()([x, found])
        logits = layers.Dense(n_classes, dtype="float32", name="logits")(x)
        return keras.Model(inputs, logits, name="landmark_mlp")

    def embed(self, vectors: "keras.KerasTensor") -> "tuple[keras.KerasTensor, keras.KerasTensor]":
        """Return found, (N, 1), 1 where there are landmarks, and hidden features, 0 where there are none."""
        from keras import layers, ops

        seen = ops.any(vectors != 0, axis=1)
        # Faces without landmarks are no measurements: the mask keeps them out of all statistics.
        x = layers.BatchNormalization(momentum=0.95, center=False, scale=False)(vectors, mask=seen)
        x = layers.Dropout(self.input_dropout)(x)
        for units in self.units:
            x = layers.Dense(units, use_bias=False, kernel_initializer="he_normal")(x)
            x = layers.ReLU()(layers.BatchNormalization(momentum=0.95)(x, mask=seen))
            x = layers.Dropout(self.dropout)(x)
        found = ops.cast(ops.expand_dims(seen, 1), "float32")
        return found, x * found
