"""Each corruption does what its name says, more at strength 5 than at 1, and the same each time."""

import cv2
import numpy as np
import pytest

from fer_core.faces.crops import cut, frame_square, resize_crop
from fer_core.faces.finder import FaceFinder
from training.measure.corruptions import CORRUPTIONS, EYES_BAND, MOUTH_BAND

KINDS = {kind.name: kind for kind in CORRUPTIONS}
#: MediaPipe's landmarks of the eyes' corners and lids, and of the lips.
EYES = (33, 133, 159, 145, 263, 362, 386, 374)
LIPS = (61, 291, 0, 17, 13, 14)


@pytest.fixture(scope="module")
def found(astronaut):
    """The astronaut's face as FER2013 frames it, uint8 (48, 48), and its landmarks in that crop's pixels."""
    (face,) = FaceFinder().find(astronaut)
    square = frame_square(face.box_xyxy)
    image = resize_crop(cv2.cvtColor(cut(astronaut, square), cv2.COLOR_RGB2GRAY))
    points = (face.landmarks[:, :2] - square[:2]) * 48 / (square[2] - square[0])
    return image, points


@pytest.fixture(scope="module")
def images(found):
    """The face, itself mirrored, and itself upside down, which is not symmetric to either."""
    image, _ = found
    return np.stack([image, image[:, ::-1], image[::-1]])


def at(name, strength, images, seed=0):
    return KINDS[name].apply(
        images, KINDS[name].values[strength - 1], np.random.default_rng([seed, strength])
    )


def sharpness(images):
    return np.mean([cv2.Laplacian(image, cv2.CV_64F).var() for image in images])


def change(images, other):
    return np.abs(images.astype(float) - other).mean()


@pytest.mark.parametrize("name", KINDS)
def test_every_strength_keeps_shape_and_input_and_the_last_is_the_strongest(name, images):
    before = images.copy()
    changes = []
    for strength in range(1, 6):
        corrupted = at(name, strength, images)
        assert (corrupted.shape, corrupted.dtype) == (images.shape, np.uint8)
        np.testing.assert_array_equal(corrupted, at(name, strength, images))
        changes.append(change(images, corrupted))
    np.testing.assert_array_equal(images, before)
    assert 0 < changes[0] < changes[-1]


def test_names_and_values_make_one_table():
    assert len(KINDS) == len(CORRUPTIONS) == 10
    for kind in CORRUPTIONS:
        steps = np.diff(kind.values)
        assert (steps > 0).all() or (steps < 0).all(), kind.name


@pytest.mark.parametrize("name", ["blur", "low resolution"])
def test_blur_and_low_resolution_take_detail_away(name, images):
    assert sharpness(images) > sharpness(at(name, 1, images)) > sharpness(at(name, 5, images))
    # And nothing else: the face keeps its grey.
    assert abs(images.mean() - at(name, 5, images).mean()) < 3


def test_low_resolution_leaves_no_more_than_its_pixels(images):
    side = int(KINDS["low resolution"].values[4])
    for image in at("low resolution", 5, images):
        assert np.linalg.matrix_rank(image.astype(float), tol=60) <= side


def test_noise_is_as_strong_as_it_says_and_differs_between_images_and_seeds():
    flat = np.full((20, 48, 48), 128, np.uint8)
    for strength, deviation in enumerate(KINDS["noise"].values, start=1):
        assert at("noise", strength, flat).std() == pytest.approx(deviation, rel=0.03)
    noisy = at("noise", 3, flat)
    assert change(noisy[0], noisy[1]) > 5
    assert change(noisy, at("noise", 3, flat, seed=1)) > 5


def test_jpeg_shows_blocks_of_eight(images):
    gradient = np.tile(np.linspace(60, 190, 48).astype(np.uint8), (1, 48, 1))
    steps = np.abs(np.diff(at("JPEG", 5, gradient)[0].astype(int), axis=1)).mean(axis=0)
    assert steps[7::8].mean() > 2 * np.delete(steps, np.arange(7, 47, 8)).mean()


def test_light_and_contrast_go_where_their_names_say(images):
    assert images.mean() > at("darker", 1, images).mean() > at("darker", 5, images).mean()
    assert images.mean() < at("brighter", 1, images).mean() < at("brighter", 5, images).mean()
    low = at("low contrast", 5, images)
    np.testing.assert_allclose(low.mean(axis=(1, 2)), images.mean(axis=(1, 2)), atol=0.5)
    assert low.std() < 0.1 * images.std()


def test_a_rotation_turned_back_is_the_face_again_and_goes_both_ways(images):
    degrees = KINDS["rotation"].values[1]
    many = np.repeat(images[:1], 16, axis=0)
    turns = set()
    for turned in at("rotation", 2, many):
        errors = {}
        for back in (-degrees, degrees):
            matrix = cv2.getRotationMatrix2D((23.5, 23.5), back, 1)
            errors[back] = change(
                cv2.warpAffine(turned, matrix, (48, 48))[14:34, 14:34], images[0][14:34, 14:34]
            )
        best = min(errors, key=errors.get)
        assert errors[best] < 0.5 * errors[-best]
        turns.add(best)
    assert len(turns) == 2


@pytest.mark.parametrize(
    ("name", "other", "points"),
    [("eyes covered", "mouth covered", EYES), ("mouth covered", "eyes covered", LIPS)],
)
def test_a_cover_hides_its_part_of_a_face_and_nothing_of_the_other(name, other, points, found):
    image, landmarks = found
    x, y = np.rint(landmarks[list(points)]).astype(int).T
    assert image[y, x].std() > 4
    covered = at(name, 5, image[None])[0]
    assert (covered[y, x] == round(image.mean())).all()
    np.testing.assert_array_equal(at(other, 5, image[None])[0][y, x], image[y, x])


def test_covers_grow_from_the_middle_of_their_band():
    flat = np.zeros((1, 48, 48), np.uint8)
    flat[:, ::2] = 200
    for name, band in (("eyes covered", EYES_BAND), ("mouth covered", MOUTH_BAND)):
        hidden = [
            np.flatnonzero(at(name, strength, flat)[0, :, 24] == 100) for strength in (1, 3, 5)
        ]
        assert len(hidden[0]) < len(hidden[1]) < len(hidden[2])
        assert set(hidden[0]) < set(hidden[1]) < set(hidden[2])
        assert len(hidden[2]) == pytest.approx(48 * (band[3] - band[1]), abs=1)
