"""A loaded LiteRT file."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter


class ServingModel:
    """A loaded LiteRT file of this project; inputs and outputs are known by their axes. Not thread-safe."""

    def __init__(self, content: bytes, *, threads: int) -> None:
        """Load a file's content, for a number of threads per call."""
        self._interpreter = _open_interpreter(content, threads)
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        # Images have four axes, vectors two; activation maps four, answers two.
        self._image = next((i["index"] for i in inputs if len(i["shape"]) == 4), None)
        self._landmarks = next((i["index"] for i in inputs if len(i["shape"]) == 2), None)
        self._answers = next(o["index"] for o in outputs if len(o["shape"]) == 2)
        self._maps = next((o["index"] for o in outputs if len(o["shape"]) == 4), None)
        self._batch = 0

    def run(
        self, images: np.ndarray, landmarks: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return outputs and activation maps (or None); inputs that the network lacks are ignored.

        Answers are logits, or coordinates from a network that finds keypoints.
        """
        interpreter = self._interpreter
        available = ((self._image, images[..., None]), (self._landmarks, landmarks))
        given = {i: values for i, values in available if i is not None and values is not None}
        if len(images) != self._batch:
            # If this fails midway, for instance because memory is short, the next call must repeat it.
            self._batch = 0
            for index, values in given.items():
                interpreter.resize_tensor_input(index, values.shape)
            interpreter.allocate_tensors()
            self._batch = len(images)
        for index, values in given.items():
            interpreter.set_tensor(index, values.astype(np.float32))
        interpreter.invoke()
        maps = None if self._maps is None else interpreter.get_tensor(self._maps)
        return interpreter.get_tensor(self._answers), maps


def _open_interpreter(content: bytes, threads: int) -> "Interpreter":
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(model_content=content, num_threads=threads)
