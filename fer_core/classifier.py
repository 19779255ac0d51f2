"""One loaded bundle: face crops in, calibrated probabilities out, on LiteRT."""

import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from fer_core.bundles import SERVING_FILE, Bundle
from fer_core.crops import INPUT_SIZE, FaceInputs
from fer_core.expressions import Expression
from fer_core.metrics import softmax

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

log = logging.getLogger(__name__)

#: Faces in one call of the interpreter. Bounds the memory of a photo with many faces.
MAX_BATCH: Final = 32


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """One network's opinion on one face.

    Attributes:
        labels: the classes, in the order of `probabilities`.
        probabilities: float32 (len(labels),), calibrated, summing to 1.
        abstention_threshold: confidence in [0, 1] under which the network is not sure.
        activation_maps: float32 (h, w, len(labels)); the mean of each map is its class's logit
            before temperature scaling.
    """

    labels: tuple[Expression, ...]
    probabilities: np.ndarray
    abstention_threshold: float
    activation_maps: np.ndarray

    @property
    def expression(self) -> Expression:
        """The most probable expression."""
        return self.labels[int(self.probabilities.argmax())]

    @property
    def confidence(self) -> float:
        """Its calibrated probability."""
        return float(self.probabilities.max())

    @property
    def abstained(self) -> bool:
        """Whether the confidence is too low for an answer that deserves trust."""
        return self.confidence < self.abstention_threshold


class Classifier:
    """A bundle's network, ready to answer. Safe to share between threads.

    A LiteRT interpreter is not thread-safe, so calls take turns; a call is about a millisecond a face.
    """

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        """Load and verify the bundle's serving file.

        Args:
            bundle: the network.
            threads: of the interpreter; by default one a core, four at most.

        Raises:
            BundleError: the file is missing or damaged.
        """
        self.bundle = bundle
        self._lock = threading.Lock()
        self._interpreter = _open_interpreter(
            bundle.verify(SERVING_FILE).read_bytes(), threads or min(4, os.cpu_count() or 1)
        )
        self._input = self._interpreter.get_input_details()[0]["index"]
        outputs = self._interpreter.get_output_details()
        # The logits have two axes, the activation maps four.
        self._logits = next(o["index"] for o in outputs if len(o["shape"]) == 2)
        self._maps = next(o["index"] for o in outputs if len(o["shape"]) == 4)
        self._batch = 0
        # Prepares the kernels now, so that the first face waits no longer than the others.
        self._run(np.zeros((1, INPUT_SIZE, INPUT_SIZE), np.uint8))

    def predict(self, faces: Sequence[FaceInputs]) -> list[Prediction]:
        """Return one prediction a face, in order."""
        if not faces:
            return []
        spec = self.bundle.spec
        logits, maps = self.logits(np.stack([face.image for face in faces]))
        probabilities = softmax(logits, temperature=spec.temperature)
        return [
            Prediction(
                labels=spec.labels,
                probabilities=p,
                abstention_threshold=spec.abstention_threshold,
                activation_maps=m,
            )
            for p, m in zip(probabilities, maps, strict=True)
        ]

    def logits(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the raw outputs for uint8 images (N, 48, 48).

        Returns:
            float32 logits (N, classes) and class activation maps (N, h, w, classes).
        """
        if images.shape[1:] != (INPUT_SIZE, INPUT_SIZE) or images.dtype != np.uint8:
            raise ValueError(
                f"images must be uint8 (N, {INPUT_SIZE}, {INPUT_SIZE}), "
                f"got {images.dtype} {images.shape}"
            )
        batches = [images[i : i + MAX_BATCH] for i in range(0, len(images), MAX_BATCH)]
        with self._lock:
            results = [self._run(batch) for batch in batches]
        logits, maps = zip(*results, strict=True)
        return np.concatenate(logits), np.concatenate(maps)

    def _run(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        interpreter = self._interpreter
        if len(batch) != self._batch:
            interpreter.resize_tensor_input(self._input, (len(batch), INPUT_SIZE, INPUT_SIZE, 1))
            interpreter.allocate_tensors()
            self._batch = len(batch)
        interpreter.set_tensor(self._input, batch[..., None].astype(np.float32))
        interpreter.invoke()
        return interpreter.get_tensor(self._logits), interpreter.get_tensor(self._maps)


def _open_interpreter(content: bytes, threads: int) -> "Interpreter":
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(model_content=content, num_threads=threads)
