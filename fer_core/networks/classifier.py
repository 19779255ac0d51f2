"""A loaded bundle: face crops in, calibrated probabilities out, with LiteRT."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from fer_core.cores import available_cores
from fer_core.errors import BundleError
from fer_core.expressions import Expression
from fer_core.faces.crops import INPUT_SIZE, FaceInputs
from fer_core.faces.landmarks import FEATURE_SIZE, FEATURE_VERSION
from fer_core.networks.bundles import SERVING_FILE, Bundle
from fer_core.networks.levels import Level, level_of
from fer_core.networks.litert import ServingModel
from fer_core.networks.softmax import softmax

log = logging.getLogger(__name__)

#: Faces in one call of the interpreter. Bounds the memory of a photo with many faces.
MAX_BATCH: Final = 32


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """One network's prediction for one face.

    Attributes:
        labels: the classes, in the order of `probabilities`.
        probabilities: float32 (len(labels),), calibrated, summing to 1.
        abstention_threshold: confidence in [0, 1] from which the network is confident.
        is_doubtful: whether the face rules out a confident prediction, whatever the confidence.
    """

    labels: tuple[Expression, ...]
    probabilities: np.ndarray
    abstention_threshold: float
    is_doubtful: bool = False

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
        """Whether the confidence is below the threshold, or the face is doubtful."""
        return self.is_doubtful or self.confidence < self.abstention_threshold

    @property
    def level(self) -> Level:
        """Level of confidence: confident, probable or unclear."""
        return level_of(self)

    @property
    def by_expression(self) -> dict[Expression, float]:
        """Probability in [0, 1] of each expression, in the order of `labels`."""
        return dict(zip(self.labels, self.probabilities.tolist(), strict=True))


class Classifier:
    """A bundle's loaded network. Safe to share between threads.

    A LiteRT interpreter is not thread-safe, so calls take turns; a call is about a millisecond a face.
    """

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        """Load and verify the bundle's serving file.

        Args:
            bundle: the network.
            threads: threads of the interpreter; by default one per core, at most four.

        Raises:
            BundleError: the file is missing or damaged, or wants other landmark features.
        """
        version = bundle.spec.landmark_features
        if version not in (None, FEATURE_VERSION):
            raise BundleError(
                f"{bundle.spec.name} sees landmarks by version {version} of their features, and this is "
                f"version {FEATURE_VERSION}. Train it again with: python -m training fit "
                f"{bundle.spec.name}"
            )
        self.bundle = bundle
        self._lock = threading.Lock()
        self._model = ServingModel(
            bundle.verify(SERVING_FILE).read_bytes(),
            threads=threads or min(4, available_cores()),
        )
        # Prepares the kernels now, so that the first face waits no longer than the others.
        self.logits(np.zeros((1, INPUT_SIZE, INPUT_SIZE), np.uint8))

    def predict(self, faces: Sequence[FaceInputs]) -> list[Prediction]:
        """Return one prediction per face, in order."""
        if not faces:
            return []
        spec = self.bundle.spec
        probabilities = self.probabilities(
            np.stack([face.image for face in faces]), np.stack([face.landmarks for face in faces])
        )
        return [
            Prediction(
                labels=spec.labels,
                probabilities=p,
                abstention_threshold=spec.abstention_threshold,
            )
            for p in probabilities
        ]

    def probabilities(self, images: np.ndarray, landmarks: np.ndarray | None = None) -> np.ndarray:
        """Return calibrated probabilities of faces, float32 (N, classes); arguments are those of `logits`."""
        logits, _ = self.logits(images, landmarks)
        return softmax(logits, temperature=self.bundle.spec.temperature)

    def logits(
        self, images: np.ndarray, landmarks: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the raw outputs for faces.

        Args:
            images: uint8 (N, 48, 48).
            landmarks: float (N, FEATURE_SIZE), zeros where there are none; by default none at all.
                Networks that see only pixels leave them out.

        Returns:
            float32 logits (N, classes) and class activation maps (N, h, w, classes): the mean of each map is
            its class's logit, as far as it comes from pixels. None for a network that sees no pixels.
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
        results = []
        for part in parts:
            # Between two parts others may come: a heat map asks about hundreds of images.
            with self._lock:
                results.append(self._model.run(images[part], landmarks[part]))
        logits = np.concatenate([part for part, _ in results])
        maps = [part for _, part in results if part is not None]
        return logits, np.concatenate(maps) if maps else None
