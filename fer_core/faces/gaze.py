"""Gaze from the irises and the corners of the eyes, by a model of the eyeball as a sphere.

Each iris moves on a sphere about the eyeball's centre. So its distance down from where it rests, between the
eye's corners, is the sine of the pitch, and that to the side the sine of the yaw times the pitch's cosine.
Both eyes' angles are averaged. One photo gives no better: the landmarker places an iris to about a twentieth
of the eye's width, which is some 8 degrees for one eye, and what is beyond 40 degrees it hardly sees.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from fer_core.faces.landmarks import (
    KEYPOINTS,
    LEFT_IRIS,
    RIGHT_IRIS,
    geometry,
    head_rotation,
    upright_points,
)
from fer_core.faces.mediapipe_models import FaceMesh

#: Distance from an eyeball's centre to its iris, over the distance between the eye's corners. An eyeball
#: turns 13.5 mm behind the cornea, which is 3 mm before the iris. In the average face the corners lie 27 mm
#: apart, if the pupils are 63 mm apart.
EYEBALL_RADIUS: Final = 0.39
#: Where an iris rests, from the middle of the corners, outwards and down, over the same distance: that of the
#: average face of FER2013.
RESTING: Final = (0.020, -0.059)
#: An eye that is less open shows no iris; openings are those of `landmarks.geometry`.
LEAST_OPENING: Final = 0.1


@dataclass(frozen=True, slots=True)
class Gaze:
    """Where a person looks, in degrees.

    Attributes:
        yaw: relative to the head, above 0 towards the right of the image.
        pitch: relative to the head, above 0 down.
        camera_yaw: relative to the camera's axis, above 0 towards the right of the image; 0 looks along it.
        camera_pitch: relative to the camera's axis, above 0 down.
    """

    yaw: float
    pitch: float
    camera_yaw: float
    camera_pitch: float


def gaze(mesh: FaceMesh) -> Gaze | None:
    """Return where the person looks; None if both eyes are closed."""
    points, opening = upright_points(mesh), geometry(mesh.landmarks)
    angles = [
        _angles(points, side, iris)
        for side, iris, is_open in (
            ("left", LEFT_IRIS, opening.left_eye_opening >= LEAST_OPENING),
            ("right", RIGHT_IRIS, opening.right_eye_opening >= LEAST_OPENING),
        )
        if is_open
    ]
    if not angles:
        return None
    yaw, pitch = np.mean(angles, axis=0)
    # In the image's axes, x right, y down, z away: a face that faces the camera looks along -z.
    ahead = np.array(
        [math.sin(yaw) * math.cos(pitch), math.sin(pitch), -math.cos(yaw) * math.cos(pitch)]
    )
    x, y, z = head_rotation(mesh) @ ahead
    return Gaze(
        yaw=math.degrees(yaw),
        pitch=math.degrees(pitch),
        camera_yaw=math.degrees(math.atan2(x, -z)),
        camera_pitch=math.degrees(math.asin(float(np.clip(y, -1, 1)))),
    )


def _angles(points: np.ndarray, side: str, iris: int) -> tuple[float, float]:
    """Return the yaw and pitch of one eye in radians, of upright points, float (478, 3)."""
    inner = points[KEYPOINTS[f"{side}_eye_inner_corner"]]
    outer = points[KEYPOINTS[f"{side}_eye_outer_corner"]]
    width = float(np.linalg.norm(outer - inner))
    x, y, _ = (points[iris] - (inner + outer) / 2) / width
    outwards = 1 if side == "left" else -1
    pitch = math.asin(float(np.clip((y - RESTING[1]) / EYEBALL_RADIUS, -1, 1)))
    beside = (x - outwards * RESTING[0]) / EYEBALL_RADIUS
    yaw = math.asin(float(np.clip(beside / max(math.cos(pitch), 1e-6), -1, 1)))
    return yaw, pitch
