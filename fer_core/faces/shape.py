"""The average face in landmarks, and the changes of its landmarks with facial movements.

A linear shape model in the manner of Cootes et al. 1995: the mean of a data set's upright points, and for
each movement the direction in which they go as its blendshapes rise from 0 to 1. `python -m training
face-shape SOURCE` writes it.
"""

import dataclasses
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import cv2
import numpy as np

from fer_core.errors import BundleError
from fer_core.faces.blendshapes import BLENDSHAPES, movement_and_side
from fer_core.faces.landmarks import (
    IN_CROP,
    SHAPES,
    UPRIGHT,
    contour_edges,
    from_upright,
    upright_points,
)
from fer_core.faces.mediapipe_models import N_BLENDSHAPES, N_LANDMARKS, FaceMesh
from fer_core.files import replace_file

#: Landmarks of the nose, which MediaPipe draws no contour around: bridge, tip and wings.
_NOSE: Final = (
    *(1, 2, 4, 5, 6, 19, 94, 168, 195, 197),
    *(45, 48, 64, 97, 98, 115, 122, 220, 275, 278, 294, 326, 327, 344, 351, 440),
)
#: Of the face's oval, the part from one ear over the chin to the other; the rest borders the forehead.
_JAW: Final = (
    *(361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132),
)
#: How far from a region's own points its other points lie, the face's root mean square size being 1.
_REGION_REACH: Final = 0.22
#: Mean and standard deviation, in grey levels, to which each face is brought before faces are averaged.
_GREY, _CONTRAST = 128.0, 60.0


class Movement(StrEnum):
    """A facial movement that a visitor can try, with its blendshapes."""

    SMILE = "smile"
    FROWN = "mouth corners down"
    JAW_OPEN = "mouth open"
    BROWS_UP = "brows up"
    BROWS_DOWN = "brows down"
    EYES_WIDE = "eyes wide"
    EYES_CLOSED = "eyes closed"
    NOSE_WRINKLED = "nose wrinkled"


_MADE_OF: Final = {
    Movement.SMILE: ("mouthSmile",),
    Movement.FROWN: ("mouthFrown",),
    Movement.JAW_OPEN: ("jawOpen",),
    Movement.BROWS_UP: ("browInnerUp", "browOuterUp"),
    Movement.BROWS_DOWN: ("browDown",),
    Movement.EYES_WIDE: ("eyeWide",),
    Movement.EYES_CLOSED: ("eyeBlink",),
    Movement.NOSE_WRINKLED: ("noseSneer",),
}


class Region(StrEnum):
    """A part of the face whose landmarks belong together."""

    BROWS = "brows"
    EYES = "eyes"
    NOSE = "nose"
    MOUTH = "mouth"
    JAW = "jaw"


#: How the names of a region's blendshapes begin; none of them moves the nose but the sneer.
SHAPES_OF: Final = {
    Region.BROWS: ("brow",),
    Region.EYES: ("eye", "cheekSquint"),
    Region.NOSE: ("nose",),
    Region.MOUTH: ("mouth", "cheekPuff"),
    Region.JAW: ("jaw",),
}


def blendshapes_of(movement: Movement) -> list[int]:
    """Return the indices of a movement's blendshapes, of both sides."""
    return [i for i, n in enumerate(BLENDSHAPES) if movement_and_side(n)[0] in _MADE_OF[movement]]


@dataclass(frozen=True, slots=True, eq=False)
class FaceShape:
    """The average face and its movements.

    Attributes:
        points: float32 (478, 3), `landmarks.upright_points` of the average face.
        blendshapes: float32 (52,), of the average face.
        in_crop: float32 (478, 2), its landmarks in a crop of a network, from -0.5 to 0.5 of the crop's side.
        pixels: uint8 (48, 48), the average of all faces, moved to these landmarks, in such a crop; grey where
            there is no face.
        directions: float32 (478, 3) for each movement: what is added to upright points as the movement's
            blendshapes go from 0 to 1.
    """

    points: np.ndarray
    blendshapes: np.ndarray
    in_crop: np.ndarray
    pixels: np.ndarray
    directions: dict[Movement, np.ndarray]

    def region_points(self, region: Region) -> np.ndarray:
        """Return the landmarks of a region, int64: its own and those near them."""
        return _points_by_region(self)[region]

    def with_movements(self, mesh: FaceMesh, amounts: Mapping[Movement, float]) -> FaceMesh:
        """Return the face with movements added, each from -1 to 1; 0 changes nothing."""
        change = np.zeros((N_LANDMARKS, 3), np.float32)
        shapes = mesh.blendshapes.copy()
        for movement, amount in amounts.items():
            places = blendshapes_of(movement)
            moved = np.clip(shapes[places] + amount, 0, 1)
            # A movement has one direction, so what is at its end already lessens the whole movement.
            change += float((moved - shapes[places]).mean()) * self.directions[movement]
            shapes[places] = moved
        landmarks = from_upright(upright_points(mesh) + change, mesh)
        return dataclasses.replace(mesh, landmarks=landmarks, blendshapes=shapes)


# Asked for each region of each face that is explained.
@lru_cache(maxsize=1)
def _points_by_region(shape: FaceShape) -> dict[Region, np.ndarray]:
    """Return the landmarks of every region, each int64."""
    seeds = _region_seeds()
    nearest = np.full(N_LANDMARKS, np.inf)
    owner = np.full(N_LANDMARKS, -1)
    for i, points in enumerate(seeds.values()):
        offsets = shape.points[:, None] - shape.points[points][None]
        distance = np.linalg.norm(offsets, axis=2).min(axis=1)
        closer = distance < nearest
        nearest[closer], owner[closer] = distance[closer], i
    is_near = nearest < _REGION_REACH
    return {region: np.flatnonzero((owner == i) & is_near) for i, region in enumerate(seeds)}


def _region_seeds() -> dict[Region, list[int]]:
    """Return the landmarks of a region by MediaPipe's contours or the tables above."""
    contours = contour_edges()

    def on(*names: str) -> list[int]:
        return sorted({int(i) for name in names for i in contours[name].ravel()})

    return {
        Region.BROWS: on("left_eyebrow", "right_eyebrow"),
        Region.EYES: on("left_eye", "right_eye", "left_iris", "right_iris"),
        Region.NOSE: list(_NOSE),
        Region.MOUTH: on("lips"),
        Region.JAW: list(_JAW),
    }


def crop_pixels(in_crop: np.ndarray, side: int) -> np.ndarray:
    """Return landmarks, from -0.5 to 0.5 of a crop's side, in its pixels, whole numbers at their centres."""
    result: np.ndarray = (in_crop + 0.5) * side - 0.5
    return result


def estimate(landmarks: np.ndarray, images: np.ndarray) -> FaceShape:
    """Estimate the model from faces.

    Args:
        landmarks: float32 (N, FEATURE_SIZE), `landmarks.feature_vector` of each face.
        images: uint8 (N, 48, 48), the crops that these refer to.

    Returns:
        The means, and for each movement the sum of its blendshapes' coefficients in a ridge regression
        of points on all blendshapes, so that what usually goes along is not counted twice.
    """
    from sklearn.linear_model import Ridge

    blendshapes = landmarks[:, SHAPES]
    in_crop = landmarks[:, IN_CROP].reshape(-1, N_LANDMARKS, 2)
    model = Ridge(alpha=1.0).fit(blendshapes, landmarks[:, UPRIGHT])
    coefficients = model.coef_.T.reshape(N_BLENDSHAPES, N_LANDMARKS, 3)
    return FaceShape(
        points=landmarks[:, UPRIGHT].mean(axis=0).reshape(N_LANDMARKS, 3).astype(np.float32),
        blendshapes=blendshapes.mean(axis=0).astype(np.float32),
        in_crop=in_crop.mean(axis=0).astype(np.float32),
        pixels=_average_pixels(images, in_crop),
        directions={
            movement: coefficients[blendshapes_of(movement)].sum(axis=0).astype(np.float32)
            for movement in Movement
        },
    )


def _average_pixels(images: np.ndarray, in_crop: np.ndarray) -> np.ndarray:
    """Return the mean of faces that are moved to their mean landmarks, uint8 (48, 48)."""
    from scipy.spatial import Delaunay

    side = images.shape[1]
    at = crop_pixels(in_crop, side)
    mesh = Delaunay(at.mean(axis=0))
    pixels = np.mgrid[:side, :side][::-1].reshape(2, -1).T.astype(np.float64)
    triangle = mesh.find_simplex(pixels)
    is_inside = triangle >= 0
    # Each pixel's weights of its triangle's corners are the same in all faces.
    to_weights = mesh.transform[triangle]
    two = np.einsum("nij,nj->ni", to_weights[:, :2], pixels - to_weights[:, 2])
    weights = np.column_stack([two, 1 - two.sum(axis=1)])
    corners = mesh.simplices[triangle]
    total = np.zeros(int(is_inside.sum()))
    for image, points in zip(images, at, strict=True):
        place = (points[corners] * weights[..., None]).sum(axis=1).astype(np.float32)
        face = (
            cv2.remap(image, place[is_inside, 0], place[is_inside, 1], cv2.INTER_LINEAR)
            .ravel()
            .astype(np.float64)
        )
        total += (face - face.mean()) / max(float(face.std()), 1.0)
    average = np.full(side * side, _GREY)
    average[is_inside] += _CONTRAST * total / len(images)
    result: np.ndarray = np.clip(np.rint(average), 0, 255).reshape(side, side).astype(np.uint8)
    return result


def write_face_shape(shape: FaceShape, path: Path) -> None:
    """Write the model atomically."""
    replace_file(
        path,
        lambda file: np.savez_compressed(
            file,
            points=shape.points,
            blendshapes=shape.blendshapes,
            in_crop=shape.in_crop,
            pixels=shape.pixels,
            movements=np.array([movement.name for movement in shape.directions]),
            directions=np.stack(list(shape.directions.values())),
        ),
    )


def read_face_shape(path: Path) -> FaceShape:
    """Read the model; raise BundleError if the file is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            directions = dict(zip(file["movements"].tolist(), file["directions"], strict=True))
            return FaceShape(
                points=file["points"],
                blendshapes=file["blendshapes"],
                in_crop=file["in_crop"],
                pixels=file["pixels"],
                directions={movement: directions[movement.name] for movement in Movement},
            )
    # A cut or altered archive fails in any of these ways, depending on where it is damaged.
    except (OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error) as error:
        raise BundleError(
            f"{path} is missing or damaged ({error}). Restore it from version control, or write it again "
            "with: python -m training face-shape fer2013"
        ) from error
