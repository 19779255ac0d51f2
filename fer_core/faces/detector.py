"""BlazeFace, the detector inside MediaPipe's landmarker file, on images larger than its 128 pixels.

The network is fully convolutional, so a large image needs no overlapping tiles of 128 pixels: one call on the
whole image gives the boxes that tiles would give, without their seams (Bazarevsky et al. 2019, "BlazeFace:
Sub-millisecond Neural Face Detection on Mobile GPUs", https://arxiv.org/abs/1907.05047).
"""

import io
import math
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from queue import LifoQueue
from typing import Final

import numpy as np

from fer_core.faces.mediapipe_models import verified_model

#: Pixels of a face that it reliably sees: 18 to 100 % of the 128 that it was trained on.
SMALLEST_SIDE: Final = 23
WINDOW_SIDE: Final = 128
#: Stride in pixels, and boxes per place, of the two feature maps.
_STRIDES: Final = ((8, 2), (16, 6))
#: Sides are brought to multiples of this, so that the feature maps fit.
_MULTIPLE: Final = 32
#: Binary digits of a number of pixels from which on images share an interpreter, for its memory of 200 bytes
#: per pixel.
_LARGE: Final = 18


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Boxes that may hold a face.

    Attributes:
        xyxy: float32 (N, 4), pixels.
        scores: float32 (N,) in [0, 1].
    """

    xyxy: np.ndarray
    scores: np.ndarray


class Detector:
    """Google's short-range face detector. Safe to share between threads."""

    def __init__(self, *, confidence: float, instances: int) -> None:
        """Read and verify the model file; raise BundleError if it is not the right one.

        Args:
            confidence: in [0, 1], asked of a face.
            instances: so many images are looked at together, each by one thread, with memory of its own.
        """
        with zipfile.ZipFile(io.BytesIO(verified_model())) as archive:
            content = archive.read("face_detector.tflite")
        self._confidence = confidence
        # The one that was used last is asked first: its memory is warm, and it may have the right size.
        self._free: LifoQueue[_Network] = LifoQueue()
        for _ in range(instances):
            self._free.put(_Network(content))
        self._threads = ThreadPoolExecutor(instances, thread_name_prefix="detector")

    def detect(self, images: Sequence[np.ndarray]) -> list[Boxes]:
        """Return the boxes of each image, around faces of SMALLEST_SIDE to WINDOW_SIDE pixels.

        A face may have several boxes.

        Args:
            images: each uint8 (H, W, 3).
        """
        if len(images) == 1:
            return [self._detect(images[0])]
        return list(self._threads.map(self._detect, images))

    def close(self) -> None:
        """End the threads; the detector cannot be used afterwards."""
        self._threads.shutdown()

    def _detect(self, rgb: np.ndarray) -> Boxes:
        padded = _padded(rgb)
        network = self._free.get()
        try:
            raw, logits = network.run(padded)
        finally:
            self._free.put(network)
        # The same comparison before the sigmoid as after it, for a few boxes in place of thousands.
        least = np.log(self._confidence / (1 - self._confidence))
        likely = np.flatnonzero(logits > least)
        raw = raw[likely]
        centres = raw[:, :2] + _anchors(*padded.shape[:2])[likely]
        half = raw[:, 2:4] / 2
        return Boxes(
            np.concatenate([centres - half, centres + half], axis=1),
            1 / (1 + np.exp(-logits[likely])),
        )


class _Network:
    """The network for images of any size, in one thread: two would wait for each other actively.

    To change an interpreter's size takes half as long as to run it. The scales of a photo differ fourfold in
    their pixels, so each power of two has an interpreter of its own: photos of one size change none.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._interpreters: dict[int, _Interpreter] = {}

    def run(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the raw boxes, float32 (N, 16), and their logits, float32 (N,), of float32 (H, W, 3)."""
        magnitude = min(_LARGE, math.prod(image.shape[:2]).bit_length())
        if magnitude not in self._interpreters:
            self._interpreters[magnitude] = _Interpreter(self._content)
        return self._interpreters[magnitude].run(image)


class _Interpreter:
    """LiteRT's, which takes the size of what it is given."""

    def __init__(self, content: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_content=content, num_threads=1)
        self._size: tuple[int, ...] = ()

    def run(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        interpreter = self._interpreter
        (taken,) = interpreter.get_input_details()
        if self._size != image.shape:
            # Unknown until it is done: it may fail where memory is short.
            self._size = ()
            interpreter.resize_tensor_input(taken["index"], [1, *image.shape])
            interpreter.allocate_tensors()
            self._size = image.shape
        interpreter.set_tensor(taken["index"], image[None])
        interpreter.invoke()
        boxes, scores = (
            interpreter.get_tensor(o["index"]) for o in interpreter.get_output_details()
        )
        return boxes[0], scores[0, :, 0]


def _padded(rgb: np.ndarray) -> np.ndarray:
    """Return an image in [-1, 1], padded with black at the right and below to fit the feature maps."""
    height, width = (max(WINDOW_SIDE, -(-side // _MULTIPLE) * _MULTIPLE) for side in rgb.shape[:2])
    padded = np.full((height, width, 3), -1, np.float32)
    inside = padded[: rgb.shape[0], : rgb.shape[1]]
    np.multiply(rgb, 2 / 255, out=inside, casting="unsafe", dtype=np.float32)
    inside -= 1
    return padded


@lru_cache(maxsize=64)
def _anchors(height: int, width: int) -> np.ndarray:
    """Return the centres that raw boxes are relative to, float32 (N, 2), pixels, in the network's order."""
    centres = []
    for stride, guesses in _STRIDES:
        y, x = np.mgrid[0 : height // stride, 0 : width // stride]
        grid = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) * stride
        centres.append(np.repeat(grid, guesses, axis=0))
    return np.concatenate(centres).astype(np.float32)
