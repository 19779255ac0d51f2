"""One face in front of a camera, as shown."""

from dataclasses import dataclass

from fer_core.faces.face import Face
from fer_core.networks.classifier import Prediction


@dataclass(frozen=True, slots=True, eq=False)
class LiveFace:
    """One face in one frame.

    Attributes:
        number: from 1, the same for as long as the face is followed.
        face: in the frame's pixels.
        predictions: each network's prediction, smoothed over time, by the name of its bundle.
    """

    number: int
    face: Face
    predictions: dict[str, Prediction]

    @property
    def width(self) -> float:
        """Width of its box in pixels."""
        return float(self.face.box_xyxy[2] - self.face.box_xyxy[0])
