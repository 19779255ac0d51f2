"""A residual network with activations before its convolutions, after He et al. 2016 (arXiv:1603.05027).

Each block adds two 3x3 convolutions, each behind batch normalisation and ReLU, to an identity; the first
block of every stage but the first halves height and width by its stride. The head is that of `cnn`: one
activation map per class, whose means are the logits.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from fer_core.faces.crops import INPUT_SIZE
from training.architectures.base import ExpressionArchitecture
from training.architectures.cnn import mapped, standardized

if TYPE_CHECKING:
    import keras


class PreResnet(ExpressionArchitecture):
    """Settings of the network.

    Attributes:
        widths: filters of each stage.
        blocks: residual blocks of each stage, of two convolutions each.
        dropout: share of the last features' channels left out in training.
        view_pixels: side of the central square of the input that the network looks at.
    """

    inputs: ClassVar[tuple[str, ...]] = ("image",)
    any_size: ClassVar[bool] = True
    least: ClassVar[Mapping[str, Any]] = {
        "widths": (4, 8),
        "blocks": (1, 2),
        "view_pixels": 42,
    }

    kind: Literal["pre_resnet"] = "pre_resnet"
    widths: tuple[int, ...] = Field(default=(32, 64, 128, 256), min_length=1, max_length=5)
    blocks: tuple[int, ...] = (2, 2, 2, 2)
    dropout: float = Field(default=0.3, ge=0.0, lt=1.0)
    view_pixels: int = Field(default=INPUT_SIZE, ge=8, le=INPUT_SIZE, multiple_of=2)

    @model_validator(mode="after")
    def _stages_agree(self) -> Self:
        if len(self.widths) != len(self.blocks):
            raise ValueError("widths and blocks must have one number a stage each")
        return self

    def build(self, n_outputs: int, *, side: int | None = INPUT_SIZE) -> "keras.Model":
        """Return the untrained network: (N, side, side, 1) grey values in [0, 255] -> float32 logits.

        With `side` None it takes squares of any size and looks at the whole of them; the weights are
        the same.
        """
        import keras

        inputs = keras.Input((side, side, 1), name="image")
        x = _convolved(
            standardized(inputs, view_pixels=self.view_pixels), self.widths[0], kernel_side=3
        )
        for stage, (width, blocks) in enumerate(zip(self.widths, self.blocks, strict=True)):
            for block in range(blocks):
                x = _block(x, width, strides=2 if stage > 0 and block == 0 else 1)
        logits = mapped(_activated(x), n_outputs, dropout=self.dropout)
        return keras.Model(inputs, logits, name="pre_resnet")


def _block(x: "keras.KerasTensor", width: int, *, strides: int) -> "keras.KerasTensor":
    """Return features (N, h, w, width) after one residual block."""
    from keras import layers

    activated = _activated(x)
    # What changes shape is projected from the activated features, as in the authors' own code.
    keeps_shape = strides == 1 and x.shape[-1] == width
    shortcut = x if keeps_shape else _convolved(activated, width, kernel_side=1, strides=strides)
    inner = _convolved(activated, width, kernel_side=3, strides=strides)
    return layers.Add()([shortcut, _convolved(_activated(inner), width, kernel_side=3)])


def _activated(x: "keras.KerasTensor") -> "keras.KerasTensor":
    from keras import layers

    return layers.ReLU()(layers.BatchNormalization(momentum=0.95)(x))


def _convolved(
    x: "keras.KerasTensor", width: int, *, kernel_side: int, strides: int = 1
) -> "keras.KerasTensor":
    from keras import layers

    return layers.Conv2D(
        width,
        kernel_side,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(x)
