"""EfficientNet-B0 from scratch, for 48x48 grey faces (Tan and Le 2019, arXiv:1905.11946).

The network is that of Keras Applications, with four changes. Its stem keeps the resolution: made for 224
pixels, it halves the image five times, and of 48 pixels two would be left; so three are. Its scaling to
ImageNet's range is replaced by the standardisation of each image that the other networks here have too;
the grey image is given three times, where it expects red, green and blue. Its blocks are never skipped in
training (stochastic depth, arXiv:1603.09382), which is for hundreds of epochs: after ten with it, it read
the training faces no better than others. And its head is that of `training.architectures.cnn`, so that it has
activation maps, under a narrower last convolution.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from fer_core.faces.crops import INPUT_SIZE
from training.architectures.base import ExpressionArchitecture
from training.architectures.cnn import mapped, standardized

if TYPE_CHECKING:
    import keras


class EfficientNet(ExpressionArchitecture):
    """Settings of the network.

    Attributes:
        top_width: filters of the last convolution. The paper's 1280 tell a thousand classes apart and
            would make a file of 17.1 MB; with 384 it stays under 16 MB (16,000,000 bytes).
        dropout: share of the last features' channels left out in training.
        view_pixels: side of the central square of the input that the network looks at
            (`training.architectures.cnn`).
    """

    inputs: ClassVar[tuple[str, ...]] = ("image",)
    any_size: ClassVar[bool] = True
    # Its sizes are Keras's; narrow at the top alone.
    least: ClassVar[Mapping[str, Any]] = {"top_width": 16}

    kind: Literal["efficientnet"] = "efficientnet"
    top_width: int = Field(default=384, gt=0)
    dropout: float = Field(default=0.2, ge=0.0, lt=1.0)
    view_pixels: int = Field(default=INPUT_SIZE, ge=16, le=INPUT_SIZE, multiple_of=2)

    def build(self, n_outputs: int, *, side: int | None = INPUT_SIZE) -> "keras.Model":
        """Return the untrained network: (N, side, side, 1) grey values in [0, 255] -> float32 logits.

        With `side` None it takes squares of any size and looks at the whole of them; the weights are
        the same.
        """
        import keras
        from keras import layers

        inputs = keras.Input((side, side, 1), name="image")
        x = standardized(inputs, view_pixels=self.view_pixels)
        x = self._trunk()(layers.Concatenate()([x, x, x]))
        return keras.Model(inputs, mapped(x, n_outputs, dropout=self.dropout), name="efficientnet")

    def _trunk(self) -> "keras.Model":
        """Return EfficientNet-B0 from its stem to its last features, (N, s, s, 3) -> (N, s/16, s/16, top)."""
        import keras
        from keras import layers

        # Of no certain size: otherwise its paddings would be those for the sizes behind the old stem.
        original = keras.applications.EfficientNetB0(
            include_top=False, weights=None, input_shape=(None, None, 3)
        )

        def adapted(layer: "keras.layers.Layer") -> "keras.layers.Layer":
            if isinstance(layer, layers.Rescaling | layers.Normalization):
                return layers.Identity()
            config = layer.get_config()
            if layer.name == "stem_conv_pad":
                config["padding"] = 1
            elif layer.name == "stem_conv":
                config["strides"] = 1
            elif layer.name == "top_conv":
                config["filters"] = self.top_width
            elif isinstance(layer, layers.Dropout):
                config["rate"] = 0.0
            elif isinstance(layer, layers.BatchNormalization):
                # The default, 0.99, is for epochs of many more steps.
                config["momentum"] = 0.95
            return type(layer).from_config(config)

        return keras.models.clone_model(original, clone_function=adapted)
