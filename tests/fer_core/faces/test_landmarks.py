"""Landmarks mean what they are called, and the feature vector is of the face alone."""

import cv2
import numpy as np
import pytest
from PIL import Image

from fer_core.faces.blendshapes import BLENDSHAPES, in_words, mirrored
from fer_core.faces.crops import INPUT_SIZE, cut, frame_square, resize_crop
from fer_core.faces.face import Face
from fer_core.faces.finder import CropFinder, FaceFinder
from fer_core.faces.landmarks import (
    FEATURE_SIZE,
    KEYPOINTS,
    contour_edges,
    feature_vector,
    geometry,
    keypoints,
    mesh_edges,
    mirror_order,
    upright_points,
)
from fer_core.faces.mediapipe_models import FaceMesh

#: The parts of the vector, written out here so that moving one by accident fails.
UPRIGHT, IN_CROP, SHAPES, POSE = (
    slice(0, 1434),
    slice(1434, 2390),
    slice(2390, 2442),
    slice(2442, 2445),
)


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="module")
def face(finder, astronaut) -> Face:
    (found,) = finder.find(astronaut)
    return found


@pytest.fixture(scope="module")
def vector(face) -> np.ndarray:
    return feature_vector(face, frame_square(face.box_xyxy))


def vector_of(finder: FaceFinder, image: np.ndarray) -> np.ndarray:
    (found,) = finder.find(np.ascontiguousarray(image))
    return feature_vector(found, frame_square(found.box_xyxy))


def test_keypoints_lie_where_their_names_say(face):
    at = dict(zip(KEYPOINTS, keypoints(face.landmarks), strict=True))
    # The person's left is at the right of the image.
    assert (
        at["right_eye_outer_corner"][0]
        < at["right_eye_center"][0]
        < at["right_eye_inner_corner"][0]
        < at["nose_tip"][0]
        < at["left_eye_inner_corner"][0]
        < at["left_eye_center"][0]
        < at["left_eye_outer_corner"][0]
    )
    assert at["right_eyebrow_outer_end"][0] < at["right_eyebrow_inner_end"][0]
    assert at["left_eyebrow_inner_end"][0] < at["left_eyebrow_outer_end"][0]
    assert at["mouth_right_corner"][0] < at["mouth_left_corner"][0]
    heights = [
        at[name][1]
        for name in (
            "left_eyebrow_inner_end",
            "left_eye_center",
            "nose_tip",
            "mouth_center_top_lip",
            "mouth_center_bottom_lip",
        )
    ]
    assert heights == sorted(heights)


def test_topologies_join_neighbours(face):
    width = face.box_xyxy[2] - face.box_xyxy[0]
    for edges in (mesh_edges(), *contour_edges().values()):
        a, b = face.landmarks[edges[:, 0]], face.landmarks[edges[:, 1]]
        assert np.linalg.norm(a - b, axis=1).max() < 0.35 * width
    # Every point of the mesh without the irises is on some edge.
    assert set(mesh_edges().ravel()) == set(range(468))


def test_blendshapes_have_mediapipes_names(finder, astronaut):
    import mediapipe as mp

    result = finder._landmarker._free.queue[-1]._instance.detect(
        mp.Image(image_format=mp.ImageFormat.SRGB, data=astronaut)
    )
    assert tuple(shape.category_name for shape in result.face_blendshapes[0]) == BLENDSHAPES


def test_blendshapes_have_words_and_mirror_images():
    assert len({in_words(name) for name in BLENDSHAPES}) == 52
    assert in_words("mouthSmileLeft") == "mouth corner up (left)"
    assert mirrored("eyeLookInLeft") == "eyeLookInRight"
    assert mirrored("jawOpen") == "jawOpen"
    assert sorted(map(mirrored, BLENDSHAPES)) == sorted(BLENDSHAPES)


def test_geometry_is_that_of_a_smile_with_open_eyes(finder, astronaut, face):
    measured = geometry(face.landmarks)
    # As it looks on the enlarged photo: eyes well open, lips apart by the upper teeth, a broad mouth.
    assert measured.left_eye_opening == pytest.approx(0.35, abs=0.1)
    assert measured.right_eye_opening == pytest.approx(0.35, abs=0.1)
    assert 0.05 < measured.mouth_opening < 0.3
    assert measured.mouth_width > 0.85
    assert measured.left_brow_height == pytest.approx(measured.right_brow_height, rel=0.3)
    (mirrored_face,) = finder.find(np.ascontiguousarray(astronaut[:, ::-1]))
    swapped = geometry(mirrored_face.landmarks)
    assert swapped.left_eye_opening == pytest.approx(measured.right_eye_opening, abs=0.05)
    assert swapped.left_brow_height == pytest.approx(measured.right_brow_height, abs=0.05)


def test_a_mirrored_vector_is_the_vector_of_the_mirrored_face(finder, astronaut, vector):
    order, signs = mirror_order()
    assert sorted(order) == list(range(FEATURE_SIZE))
    mirrored = vector_of(finder, astronaut[:, ::-1])
    difference = np.abs(vector[order] * signs - mirrored)
    # MediaPipe itself is not quite symmetric: 0.7 of this face's 91 pixels and 0.04 of a blendshape.
    assert difference[UPRIGHT].mean() < 0.02
    assert difference[IN_CROP].mean() < 0.01
    assert difference[SHAPES].mean() < 0.06
    assert difference[POSE].max() < np.radians(4)
    # Without the swap of left and right the same parts are far apart.
    assert np.abs(vector * signs - mirrored)[UPRIGHT].mean() > 0.2


def test_mirroring_twice_changes_nothing(vector):
    order, signs = mirror_order()
    once = vector[order] * signs
    np.testing.assert_array_equal(once[order] * signs, vector)


def test_upright_points_do_not_depend_on_place_size_or_roll(finder, astronaut, vector):
    height, width = astronaut.shape[:2]
    for degrees, scale in ((20.0, 1.0), (-15.0, 0.7), (0.0, 0.5)):
        turn = cv2.getRotationMatrix2D((225, 125), degrees, scale)
        turned = cv2.warpAffine(astronaut, turn, (width, height))
        other = vector_of(finder, turned)
        assert np.abs(other[UPRIGHT] - vector[UPRIGHT]).mean() < 0.03
        assert np.abs(other[SHAPES] - vector[SHAPES]).mean() < 0.03
    (_, yaw, roll) = other[POSE]
    assert abs(roll) < np.radians(8)
    assert abs(yaw) < np.radians(15)


def test_a_rotated_cloud_of_points_is_turned_back():
    """The rotation of the matrix is undone exactly, in the image's axes."""
    rng = np.random.default_rng(0)
    upright = rng.normal(size=(478, 3)).astype(np.float32)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    rotation *= np.sign(np.linalg.det(rotation))
    camera = np.eye(4, dtype=np.float32)
    camera[:3, :3] = rotation
    axes = np.diag([1.0, -1.0, -1.0])
    seen = 31.0 * upright @ (axes @ rotation @ axes).T + [100.0, 50.0, 3.0]
    expected = upright - upright.mean(axis=0)
    expected /= np.sqrt((expected**2).sum(axis=1).mean())
    mesh = FaceMesh(seen.astype(np.float32), np.zeros(52, np.float32), camera)
    got = upright_points(mesh)
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_a_face_without_landmarks_has_zeros():
    face = Face(box_xyxy=np.array([0, 0, 50, 50], np.float32), confidence=0.9)
    vector = feature_vector(face, frame_square(face.box_xyxy))
    assert vector.shape == (FEATURE_SIZE,)
    assert vector.dtype == np.float32
    assert not vector.any()


def test_a_crop_of_a_data_set_gives_the_landmarks_of_its_photo(face, astronaut, vector):
    """The path of FER2013's 48 pixels against that of the whole photo."""
    square = frame_square(face.box_xyxy)
    crop = resize_crop(cv2.cvtColor(cut(astronaut, square), cv2.COLOR_RGB2GRAY))
    found = CropFinder().find(crop)
    assert found is not None
    whole = np.array([0, 0, INPUT_SIZE, INPUT_SIZE], np.float32)
    from_crop = feature_vector(found, whole)
    # Half a pixel of 48 is 0.01 of the crop.
    assert np.abs(from_crop[IN_CROP] - vector[IN_CROP]).mean() < 0.02
    assert np.abs(from_crop[UPRIGHT] - vector[UPRIGHT]).mean() < 0.06


def test_no_landmarks_are_made_up_in_a_flat_crop():
    assert CropFinder().find(np.full((INPUT_SIZE, INPUT_SIZE), 128, np.uint8)) is None


def test_crops_of_any_size_give_landmarks_in_their_own_pixels(face, astronaut):
    crop = cv2.cvtColor(cut(astronaut, frame_square(face.box_xyxy)), cv2.COLOR_RGB2GRAY)
    large = np.asarray(Image.fromarray(crop).resize((96, 96), Image.Resampling.BICUBIC))
    small = np.asarray(Image.fromarray(crop).resize((48, 48), Image.Resampling.BICUBIC))
    finder = CropFinder()
    a, b = finder.find(large), finder.find(small)
    np.testing.assert_allclose(a.landmarks[:, :2] / 2, b.landmarks[:, :2], atol=1.5)
