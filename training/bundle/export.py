"""The network's files of a bundle: Keras, LiteRT, and the table of layers.

The LiteRT file can be written under the TensorFlow backend alone. A run that was trained on another one
is finished here all the same: its weights load under any backend.
"""

import functools
import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from fer_core.faces.crops import INPUT_SIZE
from fer_core.faces.landmarks import FEATURE_SIZE
from fer_core.files import replace_file
from fer_core.networks.bundles import KERAS_FILE, SERVING_FILE
from fer_core.networks.layers import write_layers
from fer_core.networks.litert import ServingModel
from training.architectures.base import MAPS_LAYER
from training.bundle.half_precision import rounded
from training.errors import TrainingError
from training.networks.layer_table import layer_table
from training.networks.saved_network import save_network

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

#: Largest difference between `model.keras` and `model.tflite` in any logit or activation map, and in any
#: coordinate as a share of the image's side.
PARITY: Final = 1e-4
#: Faces that parity is measured on.
_PARITY_SAMPLES: Final = 64


def export(
    network: "keras.Model",
    folder: Path,
    inputs: dict[str, np.ndarray] | None = None,
    *,
    unit: float = 1.0,
) -> float:
    """Write `model.keras`, `model.tflite` and `layers.csv` of a trained network and compare the first two.

    The LiteRT file has the network's output (N, C), class activation maps (N, h, w, C) if the network
    has them, and a batch axis that can be resized. Both hold the weights rounded to float16; where that
    does not keep parity, since a layer is converted otherwise than foreseen, those of the LiteRT file are
    float32.

    Args:
        network: float32, never compiled, so that no optimiser state is saved with it.
        folder: exists; receives the files.
        inputs: to measure parity on, by name: `image` uint8 (N, S, S), `landmarks` (N, FEATURE_SIZE)
            if the network sees them; random by default.
        unit: of the outputs, that differences are measured in.

    Returns:
        The largest difference between any output of the two files, in that unit.

    Raises:
        TrainingError: the backend is not TensorFlow, the files disagree by more than PARITY, or the
            network has a layer whose cost we do not know how to count.
    """
    require_tensorflow()
    import keras

    images, vectors = _parity_inputs(network, inputs or {})
    replace_file(folder / KERAS_FILE, functools.partial(save_network, rounded(network)))
    # The reference is what a user of the file will load, not the network in memory.
    saved = keras.models.load_model(folder / KERAS_FILE, compile=False, safe_mode=True)
    write_layers(layer_table(saved), folder)
    maps = [layer.output for layer in saved.layers if layer.name == MAPS_LAYER]
    serving = keras.Model(saved.inputs, [saved.output, *maps])
    given = {"image": images[..., None].astype(np.float32), "landmarks": vectors}
    answers = serving.predict_on_batch([given[tensor.name] for tensor in saved.inputs])
    expected = keras.tree.flatten(answers)
    differences = {}
    for kind in ("float16", "float32"):
        content = _convert(serving, float16=kind == "float16")
        differences[kind] = _largest_difference(content, images, vectors, expected) / unit
        if differences[kind] <= PARITY:
            replace_file(folder / SERVING_FILE, functools.partial(Path.write_bytes, data=content))
            log.info("LiteRT file with %s weights, %.1e from Keras", kind, differences[kind])
            return differences[kind]
    raise TrainingError(
        f"The LiteRT file disagrees with {KERAS_FILE} by {differences['float32']:.1e}, more than "
        f"{PARITY:.0e} (with float16 weights by {differences['float16']:.1e}). A layer of this "
        "network is not converted faithfully; nothing was replaced."
    )


def _parity_inputs(
    network: "keras.Model", inputs: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return uint8 images (N, S, S) and float32 feature vectors (N, FEATURE_SIZE)."""
    rng = np.random.default_rng(0)
    n = _PARITY_SAMPLES
    side = next(
        (tensor.shape[1] for tensor in network.inputs if tensor.name == "image"), INPUT_SIZE
    )
    images = inputs.get("image", rng.integers(0, 256, (n, side, side), dtype=np.uint8))[:n]
    vectors = inputs.get("landmarks", rng.normal(size=(n, FEATURE_SIZE)))[: len(images)]
    return images, vectors.astype(np.float32)


def require_tensorflow() -> None:
    """Raise TrainingError unless Keras runs on TensorFlow, the one backend that writes LiteRT files."""
    import keras

    if (backend := keras.backend.backend()) != "tensorflow":
        raise TrainingError(
            f"The LiteRT file can only be written under TensorFlow, and KERAS_BACKEND is {backend!r}. "
            "The trained weights are kept: finish where TensorFlow is installed, with "
            "KERAS_BACKEND=tensorflow and the same command and --resume."
        )


def _convert(serving: "keras.Model", *, float16: bool) -> bytes:
    import tensorflow as tf

    # Through a SavedModel of one concrete signature: a resizable batch, and no layer's Python code.
    with tempfile.TemporaryDirectory() as folder:
        serving.export(folder, format="tf_saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if float16:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        return bytes(converter.convert())


def _largest_difference(
    content: bytes, images: np.ndarray, vectors: np.ndarray, expected: list[np.ndarray]
) -> float:
    """Run a LiteRT file on images and feature vectors; return its largest absolute error."""
    logits, maps = ServingModel(content, threads=1).run(images, vectors)
    found = [logits] if maps is None else [logits, maps]
    return max(float(np.abs(f - np.asarray(e)).max()) for f, e in zip(found, expected, strict=True))
