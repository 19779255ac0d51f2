"""What face researchers measure, in one flat table: names, meanings, and the values of a face."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from fer_core.faces.action_units import ACTION_UNITS, action_units
from fer_core.faces.blendshapes import BLENDSHAPES, in_words
from fer_core.faces.gaze import gaze
from fer_core.faces.landmarks import IBUG_68, geometry
from fer_core.faces.mediapipe_models import FaceMesh

#: Decimals that a value is rounded to in text.
_SHARE_DIGITS: Final = 4
_DEGREE_DIGITS: Final = 1
_PIXEL_DIGITS: Final = 1


@dataclass(frozen=True, slots=True)
class FaceMeasure:
    """One measure of a face.

    Attributes:
        name: of its column.
        about: meaning and unit.
        digits: decimals in text.
    """

    name: str
    about: str
    digits: int


def measures_of(mesh: FaceMesh) -> dict[str, float | None]:
    """Return the values of `FACE_MEASURES` for a face; None for a gaze behind closed eyes."""
    seen, opening = gaze(mesh), geometry(mesh.landmarks)
    points = mesh.landmarks[list(IBUG_68), :2]
    values = [
        *action_units(mesh.blendshapes).values(),
        *(float(mesh.blendshapes[i]) for i in _shown_blendshapes()),
        *((seen.yaw, seen.pitch, seen.camera_yaw, seen.camera_pitch) if seen else [None] * 4),
        *(opening.left_eye_opening, opening.right_eye_opening, opening.mouth_opening),
        *points[:, 0].tolist(),
        *points[:, 1].tolist(),
    ]
    return {measure.name: value for measure, value in zip(FACE_MEASURES, values, strict=True)}


@cache
def _shown_blendshapes() -> list[int]:
    """Return the indices of the blendshapes but for the first, which is no movement."""
    return [i for i, name in enumerate(BLENDSHAPES) if name != "_neutral"]


def _all_measures() -> tuple[FaceMeasure, ...]:
    names = {unit.code: unit.name for unit in ACTION_UNITS}
    found = []
    for column in action_units(np.zeros(len(BLENDSHAPES), np.float32)):
        code, _, side = column.partition("_")
        where = f" on the person's {side}" if side else ""
        found.append(
            FaceMeasure(column, f"{names[code]}{where}, estimated, in [0, 1]", _SHARE_DIGITS)
        )
    for i in _shown_blendshapes():
        about = f"MediaPipe's blendshape: {in_words(BLENDSHAPES[i])}, in [0, 1]"
        found.append(FaceMeasure(BLENDSHAPES[i], about, _SHARE_DIGITS))
    for name, about in (
        ("gaze_yaw_degrees", "gaze relative to the head, above 0 to the right of the image"),
        ("gaze_pitch_degrees", "gaze relative to the head, above 0 down"),
        ("gaze_camera_yaw_degrees", "gaze relative to the camera's axis, above 0 to the right"),
        ("gaze_camera_pitch_degrees", "gaze relative to the camera's axis, above 0 down"),
    ):
        found.append(FaceMeasure(name, about, _DEGREE_DIGITS))
    for name, about in (
        ("left_eye_opening", "between the lids, over the eye's width; the person's left"),
        ("right_eye_opening", "between the lids, over the eye's width; the person's right"),
        ("mouth_opening", "between the lips, over the mouth's width"),
    ):
        found.append(FaceMeasure(name, about, _SHARE_DIGITS))
    for axis in ("x", "y"):
        for i in range(len(IBUG_68)):
            about = f"{axis} of iBUG's point {i}, in pixels of the upright photo"
            found.append(FaceMeasure(f"{axis}_{i}", about, _PIXEL_DIGITS))
    return tuple(found)


FACE_MEASURES: Final = _all_measures()
