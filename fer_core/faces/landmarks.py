"""MediaPipe's 478 landmarks: their meaning, geometry, and the networks' feature vector."""

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from fer_core.faces.blendshapes import BLENDSHAPES, mirrored
from fer_core.faces.mediapipe_models import N_BLENDSHAPES, N_LANDMARKS, FaceMesh, connection_tables

if TYPE_CHECKING:
    from fer_core.faces.face import Face

#: Centres of the irises: of the person's right eye, at the left of the image, and of the left one.
RIGHT_IRIS: Final = 468
LEFT_IRIS: Final = 473
#: Middle of the upper lip's upper edge and of the lower lip's lower edge.
UPPER_LIP: Final = 0
LOWER_LIP: Final = 17

#: The 15 points of Kaggle's Facial Keypoints Detection by its names; left and right are the person's.
KEYPOINTS: Final[dict[str, int]] = {
    "left_eye_center": LEFT_IRIS,
    "right_eye_center": RIGHT_IRIS,
    "left_eye_inner_corner": 362,
    "left_eye_outer_corner": 263,
    "right_eye_inner_corner": 133,
    "right_eye_outer_corner": 33,
    "left_eyebrow_inner_end": 285,
    "left_eyebrow_outer_end": 276,
    "right_eyebrow_inner_end": 55,
    "right_eyebrow_outer_end": 46,
    "nose_tip": 1,
    "mouth_left_corner": 291,
    "mouth_right_corner": 61,
    "mouth_center_top_lip": UPPER_LIP,
    "mouth_center_bottom_lip": LOWER_LIP,
}

#: The 68 points of iBUG 300-W (Sagonas et al. 2013), in its order, each by the landmark that lies next to it:
#: jaw, brows, nose, eyes and lips, from the left of the image to the right.
IBUG_68: Final = (
    *(162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389),
    *(71, 63, 105, 66, 107, 336, 296, 334, 293, 301),
    *(168, 197, 5, 4, 75, 97, 2, 326, 305),
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),
    *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),
    *(78, 82, 13, 312, 308, 317, 14, 87),
)

#: Points that trade places when a face is mirrored: equal but for the sign of x in MediaPipe's canonical
#: face. The other 28 lie on its middle line.
_MIRROR_PAIRS: Final = """
    3-248 7-249 20-250 21-251 22-252 23-253 24-254 25-255 26-256 27-257 28-258 29-259 30-260
    31-261 32-262 33-263 34-264 35-265 36-266 37-267 38-268 39-269 40-270 41-271 42-272 43-273
    44-274 45-275 46-276 47-277 48-278 49-279 50-280 51-281 52-282 53-283 54-284 55-285 56-286
    57-287 58-288 59-289 60-290 61-291 62-292 63-293 64-294 65-295 66-296 67-297 68-298 69-299
    70-300 71-301 72-302 73-303 74-304 75-305 76-306 77-307 78-308 79-309 80-310 81-311 82-312
    83-313 84-314 85-315 86-316 87-317 88-318 89-319 90-320 91-321 92-322 93-323 95-324 96-325
    97-326 98-327 99-328 100-329 101-330 102-331 103-332 104-333 105-334 106-335 107-336 108-337
    109-338 110-339 111-340 112-341 113-342 114-343 115-344 116-345 117-346 118-347 119-348
    120-349 121-350 122-351 123-352 124-353 125-354 126-355 127-356 128-357 129-358 130-359
    131-360 132-361 133-362 134-363 135-364 136-365 137-366 138-367 139-368 140-369 141-370
    142-371 143-372 144-373 145-374 146-375 147-376 148-377 149-378 150-379 153-380 154-381
    155-382 156-383 157-384 158-385 159-386 160-387 161-388 162-389 163-390 165-391 166-392
    167-393 169-394 170-395 171-396 172-397 173-398 174-399 176-400 177-401 178-402 179-403
    180-404 181-405 182-406 183-407 184-408 185-409 186-410 187-411 188-412 189-413 190-414
    191-415 192-416 193-417 194-418 196-419 198-420 201-421 202-422 203-423 204-424 205-425
    206-426 207-427 208-428 209-429 210-430 211-431 212-432 213-433 214-434 215-435 216-436
    217-437 218-438 219-439 220-440 221-441 222-442 223-443 224-444 225-445 226-446 227-447
    228-448 229-449 230-450 231-451 232-452 233-453 234-454 235-455 236-456 237-457 238-458
    239-459 240-460 241-461 242-462 243-463 244-464 245-465 246-466 247-467 468-473 469-476
    470-475 471-474 472-477
"""

#: Version of the feature vector. A bundle names the one that it was trained on; change it with the vector.
FEATURE_VERSION: Final = "1"
#: Parts of the vector: upright points, points in the crop, blendshapes, head pose.
UPRIGHT: Final = slice(0, 3 * N_LANDMARKS)
IN_CROP: Final = slice(UPRIGHT.stop, UPRIGHT.stop + 2 * N_LANDMARKS)
SHAPES: Final = slice(IN_CROP.stop, IN_CROP.stop + N_BLENDSHAPES)
POSE: Final = slice(SHAPES.stop, SHAPES.stop + 3)
FEATURE_SIZE: Final = POSE.stop


def mesh_edges() -> np.ndarray:
    """Return the edges of the face mesh, int64 (E, 2), pairs of landmarks."""
    return connection_tables()["TESSELATION"]


def contour_edges() -> dict[str, np.ndarray]:
    """Return the edges of lips, eyes, brows, irises and the oval, int64 (E, 2), by name."""
    names = ("FACE_OVAL", "LEFT_EYEBROW", "RIGHT_EYEBROW", "LEFT_EYE", "RIGHT_EYE", "LIPS")
    tables = connection_tables()
    return {name.lower(): tables[name] for name in (*names, "LEFT_IRIS", "RIGHT_IRIS")}


def keypoints(landmarks: np.ndarray) -> np.ndarray:
    """Return the 15 Kaggle keypoints, float32 (15, 2), of landmarks (478, 2 or 3), in `KEYPOINTS` order."""
    return landmarks[list(KEYPOINTS.values()), :2]


@dataclass(frozen=True, slots=True)
class FaceGeometry:
    """Measures of a face as ratios of distances in 3D; left and right are the person's.

    Attributes:
        left_eye_opening, right_eye_opening: between the lids, over the eye's width.
        mouth_opening: between the lips, over the mouth's width.
        mouth_width: over the distance between the eyes' centres.
        left_brow_height, right_brow_height: from the upper lid to the brow, over that distance.
    """

    left_eye_opening: float
    right_eye_opening: float
    mouth_opening: float
    mouth_width: float
    left_brow_height: float
    right_brow_height: float


def geometry(landmarks: np.ndarray) -> FaceGeometry:
    """Measure a face by its landmarks, float32 (478, 3), pixels."""

    def distance(a: int, b: int) -> float:
        return float(np.linalg.norm(landmarks[a] - landmarks[b]))

    between_eyes, mouth_width = distance(RIGHT_IRIS, LEFT_IRIS), distance(61, 291)
    return FaceGeometry(
        left_eye_opening=distance(386, 374) / distance(362, 263),
        right_eye_opening=distance(159, 145) / distance(33, 133),
        mouth_opening=distance(13, 14) / mouth_width,
        mouth_width=mouth_width / between_eyes,
        left_brow_height=distance(334, 386) / between_eyes,
        right_brow_height=distance(105, 159) / between_eyes,
    )


def upright_points(mesh: FaceMesh) -> np.ndarray:
    """Return the points as if the head faced the camera: centred, scaled by the face's size, unrotated.

    Returns:
        float32 (478, 3), x right, y down, z away; mean 0, root mean square distance from it 1.
    """
    centre, size, rotation = _frame(mesh)
    result: np.ndarray = (mesh.landmarks - centre) @ rotation / size
    return result


def from_upright(points: np.ndarray, mesh: FaceMesh) -> np.ndarray:
    """Return upright points, float (478, 3), moved to the place, size and pose of a mesh, in pixels."""
    centre, size, rotation = _frame(mesh)
    result: np.ndarray = (centre + size * points @ rotation.T).astype(np.float32)
    return result


def head_rotation(mesh: FaceMesh) -> np.ndarray:
    """Return the rotation, float32 (3, 3), from upright to image axes: x right, y down, z away."""
    # Camera space has y up and looks along -z; in the image's axes both change their sign.
    signs = np.array([1.0, -1.0, -1.0], np.float32)
    result: np.ndarray = signs[:, None] * mesh.transformation[:3, :3] * signs
    return result


def _frame(mesh: FaceMesh) -> tuple[np.ndarray, float, np.ndarray]:
    """Return a face's centre (3,), its size, and `head_rotation`."""
    return *centre_and_size(mesh.landmarks), head_rotation(mesh)


def centre_and_size(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the mean of points, float (N, 3), and the root mean square distance from it."""
    centre = points.mean(axis=0)
    return centre, float(np.sqrt(((points - centre) ** 2).sum(axis=1).mean()))


def feature_vector(face: "Face", square_xyxy: np.ndarray) -> np.ndarray:
    """Return the networks' input vector of a face's landmarks, version `FEATURE_VERSION`.

    In this order: `upright_points` (478 x 3); the points' x and y in the crop, from -0.5 to 0.5 of its
    side (478 x 2); the blendshapes (52) in [0, 1]; pitch, yaw and roll in radians.

    Args:
        face: with or without landmarks.
        square_xyxy: float (4,), the crop that the pixels come from, in the same coordinates.

    Returns:
        float32 (FEATURE_SIZE,); zeros for a face without landmarks.
    """
    vector = np.zeros(FEATURE_SIZE, np.float32)
    mesh = face.mesh
    if mesh is None:
        return vector
    low, high = square_xyxy[:2], square_xyxy[2:]
    in_crop = (mesh.landmarks[:, :2] - (low + high) / 2) / (high - low)
    vector[UPRIGHT] = upright_points(mesh).ravel()
    vector[IN_CROP] = in_crop.ravel()
    vector[SHAPES] = mesh.blendshapes
    pose = mesh.head_pose
    vector[POSE] = [math.radians(angle) for angle in (pose.pitch, pose.yaw, pose.roll)]
    return vector


@cache
def mirror_order() -> tuple[np.ndarray, np.ndarray]:
    """Return order, int64 (FEATURE_SIZE,), and signs, float32, that mirror a feature vector.

    `vector[order] * signs` is the vector of the mirrored face, as far as MediaPipe sees a mirrored image
    alike.
    """
    points = np.arange(N_LANDMARKS)
    for pair in _MIRROR_PAIRS.split():
        a, b = (int(i) for i in pair.split("-"))
        points[[a, b]] = points[[b, a]]
    shapes = [BLENDSHAPES.index(mirrored(name)) for name in BLENDSHAPES]
    order = np.arange(FEATURE_SIZE)
    order[UPRIGHT] = order[UPRIGHT].reshape(-1, 3)[points].ravel()
    order[IN_CROP] = order[IN_CROP].reshape(-1, 2)[points].ravel()
    order[SHAPES] = order[SHAPES][shapes]
    signs = np.ones(FEATURE_SIZE, np.float32)
    signs[UPRIGHT][0::3] = -1
    signs[IN_CROP][0::2] = -1
    # Pitch stays; yaw and roll turn the other way.
    signs[POSE][1:] = -1
    return order, signs
