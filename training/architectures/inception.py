"""A small Inception network for 48x48 grey faces, after Szegedy et al. 2015 (arXiv:1409.4842).

Each module looks at its input through windows of three sizes at once and joins what they see. Nine
modules on 224 pixels become five on 48; auxiliary classifiers, made for depth, are left out, and batch
normalisation is added. The head is that of `training.architectures.cnn`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from fer_core.faces.crops import INPUT_SIZE
from training.architectures.base import ExpressionArchitecture
from training.architectures.cnn import conv_norm_relu, mapped, standardized

if TYPE_CHECKING:
    import keras


class Inception(ExpressionArchitecture):
    """Settings of the network.

    Attributes:
        stem_width: filters of the convolution before the first module, at full resolution.
        widths: features that each module of a stage gives, multiples of 16; every stage begins with a
            halving.
        modules: of each stage.
        dropout: share of the last features' channels left out in training.
        view_pixels: side of the central square of the input that the network looks at
            (`training.architectures.cnn`).
    """

    inputs: ClassVar[tuple[str, ...]] = ("image",)
    any_size: ClassVar[bool] = True
    least: ClassVar[Mapping[str, Any]] = {
        "stem_width": 4,
        "widths": (16, 32),
        "modules": (1, 1),
        "view_pixels": 42,
    }

    kind: Literal["inception"] = "inception"
    stem_width: int = Field(default=32, gt=0)
    widths: tuple[int, ...] = (128, 256, 384)
    modules: tuple[int, ...] = (1, 2, 2)
    dropout: float = Field(default=0.4, ge=0.0, lt=1.0)
    view_pixels: int = Field(default=INPUT_SIZE, ge=16, le=INPUT_SIZE, multiple_of=2)

    @model_validator(mode="after")
    def _stages_agree(self) -> Self:
        if len(self.widths) != len(self.modules):
            raise ValueError("widths and modules must have one number a stage each")
        if any(width <= 0 or width % 16 for width in self.widths):
            raise ValueError("widths must be multiples of 16")
        return self

    def build(self, n_outputs: int, *, side: int | None = INPUT_SIZE) -> "keras.Model":
        """Return the untrained network: (N, side, side, 1) grey values in [0, 255] -> float32 logits.

        With `side` None it takes squares of any size and looks at the whole of them; the weights are
        the same.
        """
        import keras
        from keras import layers

        inputs = keras.Input((side, side, 1), name="image")
        x = standardized(inputs, view_pixels=self.view_pixels)
        x = conv_norm_relu(x, self.stem_width)
        for width, modules in zip(self.widths, self.modules, strict=True):
            x = layers.MaxPooling2D(2)(x)
            for _ in range(modules):
                x = _module(x, width)
        return keras.Model(inputs, mapped(x, n_outputs, dropout=self.dropout), name="inception")


def _module(x: "keras.KerasTensor", width: int) -> "keras.KerasTensor":
    """Return features (N, h, w, width) seen through windows of 1x1, 3x3 and 5x5, and a maximum.

    Widths are in the proportions of the paper's module 3a (table 1): 64, 96 -> 128, 16 -> 32 and 32 of 256.
    """
    from keras import layers

    return layers.Concatenate()(
        [
            conv_norm_relu(x, width // 4, 1),
            conv_norm_relu(conv_norm_relu(x, width * 3 // 8, 1), width // 2, 3),
            conv_norm_relu(conv_norm_relu(x, width // 16, 1), width // 8, 5),
            conv_norm_relu(layers.MaxPooling2D(3, strides=1, padding="same")(x), width // 8, 1),
        ]
    )
