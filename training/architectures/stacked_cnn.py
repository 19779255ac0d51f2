"""The textbook network for small images: stages of convolution and pooling, then dense layers.

Its kind won digits for LeCun et al. 1998 ("Gradient-based learning applied to document recognition");
ReLU and dropout are as in Krizhevsky et al. 2012. The design study varies its stages, kernels and neurons.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from fer_core.faces.crops import INPUT_SIZE
from training.architectures.base import ExpressionArchitecture
from training.architectures.cnn import standardized

if TYPE_CHECKING:
    import keras


class StackedCnn(ExpressionArchitecture):
    """Settings of the network.

    Attributes:
        widths: filters of each stage, a 3x3 convolution and a maximum over 2x2 pixels; at most five, since
            48 pixels that are halved five times are one.
        dense: units of each hidden layer over the flattened features.
        batch_norm: normalise after each convolution and hidden layer (Ioffe and Szegedy 2015,
            arXiv:1502.03167).
        stage_dropout: share of the features left out in training after each pooling.
        dropout: share of each hidden layer's units left out in training.
        channels: of what the first convolution sees; 3 for the grey image three times, as networks made
            for colour photos are fed. It gives the first layer three times the weights and no new input.
    """

    inputs: ClassVar[tuple[str, ...]] = ("image",)
    #: Dense layers over flattened features fit one size.
    any_size: ClassVar[bool] = False
    view_pixels: ClassVar[int] = INPUT_SIZE
    least: ClassVar[Mapping[str, Any]] = {
        "widths": (4, 8),
        "dense": (8,),
        "channels": 3,
        "stage_dropout": 0.1,
    }

    kind: Literal["stacked_cnn"] = "stacked_cnn"
    widths: tuple[int, ...] = Field(default=(64, 64, 128, 128), min_length=1, max_length=5)
    dense: tuple[int, ...] = (128, 128)
    batch_norm: bool = True
    stage_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    dropout: float = Field(default=0.5, ge=0.0, lt=1.0)
    channels: Literal[1, 3] = 1

    def build(self, n_outputs: int, *, side: int | None = INPUT_SIZE) -> "keras.Model":
        """Return the untrained network: (N, 48, 48, 1) grey values in [0, 255] -> float32 logits.

        `side` makes no difference.
        """
        import keras
        from keras import layers

        inputs = keras.Input((INPUT_SIZE, INPUT_SIZE, 1), name="image")
        x = standardized(inputs, view_pixels=INPUT_SIZE)
        if self.channels == 3:
            x = layers.Concatenate()([x, x, x])
        for width in self.widths:
            x = layers.Conv2D(
                width,
                3,
                padding="same",
                use_bias=not self.batch_norm,
                kernel_initializer="he_normal",
            )(x)
            # Before what acts on each number alone: a quarter of them is left to act on.
            x = layers.MaxPooling2D(2)(x)
            x = layers.Dropout(self.stage_dropout)(layers.ReLU()(self._normalised(x)))
        x = layers.Flatten()(x)
        for units in self.dense:
            x = layers.Dense(units, use_bias=not self.batch_norm, kernel_initializer="he_normal")(x)
            x = layers.Dropout(self.dropout)(layers.ReLU()(self._normalised(x)))
        logits = layers.Dense(n_outputs, dtype="float32", name="logits")(x)
        return keras.Model(inputs, logits, name="stacked_cnn")

    def _normalised(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        from keras import layers

        return layers.BatchNormalization(momentum=0.95)(x) if self.batch_norm else x
