"""Augmentation moves what it should, as far as it was asked to, and only in training."""

import cv2
import numpy as np
import pytest

from fer_core.faces.crops import resize_crop
from fer_core.faces.landmarks import FEATURE_SIZE, IN_CROP, POSE, mirror_order
from training.schema.augment import LANDMARK_NOISE, Augment, Sharpness, _draw_motion, _image_table

STILL = {
    "flip": False,
    "rotate_degrees": 0.0,
    "zoom": 0.0,
    "shift_pixels": 0.0,
    "gamma": 0.0,
    "erase_probability": 0.0,
}


def varied(images, seed=0, **settings):
    """Return float32 (N, h, w): images after augmentation with these settings and nothing else."""
    import keras

    layer = Augment(**{**STILL, **settings}).layer(seed)
    out = layer({"image": images[..., None]}, training=True)
    return keras.ops.convert_to_numpy(out["image"])[..., 0]


@pytest.fixture
def faces():
    return np.random.default_rng(0).integers(0, 256, (64, 48, 48), dtype=np.uint8)


def dot(x, y):
    """A bright landmark of 3x3 pixels on black; uint8 (1, 48, 48)."""
    image = np.zeros((1, 48, 48), np.uint8)
    image[0, y - 1 : y + 2, x - 1 : x + 2] = 255
    return image


def place(image):
    """Return the centre of brightness (x, y)."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    weight = np.where(image > 20, image, 0)
    return float((x * weight).sum() / weight.sum()), float((y * weight).sum() / weight.sum())


def moved(image, **settings):
    """Return where the dot lies when every draw gives its half-width: the utmost of each setting."""
    import keras
    from keras import ops

    table = _image_table(_draw_motion(Augment(**{**STILL, **settings}), 1, ops.full), 48)
    out = ops.image.affine_transform(
        image[..., None].astype(np.float32), table, interpolation="bilinear", fill_mode="nearest"
    )
    return place(keras.ops.convert_to_numpy(out)[0, ..., 0])


def test_evaluation_leaves_images_alone(faces):
    import keras

    out = Augment().layer(0)({"image": faces[..., None]}, training=False)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(out["image"])[..., 0], faces)


def test_evaluation_shows_the_middle_that_the_network_serves_on(faces):
    import keras

    out = Augment().layer(0, view_pixels=42)({"image": faces[..., None]}, training=False)
    middle = keras.ops.convert_to_numpy(out["image"])[..., 0]
    np.testing.assert_array_equal(middle, faces[:, 3:45, 3:45])


def test_with_every_amount_at_zero_training_leaves_them_alone_too(faces):
    # Black is lifted by a fortieth of a grey value, for the power's sake.
    np.testing.assert_allclose(varied(faces), faces, atol=0.05)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        # The table maps output to input, so content moves against the shift.
        ({"shift_pixels": 3.0}, (37 - 3, 20 - 3)),
        # About the centre (23.5, 23.5): 13.5 to its right and 3.5 above becomes 3.5 left, 13.5 above.
        ({"rotate_degrees": 90.0}, (23.5 - 3.5, 23.5 - 13.5)),
        # An input step is 1.5 output steps: content shrinks towards the centre.
        ({"zoom": 0.5}, (23.5 + 13.5 / 1.5, 23.5 - 3.5 / 1.5)),
    ],
)
def test_a_landmark_moves_as_asked(settings, expected):
    assert moved(dot(37, 20), **settings) == pytest.approx(expected, abs=0.15)


def test_shifts_spread_over_the_range_asked_and_not_beyond():
    places = np.array(
        [place(im) for im in varied(np.repeat(dot(24, 24), 200, 0), shift_pixels=4.0)]
    )
    offsets = places - 24
    assert np.abs(offsets).max() <= 4.1
    assert (offsets.min(axis=0) < -3).all()
    assert (offsets.max(axis=0) > 3).all()
    assert abs(np.corrcoef(offsets.T)[0, 1]) < 0.3, "x and y are drawn apart"


def test_flip_mirrors_half_the_images_exactly(faces):
    out = varied(faces, flip=True)
    same = np.array([np.abs(a - b).max() < 0.1 for a, b in zip(out, faces, strict=True)])
    mirrored = np.array(
        [np.abs(a - b[:, ::-1]).max() < 0.1 for a, b in zip(out, faces, strict=True)]
    )
    assert (same ^ mirrored).all()
    assert 16 <= mirrored.sum() <= 48


def test_a_crop_keeps_the_middle(faces):
    np.testing.assert_allclose(varied(faces, crop_pixels=40), faces[:, 4:44, 4:44], atol=0.05)


def test_gamma_keeps_black_white_and_the_order_of_greys():
    ramp = np.tile(np.linspace(0, 255, 48).astype(np.uint8), (32, 48, 1))
    out = varied(ramp, gamma=0.5)
    assert (np.diff(out, axis=2) >= 0).all()
    np.testing.assert_allclose(out[..., -1], 255, atol=0.01)
    assert out[..., 0].max() < 3
    middle = out[:, 0, 24]
    assert middle.min() < ramp[0, 0, 24] - 10
    assert middle.max() > ramp[0, 0, 24] + 10


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_erasing_overwrites_one_rectangle_of_the_size_asked(faces, share):
    out = varied(faces, erase_probability=share, erase_side=(0.25, 0.5))
    changed = np.abs(out - faces) > 0.1
    touched = changed.any(axis=(1, 2))
    assert abs(touched.mean() - share) <= (0.2 if share == 0.5 else 0)
    for image, mask in zip(out[touched], changed[touched], strict=True):
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        for places in (rows, columns):
            assert 0.25 * 48 - 1 <= np.ptp(places) + 1 <= 0.5 * 48 + 1
        inside = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert np.ptp(inside) < 0.1, "one grey value"


def test_sharpness_changes_the_share_of_images_asked_and_no_uniform_image(faces):
    many = np.repeat(faces, 8, axis=0)
    differences = np.abs(varied(many, sharpness=Sharpness(probability=0.25)) - many)
    # The least blur changes hardly anything.
    changed = (differences > 0.5).any(axis=(1, 2))
    assert changed.mean() == pytest.approx(0.25, abs=0.08)
    grey = np.full((64, 48, 48), 90, np.uint8)
    np.testing.assert_allclose(varied(grey, sharpness=Sharpness(probability=1.0)), grey, atol=0.01)


def test_sharpness_shrinks_as_small_faces_are_enlarged_and_blurs_as_asked(faces):
    image = faces[0].astype(np.float32)
    blur, shrinking, sharpening = Sharpness(blur_sigma=1.2, least_side=16, sharpen=0.5).kernels(48)

    def apply(kernel):
        return kernel @ image @ kernel.T

    small = resize_crop(cv2.resize(image, (16, 16), interpolation=cv2.INTER_AREA))
    np.testing.assert_allclose(apply(shrinking[-1]), small, atol=0.01)
    blurred = cv2.GaussianBlur(image, (0, 0), 1.2, borderType=cv2.BORDER_REPLICATE)
    np.testing.assert_allclose(apply(blur[-1]), blurred, atol=0.01)
    assert apply(sharpening[-1]).std() > image.std() >= apply(blur[0]).std() > blurred.std()


def test_the_same_seed_gives_the_same_images_and_the_next_call_others(faces):
    import keras

    settings = Augment()
    first, twin, other = settings.layer(3), settings.layer(3), settings.layer(4)

    def run(layer):
        out = layer({"image": faces[..., None]}, training=True)
        return keras.ops.convert_to_numpy(out["image"])

    a = run(first)
    np.testing.assert_array_equal(run(twin), a)
    assert np.abs(run(other) - a).max() > 10
    assert np.abs(run(first) - a).max() > 10


#: A landmark on the face's middle line, which stays itself in a mirrored face.
NOSE_TIP = 1


def test_landmarks_move_with_the_pixels_they_name():
    """After any motion, the landmark that named a dot names it still, and roll turns with the picture."""
    import keras

    x, y, n = 30, 17, 200
    vectors = np.zeros((n, FEATURE_SIZE), np.float32)
    in_crop = vectors[:, IN_CROP].reshape(n, 478, 2)
    # Pixel centres lie half a pixel from pixel edges.
    in_crop[:, NOSE_TIP] = (np.array([x, y]) + 0.5) / 48 - 0.5
    vectors[:, IN_CROP] = in_crop.reshape(n, -1)
    vectors[:, POSE] = [0.1, 0.2, 0.3]
    moving = {"flip": True, "rotate_degrees": 20.0, "zoom": 0.2, "shift_pixels": 4.0}
    layer = Augment(**{**STILL, **moving}).layer(0)
    images = np.repeat(dot(x, y), n, 0)[..., None]
    out = layer({"image": images, "landmarks": vectors}, training=True)
    images, moved = (keras.ops.convert_to_numpy(out[name]) for name in ("image", "landmarks"))
    points = moved[:, IN_CROP].reshape(n, 478, 2)[:, NOSE_TIP]
    expected = np.array([place(image[..., 0]) for image in images])
    np.testing.assert_allclose((points + 0.5) * 48 - 0.5, expected, atol=0.4)
    assert np.ptp(points, axis=0).min() > 0.1
    pitch, yaw, roll = moved[:, POSE].T
    np.testing.assert_allclose(pitch, 0.1, atol=1e-6)
    is_mirrored = yaw < 0
    assert 60 < is_mirrored.sum() < 140
    np.testing.assert_allclose(np.abs(yaw), 0.2, atol=1e-6)
    away = roll - np.where(is_mirrored, -0.3, 0.3)
    assert np.abs(away).max() <= np.radians(20) + 1e-5
    assert np.ptp(away) > np.radians(30)


def test_a_turned_picture_turns_the_point_and_the_roll_alike():
    import keras

    vectors = np.zeros((1, FEATURE_SIZE), np.float32)
    # A point to the right of the centre; clockwise as seen means downwards for it.
    vectors[:, IN_CROP.start] = 0.25
    layer = Augment(**{**STILL, "rotate_degrees": 20.0}).layer(1)
    out = keras.ops.convert_to_numpy(layer({"landmarks": vectors}, training=True)["landmarks"])[0]
    x, y = out[IN_CROP][:2]
    assert out[POSE][2] == pytest.approx(np.arctan2(y, x), abs=1e-5)
    assert abs(out[POSE][2]) > 0.01


def test_a_flip_mirrors_the_whole_vector():
    import keras

    vectors = np.random.default_rng(0).normal(size=(64, FEATURE_SIZE)).astype(np.float32)
    layer = Augment(**{**STILL, "flip": True}).layer(0)
    out = keras.ops.convert_to_numpy(layer({"landmarks": vectors}, training=True)["landmarks"])
    order, signs = mirror_order()
    same = np.abs(out - vectors).max(axis=1) < 1e-5
    mirrored = np.abs(out - vectors[:, order] * signs).max(axis=1) < 1e-5
    assert (same ^ mirrored).all()
    assert 16 <= mirrored.sum() <= 48


def test_missing_landmarks_stay_missing_and_others_are_withheld_as_asked():
    import keras

    vectors = np.random.default_rng(0).normal(size=(400, FEATURE_SIZE)).astype(np.float32)
    vectors[:100] = 0
    layer = Augment(**{**STILL, "landmark_jitter": 2.0, "landmark_dropout": 0.25}).layer(0)
    out = keras.ops.convert_to_numpy(layer({"landmarks": vectors}, training=True)["landmarks"])
    found = out.any(axis=1)
    assert not found[:100].any()
    assert 0.65 < found[100:].mean() < 0.85
    noise = (out - vectors)[100:][found[100:]]
    for part, size in LANDMARK_NOISE:
        assert noise[:, part].std() == pytest.approx(2 * size, rel=0.1)
    quiet = layer({"landmarks": vectors}, training=False)["landmarks"]
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(quiet), vectors)
