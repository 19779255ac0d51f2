"""The VGG13 of FER+ (Barsoum et al. 2016, arXiv:1608.01041), at half its width.

The paper's network for 64x64 grey faces has stages of 2, 2, 3 and 3 convolutions with 64, 128, 256 and
256 filters, dropout of 0.25 after each pooling, and two dense layers of 1024 units with dropout of 0.5:
8.7 million weights. Here the convolutions have half the filters, which costs a quarter of the time and
brings the file from 35 MB to 13 MB; the dense layers are the paper's. Faces are 48x48, and batch
normalisation (arXiv:1502.03167) is added.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from fer_core.faces.crops import INPUT_SIZE
from training.architectures.base import ExpressionArchitecture
from training.architectures.cnn import conv_norm_relu, standardized

if TYPE_CHECKING:
    import keras


class Vgg(ExpressionArchitecture):
    """Settings of the network.

    Attributes:
        widths: filters of each stage, at most five; the paper's are 64, 128, 256, 256.
        depths: convolutions of each stage.
        dense: units of each hidden layer over the flattened features.
        stage_dropout: share of the features left out in training after each pooling.
        dropout: share of each hidden layer's units left out in training.
    """

    inputs: ClassVar[tuple[str, ...]] = ("image",)
    #: Dense layers over flattened features fit one size.
    any_size: ClassVar[bool] = False
    view_pixels: ClassVar[int] = INPUT_SIZE
    least: ClassVar[Mapping[str, Any]] = {"widths": (4, 8), "depths": (1, 2), "dense": (8, 8)}

    kind: Literal["vgg"] = "vgg"
    widths: tuple[int, ...] = Field(default=(32, 64, 128, 128), min_length=1, max_length=5)
    depths: tuple[int, ...] = (2, 2, 3, 3)
    dense: tuple[int, ...] = (1024, 1024)
    stage_dropout: float = Field(default=0.25, ge=0.0, lt=1.0)
    dropout: float = Field(default=0.5, ge=0.0, lt=1.0)

    @model_validator(mode="after")
    def _stages_agree(self) -> Self:
        if len(self.widths) != len(self.depths):
            raise ValueError("widths and depths must have one number a stage each")
        return self

    def build(self, n_outputs: int, *, side: int | None = INPUT_SIZE) -> "keras.Model":
        """Return the untrained network: (N, 48, 48, 1) grey values in [0, 255] -> float32 logits.

        `side` makes no difference.
        """
        import keras
        from keras import layers

        inputs = keras.Input((INPUT_SIZE, INPUT_SIZE, 1), name="image")
        x = standardized(inputs, view_pixels=INPUT_SIZE)
        for width, depth in zip(self.widths, self.depths, strict=True):
            for _ in range(depth):
                x = conv_norm_relu(x, width)
            x = layers.Dropout(self.stage_dropout)(layers.MaxPooling2D(2)(x))
        x = layers.Flatten()(x)
        for units in self.dense:
            x = layers.Dense(units, activation="relu", kernel_initializer="he_normal")(x)
            x = layers.Dropout(self.dropout)(x)
        logits = layers.Dense(n_outputs, dtype="float32", name="logits")(x)
        return keras.Model(inputs, logits, name="vgg")
