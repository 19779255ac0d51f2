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
from fer_core.errors import BundleError
from fer_core.expressions import Expression
from fer_core.landmarks import FEATURE_SIZE, FEATURE_VERSION
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
            before temperature scaling, as far as it comes from pixels. None if the network sees none.
    """

    labels: tuple[Expression, ...]
    probabilities: np.ndarray
    abstention_threshold: float
    activation_maps: np.ndarray | None

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


class ServingModel:
    """A LiteRT file of ours, which tells by their axes which input and output is which. Not thread-safe."""

    def __init__(self, content: bytes, *, threads: int) -> None:
        """Take a file's content, and how many threads may work on a call."""
        self._interpreter = _open_interpreter(content, threads)
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        # Images have four axes, vectors two; activation maps four, logits two.
        self._image = next((i["index"] for i in inputs if len(i["shape"]) == 4), None)
        self._landmarks = next((i["index"] for i in inputs if len(i["shape"]) == 2), None)
        self._logits = next(o["index"] for o in outputs if len(o["shape"]) == 2)
        self._maps = next((o["index"] for o in outputs if len(o["shape"]) == 4), None)
        self._batch = 0

    def run(
        self, images: np.ndarray, landmarks: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return logits and activation maps, None if it has none; inputs that it lacks are left out."""
        interpreter = self._interpreter
        given = {self._image: images[..., None], self._landmarks: landmarks}
        given.pop(None, None)
        if len(images) != self._batch:
            for index, values in given.items():
                interpreter.resize_tensor_input(index, values.shape)
            interpreter.allocate_tensors()
            self._batch = len(images)
        for index, values in given.items():
            interpreter.set_tensor(index, values.astype(np.float32))
        interpreter.invoke()
        maps = None if self._maps is None else interpreter.get_tensor(self._maps)
        return interpreter.get_tensor(self._logits), maps


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
            BundleError: the file is missing or damaged, or wants other landmark features.
        """
        version = bundle.spec.landmark_features
        if version not in (None, FEATURE_VERSION):
            raise BundleError(
                f"{bundle.spec.name} sees landmarks by version {version} of their features, and this is "
                f"version {FEATURE_VERSION}. Train it anew with: python -m training fit "
                f"{bundle.spec.name}"
            )
        self.bundle = bundle
        self._lock = threading.Lock()
        self._model = ServingModel(
            bundle.verify(SERVING_FILE).read_bytes(),
            threads=threads or min(4, os.cpu_count() or 1),
        )
        # Prepares the kernels now, so that the first face waits no longer than the others.
        self.logits(np.zeros((1, INPUT_SIZE, INPUT_SIZE), np.uint8))

    def predict(self, faces: Sequence[FaceInputs]) -> list[Prediction]:
        """Return one prediction a face, in order."""
        if not faces:
            return []
        spec = self.bundle.spec
        logits, maps = self.logits(
            np.stack([face.image for face in faces]), np.stack([face.landmarks for face in faces])
        )
        probabilities = softmax(logits, temperature=spec.temperature)
        return [
            Prediction(
                labels=spec.labels,
                probabilities=p,
                abstention_threshold=spec.abstention_threshold,
                activation_maps=None if maps is None else maps[i],
            )
            for i, p in enumerate(probabilities)
        ]

    def logits(
        self, images: np.ndarray, landmarks: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the raw outputs for faces.

        Args:
            images: uint8 (N, 48, 48).
            landmarks: float (N, FEATURE_SIZE), zeros where there are none; by default none at all.
                Networks that see only pixels leave them out.

        Returns:
            float32 logits (N, classes) and class activation maps (N, h, w, classes), None for a network
            that sees no pixels.
        """
        n = len(images)
        if images.shape[1:] != (INPUT_SIZE, INPUT_SIZE) or images.dtype != np.uint8:
            raise ValueError(
                f"images must be uint8 (N, {INPUT_SIZE}, {INPUT_SIZE}), "
                f"got {images.dtype} {images.shape}"
            )
        if landmarks is None:
            landmarks = np.zeros((n, FEATURE_SIZE), np.float32)
        if landmarks.shape != (n, FEATURE_SIZE):
            raise ValueError(
                f"landmarks must have shape ({n}, {FEATURE_SIZE}), got {landmarks.shape}"
            )
        parts = [slice(i, i + MAX_BATCH) for i in range(0, n, MAX_BATCH)]
        with self._lock:
            results = [self._model.run(images[part], landmarks[part]) for part in parts]
        logits = np.concatenate([part for part, _ in results])
        maps = [part for _, part in results if part is not None]
        return logits, np.concatenate(maps) if maps else None


def _open_interpreter(content: bytes, threads: int) -> "Interpreter":
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(model_content=content, num_threads=threads)
