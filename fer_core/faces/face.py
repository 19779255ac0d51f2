"""One face in one photo."""

from dataclasses import dataclass

import numpy as np

from fer_core.faces.mediapipe_models import FaceMesh, HeadPose


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face in one photo; coordinates are pixels of the photo.

    Attributes:
        box_xyxy: float32 (4,), left, top, right, bottom; the landmarks' bounding box, or the
            detector's where there are none.
        confidence: detector's score in [0, 1].
        mesh: the landmarks with all that MediaPipe says of them; None if none were found.
        is_upright: whether it is known which way up the face is, and that its head is up. The landmarks
            tell; alone, on a head upside down, they may be those of a face that is not there.
    """

    box_xyxy: np.ndarray
    confidence: float
    mesh: FaceMesh | None = None
    is_upright: bool = False

    @property
    def landmarks(self) -> np.ndarray | None:
        """float32 (478, 3), z in the scale of x; None if none were found."""
        return None if self.mesh is None else self.mesh.landmarks

    @property
    def head_pose(self) -> HeadPose | None:
        """The head's rotation; None without landmarks."""
        return None if self.mesh is None else self.mesh.head_pose
