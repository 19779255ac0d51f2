"""Moving a face's pixels along with its landmarks: a piecewise affine warp over the mesh."""

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from scipy.interpolate import LinearNDInterpolator

from fer_core.faces.crops import central_square, cut, pixel_box, scaled_square
from fer_core.faces.face import Face
from fer_core.faces.finder import Framing
from fer_core.faces.mediapipe_models import FaceMesh

#: Side of a portrait over the networks' own crop: room for a jaw that falls.
_ROOM: Final = 1.7
#: Largest side of a portrait in pixels: ten times what the networks see.
_LARGEST_SIDE: Final = 480
#: Displacements are computed at so many places along each side, and interpolated between them.
_GRID: Final = 64
#: Fixed points along each side of a portrait, so that only the face moves.
_EDGE_POINTS: Final = 9


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A face, cropped from its photo with a margin.

    Attributes:
        rgb: uint8 (S, S, 3).
        mesh: the face's landmarks, pixels of `rgb`.
        framing: how the photo shows the face.
    """

    rgb: np.ndarray
    mesh: FaceMesh
    framing: Framing = Framing.PHOTO

    @property
    def face(self) -> Face:
        """The face in the portrait's coordinates."""
        return Face(self.mesh.box_xyxy, 1.0, self.mesh)

    @property
    def square_xyxy(self) -> np.ndarray:
        """The square that networks see, float32 (4,), pixels of `rgb`."""
        return self.framing.square_of(self.face, len(self.rgb), len(self.rgb))

    def warped(self, mesh: FaceMesh) -> "Portrait":
        """Return the portrait with its pixels moved to the landmarks of another mesh.

        Args:
            mesh: of the same face, in the portrait's coordinates.
        """
        side = len(self.rgb)
        edge = np.linspace(0, side - 1, _EDGE_POINTS)
        fixed = np.array([(x, y) for x in edge for y in edge if {x, y} & {edge[0], edge[-1]}])
        old, new = self.mesh.landmarks[:, :2], mesh.landmarks[:, :2]
        # Of each place in the result, where its pixel comes from.
        offset = LinearNDInterpolator(
            np.concatenate([new, fixed]),
            np.concatenate([old - new, np.zeros_like(fixed)]),
            fill_value=0,
        )
        places = (np.arange(_GRID) + 0.5) * side / _GRID - 0.5
        offsets = cv2.resize(
            offset(*np.meshgrid(places, places)).astype(np.float32),
            (side, side),
            interpolation=cv2.INTER_LINEAR,
        )
        y, x = np.mgrid[:side, :side].astype(np.float32)
        rgb = cv2.remap(
            self.rgb,
            x + offsets[..., 0],
            y + offsets[..., 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return replace(self, rgb=rgb, mesh=mesh)


def portrait(image_rgb: np.ndarray, face: Face, framing: Framing = Framing.PHOTO) -> Portrait:
    """Crop a face from its photo, at most 480 pixels wide; an image that is a crop is taken whole.

    Args:
        image_rgb: uint8 (H, W, 3), the photo.
        face: in its coordinates.
        framing: how the photo shows it.

    Raises:
        ValueError: the face has no landmarks.
    """
    if face.mesh is None:
        raise ValueError("the face has no landmarks that could be moved")
    if framing is Framing.CROP:
        square = central_square(image_rgb.shape[1], image_rgb.shape[0])
    else:
        square = scaled_square(face.box_xyxy, _ROOM)
    left, top, *_ = pixel_box(square)
    rgb = cut(image_rgb, square)
    scale = min(1.0, _LARGEST_SIDE / len(rgb))
    if scale < 1:
        rgb = cv2.resize(rgb, (_LARGEST_SIDE, _LARGEST_SIDE), interpolation=cv2.INTER_AREA)
    corner = np.array([left, top, 0], np.float32)
    mesh = replace(face.mesh, landmarks=(face.mesh.landmarks - corner) * scale)
    return Portrait(rgb, mesh, framing)
