"""A face is warped so that its pixels go where its landmarks go, and the rest of the photo stays."""

import dataclasses

import numpy as np
import pytest

from fer_core.faces.crops import frame_square
from fer_core.faces.face import Face
from fer_core.faces.finder import FaceFinder
from fer_core.faces.landmarks import LOWER_LIP
from fer_core.faces.warp import portrait


@pytest.fixture(scope="module")
def face(astronaut):
    (face,) = FaceFinder().find(astronaut)
    return face


def lowered(mesh, pixels):
    """The mesh with its lower lip moved down."""
    landmarks = mesh.landmarks.copy()
    near = np.linalg.norm(landmarks[:, :2] - landmarks[LOWER_LIP, :2], axis=1) < 8
    landmarks[near, 1] += pixels
    return dataclasses.replace(mesh, landmarks=landmarks)


def test_a_portrait_holds_the_face_and_its_landmarks_fit(astronaut, face):
    cut_out = portrait(astronaut, face)
    assert cut_out.rgb.shape[0] == cut_out.rgb.shape[1] <= 480
    x, y = np.round(cut_out.mesh.landmarks[LOWER_LIP, :2]).astype(int)
    old_x, old_y = np.round(face.mesh.landmarks[LOWER_LIP, :2]).astype(int)
    np.testing.assert_array_equal(cut_out.rgb[y, x], astronaut[old_y, old_x])
    side = np.ptp(frame_square(face.box_xyxy)[::2])
    assert len(cut_out.rgb) > 1.5 * side


def test_a_large_face_is_shrunk_with_its_landmarks(astronaut, face):
    large = np.kron(astronaut, np.ones((4, 4, 1), np.uint8))
    mesh = dataclasses.replace(face.mesh, landmarks=4 * face.mesh.landmarks)
    cut_out = portrait(large, Face(4 * face.box_xyxy, 1.0, mesh))
    assert len(cut_out.rgb) == 480
    assert 0 < cut_out.mesh.landmarks[:, :2].min() < cut_out.mesh.landmarks[:, :2].max() < 480


def test_the_same_mesh_leaves_all_pixels(astronaut, face):
    still = portrait(astronaut, face)
    np.testing.assert_array_equal(still.warped(still.mesh).rgb, still.rgb)


def test_pixels_follow_their_landmark_and_the_edge_stays(astronaut, face):
    still = portrait(astronaut, face)
    moved = still.warped(lowered(still.mesh, 5))
    x, y = np.round(still.mesh.landmarks[LOWER_LIP, :2]).astype(int)
    # The lip's patch is found again five pixels lower.
    patch = still.rgb[y - 2 : y + 3, x - 3 : x + 4].astype(int)
    errors = [
        np.abs(moved.rgb[y + d - 2 : y + d + 3, x - 3 : x + 4] - patch).mean() for d in range(10)
    ]
    assert abs(int(np.argmin(errors)) - 5) <= 1
    for edge in (np.s_[:2], np.s_[-2:], np.s_[:, :2], np.s_[:, -2:]):
        np.testing.assert_array_equal(moved.rgb[edge], still.rgb[edge])


def test_a_face_without_landmarks_has_no_portrait(astronaut, face):
    with pytest.raises(ValueError, match="no landmarks"):
        portrait(astronaut, Face(face.box_xyxy, 1.0))
