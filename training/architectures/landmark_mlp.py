"""A multilayer perceptron on landmark features: expression from geometry alone."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import numpy as np
from pydantic import Field

from fer_core.faces.crops import INPUT_SIZE
from fer_core.faces.landmarks import FEATURE_SIZE
from training.architectures.base import ExpressionArchitecture
from training.architectures.principal_components import LEAST_VARIANCE, principal_components
from training.errors import TrainingError

if TYPE_CHECKING:
    import keras

#: Names of the layers whose weights the training rows tell.
STANDARDIZED: Final = "standardized"
COMPONENTS: Final = "components"


class LandmarkMlp(ExpressionArchitecture):
    """Settings of the network.

    Attributes:
        components: principal components of the features that are looked at; 0 for the features
            themselves, standardised.
        whitening: how far components are brought to one size (`training.architectures.principal_components`).
        units: of each hidden layer.
        activation: of the hidden layers.
        input_dropout: share of the features or components left out in training.
        dropout: share of each hidden layer's units left out in training.
    """

    inputs: ClassVar[tuple[str, ...]] = ("landmarks",)
    #: Of images, which it does not see.
    any_size: ClassVar[bool] = True
    view_pixels: ClassVar[int] = INPUT_SIZE
    least: ClassVar[Mapping[str, Any]] = {"components": 4, "units": (8,)}

    kind: Literal["landmark_mlp"] = "landmark_mlp"
    components: int = Field(default=0, ge=0, le=FEATURE_SIZE)
    whitening: float = Field(default=0.3, ge=0.0, le=0.5)
    units: tuple[int, ...] = (512, 256)
    activation: Literal["relu", "gelu"] = "relu"
    input_dropout: float = Field(default=0.2, ge=0.0, lt=1.0)
    dropout: float = Field(default=0.5, ge=0.0, lt=1.0)

    def build(self, n_outputs: int, *, side: int | None = None) -> "keras.Model":
        """Return the untrained network: (N, FEATURE_SIZE) feature vectors -> float32 logits.

        `side` is that of images, which it does not see.
        """
        import keras
        from keras import layers

        inputs = keras.Input((FEATURE_SIZE,), name="landmarks")
        found, x = self.embed(inputs)
        x = layers.Concatenate()([x, found])
        logits = layers.Dense(n_outputs, dtype="float32", name="logits")(x)
        return keras.Model(inputs, logits, name="landmark_mlp")

    def learn_from_rows(self, network: "keras.Model", landmarks: np.ndarray | None) -> None:
        """Set the first layers to the principal components of the training rows, if the settings use them.

        Raises:
            TrainingError: too few rows have landmarks.
        """
        if not self.components:
            return
        vectors = found_landmarks(landmarks)
        if (n := int(vectors.any(axis=1).sum())) < self.components:
            raise TrainingError(
                f"{self.components} components cannot be learnt from {n} faces with landmarks. Ask for fewer "
                "(architecture.components) or give more rows."
            )
        found = principal_components(vectors, self.components, whitening=self.whitening)
        network.get_layer(STANDARDIZED).set_weights([found.mean, found.variance])
        network.get_layer(COMPONENTS).set_weights([found.kernel])

    @classmethod
    def origin(cls, settings: Mapping[str, Any], starts_from: str | None) -> str:
        """Return the card's sentences about the initial weights; components are computed from the rows."""
        if starts_from is None and (components := settings.get("components")):
            return (
                f"Its first layers are not trained: they compute the first {components} principal "
                "components of the training rows. The others started with random weights."
            )
        return super().origin(settings, starts_from)

    def embed(self, vectors: "keras.KerasTensor") -> "tuple[keras.KerasTensor, keras.KerasTensor]":
        """Return found, (N, 1), 1 where there are landmarks, and hidden features, 0 where there are none."""
        from keras import layers, ops

        seen = ops.any(vectors != 0, axis=1)
        # Faces without landmarks are no measurements: the mask keeps them out of all statistics.
        if self.components:
            x = layers.BatchNormalization(
                center=False,
                scale=False,
                epsilon=LEAST_VARIANCE,
                trainable=False,
                dtype="float32",
                name=STANDARDIZED,
            )(vectors)
            x = layers.Dense(
                self.components, use_bias=False, trainable=False, dtype="float32", name=COMPONENTS
            )(x)
        else:
            x = layers.BatchNormalization(momentum=0.95, center=False, scale=False)(
                vectors, mask=seen
            )
        x = layers.Dropout(self.input_dropout)(x)
        for units in self.units:
            x = layers.Dense(units, use_bias=False, kernel_initializer="he_normal")(x)
            x = layers.BatchNormalization(momentum=0.95)(x, mask=seen)
            x = layers.Activation(self.activation)(x)
            x = layers.Dropout(self.dropout)(x)
        found = ops.cast(ops.expand_dims(seen, 1), "float32")
        return found, x * found


def found_landmarks(landmarks: np.ndarray | None) -> np.ndarray:
    """Return the landmarks of training rows; raise TrainingError if no face has any."""
    if landmarks is None or not landmarks.any():
        raise TrainingError("No training row has a face with landmarks to learn from.")
    return landmarks
