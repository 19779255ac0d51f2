"""A residual network in the form for small images (He et al. 2016, arXiv:1512.03385, section 4.2).

Without the large first window and the pooling of the ImageNet networks: a 3x3 convolution, then stages of
two-convolution blocks, each stage but the first beginning with stride 2. The head is that of
`training.architectures.cnn`.
"""

from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fer_core.crops import INPUT_SIZE
from training.architectures.cnn import mapped, standardized

if TYPE_CHECKING:
    import keras


class Resnet(BaseModel):
    """Settings of the network.

    Attributes:
        widths: filters of each stage.
        blocks: residual blocks of each stage.
        pre_activation: normalise and rectify before each convolution instead of after it, so that the
            sum passes on unchanged (He et al. 2016, "Identity Mappings", arXiv:1603.05027).
        dropout: share of the last features' channels left out in training.
        view_pixels: side of the central square of the input that the network looks at
            (`training.architectures.cnn`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: ClassVar[tuple[str, ...]] = ("image",)
    any_size: ClassVar[bool] = True

    kind: Literal["resnet"] = "resnet"
    widths: tuple[int, ...] = (32, 64, 128, 256)
    blocks: tuple[int, ...] = (1, 1, 1, 1)
    pre_activation: bool = True
    dropout: float = Field(default=0.3, ge=0.0, lt=1.0)
    view_pixels: int = Field(default=INPUT_SIZE, ge=8, le=INPUT_SIZE, multiple_of=2)

    @model_validator(mode="after")
    def _stages_agree(self) -> Self:
        if len(self.widths) != len(self.blocks):
            raise ValueError("widths and blocks must have one number a stage each")
        return self

    def build(self, n_classes: int, *, side: int | None = INPUT_SIZE) -> "keras.Model":
        """Return the untrained network: (N, side, side, 1) grey values in [0, 255] -> float32 logits.

        With `side` None it takes squares of any size and looks at the whole of them; the weights are
        the same.
        """
        import keras

        block = _pre_activated_block if self.pre_activation else _block
        inputs = keras.Input((side, side, 1), name="image")
        x = _conv(standardized(inputs, view_pixels=self.view_pixels), self.widths[0])
        if not self.pre_activation:
            x = _norm_relu(x)
        for stage, (width, blocks) in enumerate(zip(self.widths, self.blocks, strict=True)):
            for i in range(blocks):
                x = block(x, width, strides=2 if stage > 0 and i == 0 else 1)
        if self.pre_activation:
            x = _norm_relu(x)
        return keras.Model(inputs, mapped(x, n_classes, dropout=self.dropout), name="resnet")


def _block(x: "keras.KerasTensor", width: int, *, strides: int) -> "keras.KerasTensor":
    from keras import layers

    inner = _norm_relu(_conv(x, width, strides=strides))
    inner = _norm(_conv(inner, width))
    if strides > 1 or x.shape[-1] != width:
        x = _norm(_conv(x, width, 1, strides=strides))
    return layers.ReLU()(layers.Add()([x, inner]))


def _pre_activated_block(
    x: "keras.KerasTensor", width: int, *, strides: int
) -> "keras.KerasTensor":
    from keras import layers

    active = _norm_relu(x)
    inner = _norm_relu(_conv(active, width, strides=strides))
    inner = _conv(inner, width)
    if strides > 1 or x.shape[-1] != width:
        x = _conv(active, width, 1, strides=strides)
    return layers.Add()([x, inner])


def _conv(
    x: "keras.KerasTensor", width: int, kernel_side: int = 3, *, strides: int = 1
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


def _norm(x: "keras.KerasTensor") -> "keras.KerasTensor":
    from keras import layers

    return layers.BatchNormalization(momentum=0.95)(x)


def _norm_relu(x: "keras.KerasTensor") -> "keras.KerasTensor":
    from keras import layers

    return layers.ReLU()(_norm(x))
