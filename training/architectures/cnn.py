"""A VGG-like network for 48x48 grey faces, after Simonyan and Zisserman 2015 (arXiv:1409.1556).

Stages of 3x3 convolutions with batch normalisation, each stage halved by max pooling. The head is a
1x1 convolution to one map per class followed by global average pooling (Lin et al. 2014,
arXiv:1312.4400), so the class activation maps of Zhou et al. 2016 (arXiv:1512.04150) are the network's
own last layer and the logits are exactly their means.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from fer_core.faces.crops import INPUT_SIZE
from training.architectures.base import MAPS_LAYER, ExpressionArchitecture

if TYPE_CHECKING:
    import keras


class Cnn(ExpressionArchitecture):
    """Settings of the network.

    Attributes:
        widths: filters of each stage.
        depths: convolutions of each stage.
        residual: add each stage's first activation to its last (He et al. 2016, arXiv:1512.03385).
        dropout: share of the last features' channels left out in training.
        view_pixels: side of the central square of the input that the network looks at. Trained on
            random crops, it is better without the rim that its crops seldom held; chosen on the clean
            rows of the validation split. The activation maps cover this square.
    """

    inputs: ClassVar[tuple[str, ...]] = ("image",)
    any_size: ClassVar[bool] = True
    least: ClassVar[Mapping[str, Any]] = {
        "widths": (4, 8),
        "depths": (1, 2),
        "view_pixels": 42,
    }

    kind: Literal["cnn"] = "cnn"
    widths: tuple[int, ...] = (32, 64, 128, 256)
    depths: tuple[int, ...] = (1, 2, 2, 3)
    residual: bool = True
    dropout: float = Field(default=0.3, ge=0.0, lt=1.0)
    view_pixels: int = Field(default=INPUT_SIZE, ge=8, le=INPUT_SIZE, multiple_of=2)

    @model_validator(mode="after")
    def _stages_agree(self) -> Self:
        if len(self.widths) != len(self.depths):
            raise ValueError("widths and depths must have one number a stage each")
        return self

    @property
    def corrects_priors(self) -> bool:
        """Always true: the biases are those of its activation maps."""
        return True

    def logit_bias(self, network: "keras.Model") -> "keras.Variable":
        """Return the biases, (classes,), of the activation maps, whose means are the logits."""
        return network.get_layer(MAPS_LAYER).bias

    def build(self, n_outputs: int, *, side: int | None = INPUT_SIZE) -> "keras.Model":
        """Return the untrained network: (N, side, side, 1) grey values in [0, 255] -> float32 logits.

        With `side` None it takes squares of any size and looks at the whole of them; the weights are
        the same.
        """
        import keras
        from keras import layers

        inputs = keras.Input((side, side, 1), name="image")
        x = standardized(inputs, view_pixels=self.view_pixels)
        for stage, (width, depth) in enumerate(zip(self.widths, self.depths, strict=True)):
            if stage > 0:
                x = layers.MaxPooling2D(2)(x)
            x = first = conv_norm_relu(x, width)
            for _ in range(depth - 1):
                x = conv_norm_relu(x, width)
            if self.residual and depth > 1:
                x = layers.Add()([first, x])
        return keras.Model(inputs, mapped(x, n_outputs, dropout=self.dropout), name="cnn")


def standardized(image: "keras.KerasTensor", *, view_pixels: int) -> "keras.KerasTensor":
    """Return the standardized central square of grey values (N, side, side, 1) in [0, 255].

    Each image is brought to mean 0 and variance 1: the network sees no brightness and no contrast.

    Args:
        image: where the side is not known, the whole of it is looked at.
        view_pixels: side of the central square that is looked at.
    """
    from keras import layers

    x, side = image, image.shape[1]
    if side is not None and (rim := (side - view_pixels) // 2) > 0:
        x = layers.Cropping2D(rim)(x)
    x = layers.Rescaling(1 / 255)(x)
    return layers.LayerNormalization(axis=(1, 2, 3), center=False, scale=False, epsilon=1e-4)(x)


def conv_norm_relu(x: "keras.KerasTensor", width: int, kernel_side: int = 3) -> "keras.KerasTensor":
    """Return features (N, h, w, width) after a convolution, batch normalisation and ReLU."""
    from keras import layers

    x = layers.Conv2D(
        width, kernel_side, padding="same", use_bias=False, kernel_initializer="he_normal"
    )(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.95)(x))


def mapped(x: "keras.KerasTensor", n_classes: int, *, dropout: float) -> "keras.KerasTensor":
    """Return float32 logits (N, classes), the means of the activation maps read off features."""
    from keras import layers

    # Whole channels are dropped, which after pooling is the same as dropout on the pooled vector.
    x = layers.SpatialDropout2D(dropout)(x)
    x = layers.Conv2D(n_classes, 1, dtype="float32", name=MAPS_LAYER)(x)
    return layers.GlobalAveragePooling2D(dtype="float32", name="logits")(x)
