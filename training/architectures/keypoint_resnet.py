"""A residual network that finds keypoints in 96x96 grey faces (He et al. 2016, arXiv:1512.03385).

Residual stages down to 6x6 see the whole face; on the way back up, each level takes in what the stage of
its size saw (Newell et al. 2016, arXiv:1603.06937). It ends in one heatmap a point, whose centre of mass
is the answer (integral regression, Sun et al. 2018, arXiv:1711.08229): finer than the map's own grid, and
trained on coordinates alone, so that a missing point costs nothing.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from fer_core.networks.keypoints import KEYPOINT_SIZE
from training.architectures.base import KeypointArchitecture

if TYPE_CHECKING:
    import keras


class KeypointResnet(KeypointArchitecture):
    """Settings of the network.

    Attributes:
        widths: filters of each residual stage, the first at half the input's resolution.
        joined_width: filters of the way back up.
    """

    least: ClassVar[Mapping[str, Any]] = {"widths": (4, 8, 8), "joined_width": 4}

    kind: Literal["keypoint_resnet"] = "keypoint_resnet"
    widths: tuple[int, ...] = (16, 32, 64, 128)
    joined_width: int = 48

    def build(self, n_outputs: int) -> "keras.Model":
        """Return the untrained network: (N, 96, 96, 1) in [0, 255] -> float32 (N, 2 n_outputs), x and y.

        Coordinates are pixels of the input, x and y of each of `n_outputs` points in turn.
        """
        import keras
        from keras import layers

        def conv(
            x: "keras.KerasTensor", width: int, side: int = 3, *, strides: int = 1
        ) -> "keras.KerasTensor":
            x = layers.Conv2D(
                width,
                side,
                strides=strides,
                padding="same",
                use_bias=False,
                kernel_initializer="he_normal",
            )(x)
            return layers.BatchNormalization(momentum=0.95)(x)

        def block(x: "keras.KerasTensor", width: int, strides: int) -> "keras.KerasTensor":
            inner = layers.ReLU()(conv(x, width, strides=strides))
            inner = conv(inner, width)
            if strides > 1 or x.shape[-1] != width:
                x = conv(x, width, 1, strides=strides)
            return layers.ReLU()(layers.Add()([x, inner]))

        inputs = keras.Input((KEYPOINT_SIZE, KEYPOINT_SIZE, 1), name="image")
        x = layers.Rescaling(1 / 255)(inputs)
        # Each image to mean 0 and variance 1: the network sees no brightness and no contrast.
        x = layers.LayerNormalization(axis=(1, 2, 3), center=False, scale=False, epsilon=1e-4)(x)
        x = layers.ReLU()(conv(x, self.widths[0], 5, strides=2))
        stages = []
        for i, width in enumerate(self.widths):
            x = block(x, width, 1 if i == 0 else 2)
            stages.append(x)
        x = layers.ReLU()(conv(stages.pop(), self.joined_width, 1))
        for stage in reversed(stages[1:]):
            x = layers.UpSampling2D(2, interpolation="bilinear")(x)
            x = layers.Add()([x, conv(stage, self.joined_width, 1)])
            x = layers.ReLU()(conv(layers.ReLU()(x), self.joined_width))
        heat = layers.Conv2D(n_outputs, 1, dtype="float32")(x)
        return keras.Model(inputs, _centres_of_mass(heat), name="keypoint_resnet")


def _centres_of_mass(heat: "keras.KerasTensor") -> "keras.KerasTensor":
    """Return float32 (N, 2 P), the mean place under each softmaxed heatmap of (N, h, w, P)."""
    import numpy as np
    from keras import layers, ops

    _, height, width, n_points = heat.shape
    flat = layers.Reshape((height * width, n_points))(heat)
    share = layers.Softmax(axis=1, dtype="float32")(flat)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    # The middle of each cell, in pixels of the input; pixel 0 has its middle at 0.
    cell = KEYPOINT_SIZE / width
    places = np.stack([x.ravel(), y.ravel()], axis=1) * cell + (cell - 1) / 2
    centres = ops.matmul(ops.transpose(share, (0, 2, 1)), places)
    return layers.Reshape((2 * n_points,), dtype="float32")(centres)
