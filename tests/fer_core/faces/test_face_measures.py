"""Action units, gaze and openings: what they come from, their sides, and how far they can be trusted."""

import dataclasses

import cv2
import numpy as np
import pytest

from fer_core.faces.action_units import ACTION_UNITS, action_units
from fer_core.faces.blendshapes import BLENDSHAPES, movement_and_side
from fer_core.faces.crops import cut, frame_square, resize_crop
from fer_core.faces.face_measures import FACE_MEASURES, measures_of
from fer_core.faces.finder import CropFinder, FaceFinder
from fer_core.faces.gaze import EYEBALL_RADIUS, RESTING, gaze
from fer_core.faces.landmarks import (
    IBUG_68,
    KEYPOINTS,
    LEFT_IRIS,
    RIGHT_IRIS,
    from_upright,
    mirror_order,
    upright_points,
)
from fer_core.faces.mediapipe_models import N_LANDMARKS, FaceMesh
from fer_core.faces.shape import read_face_shape
from fer_core.settings import face_shape_path

#: Of a face in a photo against its grey 48-pixel crop: mean over all units, any unit, and degrees of gaze.
MEAN_OF_UNITS, ANY_UNIT, GAZE_DEGREES = 0.06, 0.25, 10


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="module")
def mesh(finder, astronaut) -> FaceMesh:
    (face,) = finder.find(astronaut)
    return face.mesh


def turned_head(degrees: float) -> np.ndarray:
    """Return the transformation of a head turned towards the right of the image."""
    a = np.radians(degrees)
    transformation = np.eye(4, dtype=np.float32)
    transformation[:3, :3] = [[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]]
    return transformation


def average_face(degrees: float = 0) -> FaceMesh:
    """Return the average face, whose head is turned."""
    shape = read_face_shape(face_shape_path())
    blank = FaceMesh(
        np.random.default_rng(0).normal(200, 50, (N_LANDMARKS, 3)).astype(np.float32),
        shape.blendshapes,
        turned_head(degrees),
    )
    return dataclasses.replace(blank, landmarks=from_upright(shape.points, blank))


def looking(mesh: FaceMesh, yaw: float, pitch: float) -> FaceMesh:
    """Return the face with its irises where an eyeball would show them at an angle."""
    points = upright_points(mesh).copy()
    for side, iris, outwards in (("left", LEFT_IRIS, 1), ("right", RIGHT_IRIS, -1)):
        corners = [points[KEYPOINTS[f"{side}_eye_{which}_corner"]] for which in ("inner", "outer")]
        width = np.linalg.norm(corners[1] - corners[0])
        at = [
            outwards * RESTING[0]
            + EYEBALL_RADIUS * np.sin(np.radians(yaw)) * np.cos(np.radians(pitch)),
            RESTING[1] + EYEBALL_RADIUS * np.sin(np.radians(pitch)),
        ]
        points[iris, :2] = np.mean(corners, axis=0)[:2] + width * np.array(at)
    return dataclasses.replace(mesh, landmarks=from_upright(points, mesh))


def mirrored(mesh: FaceMesh, width: float) -> FaceMesh:
    """Return the face as a mirror shows it."""
    order, _ = mirror_order()
    points = order[: 3 * N_LANDMARKS].reshape(-1, 3)[:, 0] // 3
    shapes = order[-(len(BLENDSHAPES) + 3) : -3] - order[-(len(BLENDSHAPES) + 3) : -3].min()
    landmarks = mesh.landmarks[points] * [-1, 1, 1] + [width, 0, 0]
    signs = np.array([-1, 1, 1, 1], np.float32)
    return FaceMesh(
        landmarks.astype(np.float32),
        mesh.blendshapes[shapes],
        signs[:, None] * mesh.transformation * signs,
    )


def test_a_unit_is_as_strong_as_its_blendshapes():
    shapes = np.zeros(len(BLENDSHAPES), np.float32)
    shapes[BLENDSHAPES.index("mouthSmileLeft")] = 0.8
    shapes[BLENDSHAPES.index("mouthSmileRight")] = 0.4
    shapes[BLENDSHAPES.index("jawOpen")] = 0.5
    found = action_units(shapes)
    assert found["AU12"] == pytest.approx(0.6)
    assert (found["AU12_left"], found["AU12_right"]) == pytest.approx((0.8, 0.4))
    # Of two movements the stronger one.
    assert found["AU25"] == found["AU26"] == pytest.approx(0.5)
    assert sum(value > 0 for value in found.values()) == 5


def test_every_unit_names_blendshapes_that_exist():
    movements = {movement_and_side(name)[0] for name in BLENDSHAPES}
    assert movements.issuperset(m for unit in ACTION_UNITS for m in unit.movements)
    assert {unit.code for unit in ACTION_UNITS if unit.has_sides} >= {"AU02", "AU12", "AU43"}
    assert not {unit.code for unit in ACTION_UNITS if unit.has_sides} & {"AU01", "AU25", "AU26"}


def test_a_mirrored_face_has_mirrored_measures(mesh):
    found, seen = measures_of(mesh), measures_of(mirrored(mesh, 512))
    for name, value in found.items():
        if name.startswith("AU") or name.endswith("_opening"):
            other = name.replace("left", "@").replace("right", "left").replace("@", "right")
            assert seen[other] == pytest.approx(value, abs=1e-5), name
    assert seen["gaze_yaw_degrees"] == pytest.approx(-found["gaze_yaw_degrees"], abs=0.01)
    assert seen["gaze_pitch_degrees"] == pytest.approx(found["gaze_pitch_degrees"], abs=0.01)
    assert seen["gaze_camera_yaw_degrees"] == pytest.approx(
        -found["gaze_camera_yaw_degrees"], abs=0.01
    )


def test_a_mirrored_photo_is_looked_at_alike(finder, astronaut, mesh):
    (face,) = finder.find(np.ascontiguousarray(astronaut[:, ::-1]))
    found, seen = measures_of(mesh), measures_of(face.mesh)
    units = [unit.code for unit in ACTION_UNITS]
    differences = [abs(found[unit] - seen[unit]) for unit in units]
    assert np.mean(differences) < MEAN_OF_UNITS
    assert max(differences) < ANY_UNIT
    assert abs(found["gaze_yaw_degrees"] + seen["gaze_yaw_degrees"]) < GAZE_DEGREES


@pytest.mark.parametrize(
    ("yaw", "pitch"), [(0, 0), (20, 0), (-30, 0), (0, 15), (10, -20), (30, 30)]
)
def test_gaze_is_where_the_irises_were_put(yaw, pitch):
    seen = gaze(looking(average_face(), yaw, pitch))
    assert (seen.yaw, seen.pitch) == pytest.approx((yaw, pitch), abs=0.5)
    assert (seen.camera_yaw, seen.camera_pitch) == pytest.approx((yaw, pitch), abs=0.5)


def test_gaze_in_the_camera_adds_the_head():
    face = average_face(25)
    assert face.head_pose.yaw == pytest.approx(25, abs=0.01)
    ahead, back = gaze(looking(face, 0, 0)), gaze(looking(face, -25, 0))
    assert (ahead.yaw, ahead.camera_yaw) == pytest.approx((0, 25), abs=0.5)
    assert (back.yaw, back.camera_yaw) == pytest.approx((-25, 0), abs=0.5)


def test_the_average_face_looks_ahead():
    """The resting place of the irises is that of models/face_shape.npz."""
    seen = gaze(average_face())
    assert abs(seen.yaw) < 1
    assert abs(seen.pitch) < 1


def test_closed_eyes_have_no_gaze():
    face = average_face()
    points = upright_points(face).copy()
    for upper, lower in ((386, 374), (159, 145)):
        points[upper] = points[lower]
    closed = dataclasses.replace(face, landmarks=from_upright(points, face))
    assert gaze(closed) is None
    assert measures_of(closed)["gaze_yaw_degrees"] is None


def test_the_68_points_are_symmetric_and_where_the_plan_has_them(mesh):
    order, _ = mirror_order()
    partner = order[: 3 * N_LANDMARKS].reshape(-1, 3)[:, 0] // 3
    # Jaw, brows, eyes: from one end to the other.
    for a, b in [(i, 16 - i) for i in range(9)] + [(17 + i, 26 - i) for i in range(5)]:
        assert partner[IBUG_68[a]] == IBUG_68[b]
    at = mesh.landmarks[list(IBUG_68), :2]
    assert len(set(IBUG_68)) == 68
    chin, nose_tip, mouth = at[8], at[30], at[[48, 54]]
    assert at[:, 1].max() == pytest.approx(chin[1], abs=3)
    assert mouth[0, 0] < nose_tip[0] < mouth[1, 0]
    assert nose_tip[1] < mouth[:, 1].min() < chin[1]
    values = measures_of(mesh)
    assert (values["x_8"], values["y_8"]) == pytest.approx(tuple(chin))


def test_a_small_grey_crop_is_measured_like_the_photo(mesh, finder, astronaut):
    (face,) = finder.find(astronaut)
    crop = resize_crop(
        cv2.cvtColor(cut(astronaut, frame_square(face.box_xyxy)), cv2.COLOR_RGB2GRAY)
    )
    assert crop.shape == (48, 48)
    crops = CropFinder()
    small = crops.find(crop)
    crops.close()
    found, seen = measures_of(mesh), measures_of(small.mesh)
    differences = [abs(found[unit.code] - seen[unit.code]) for unit in ACTION_UNITS]
    assert np.mean(differences) < MEAN_OF_UNITS
    assert max(differences) < ANY_UNIT
    for name in ("gaze_yaw_degrees", "gaze_pitch_degrees"):
        assert abs(found[name] - seen[name]) < GAZE_DEGREES


def test_measures_have_names_of_their_own_and_say_what_they_are(mesh):
    names = [measure.name for measure in FACE_MEASURES]
    assert len(set(names)) == len(names) == 225
    assert list(measures_of(mesh)) == names
    assert all(measure.about for measure in FACE_MEASURES)
    assert all("estimated" in m.about for m in FACE_MEASURES if m.name.startswith("AU"))
    values = measures_of(mesh)
    shares = [v for k, v in values.items() if k.startswith("AU") or k in BLENDSHAPES]
    assert min(shares) >= 0
    assert max(shares) <= 1
