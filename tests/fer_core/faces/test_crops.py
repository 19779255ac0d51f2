"""The one crop of the project: framing, borders and interpolation."""

import numpy as np
import pytest

from fer_core.faces.crops import INPUT_SIZE, cut, face_inputs, frame_square, resize_crop
from fer_core.faces.face import Face
from fer_core.faces.finder import FaceFinder
from tests.face_points import eyes_midpoint, mouth_midpoint


def test_the_square_is_1_08_of_the_longer_side_and_a_twentieth_higher():
    left, top, right, bottom = frame_square(np.array([10.0, 20.0, 90.0, 120.0]))
    side = 1.08 * 100
    assert right - left == pytest.approx(side, rel=1e-5)
    assert bottom - top == pytest.approx(side, rel=1e-5)
    assert (left + right) / 2 == pytest.approx(50, abs=1e-4)
    assert (top + bottom) / 2 == pytest.approx(70 - 0.05 * side, abs=1e-4)


def test_the_astronauts_eyes_and_mouth_lie_where_fer2013_has_them(astronaut):
    (face,) = FaceFinder().find(astronaut)
    square = frame_square(face.box_xyxy)
    side = square[2] - square[0]
    eyes = (eyes_midpoint(face.landmarks) - square[:2]) / side
    mouth = (mouth_midpoint(face.landmarks) - square[:2]) / side
    np.testing.assert_allclose(eyes, [0.50, 0.40], atol=0.05)
    np.testing.assert_allclose(mouth, [0.51, 0.79], atol=0.05)


def test_beyond_the_photo_the_border_is_repeated():
    image = np.arange(16, dtype=np.uint8).reshape(4, 4)
    expected = np.pad(image, 2, mode="edge")
    np.testing.assert_array_equal(cut(image, np.array([-2, -2, 6, 6])), expected)


def test_a_box_of_no_size_still_gives_a_pixel():
    assert cut(np.zeros((4, 4), np.uint8), np.array([1.2, 1.2, 1.3, 1.3])).shape == (1, 1)


def test_an_image_of_the_right_size_is_left_alone():
    image = np.random.default_rng(0).integers(0, 256, (INPUT_SIZE, INPUT_SIZE), dtype=np.uint8)
    np.testing.assert_array_equal(resize_crop(image), image)


def test_shrinking_averages_areas():
    """Fine stripes become their mean; any interpolation that samples points would alias."""
    stripes = np.tile(np.array([[0, 200]], np.uint8), (480, 240))
    np.testing.assert_allclose(resize_crop(stripes), 100, atol=1)


def test_without_landmarks_the_detectors_box_frames_the_face(astronaut):
    face = Face(box_xyxy=np.array([170, 50, 270, 190], np.float32), confidence=0.9)
    inputs = face_inputs(astronaut, face)
    assert inputs.image.shape == (INPUT_SIZE, INPUT_SIZE)
    assert inputs.image.std() > 20


def test_grey_is_taken_from_rgb_and_not_from_bgr():
    red = np.zeros((100, 100, 3), np.uint8)
    red[..., 0] = 255
    inputs = face_inputs(red, Face(box_xyxy=np.array([20, 20, 80, 80], np.float32), confidence=1))
    # ITU-R BT.601: red weighs 0.299, blue 0.114.
    np.testing.assert_allclose(inputs.image, 76, atol=1)
