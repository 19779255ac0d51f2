"""Augmentation moves what it should, as far as it was asked to, and only in training."""

import numpy as np
import pytest

from training.augment import Augment, _affine

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
    return keras.ops.convert_to_numpy(layer(images[..., None], training=True))[..., 0]


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

    table = _affine(Augment(**{**STILL, **settings}), 1, 48, ops.full)
    out = ops.image.affine_transform(
        image[..., None].astype(np.float32), table, interpolation="bilinear", fill_mode="nearest"
    )
    return place(keras.ops.convert_to_numpy(out)[0, ..., 0])


def test_evaluation_leaves_images_alone(faces):
    import keras

    layer = Augment().layer(0)
    out = keras.ops.convert_to_numpy(layer(faces[..., None], training=False))
    np.testing.assert_array_equal(out[..., 0], faces)


def test_evaluation_shows_the_middle_that_the_network_serves_on(faces):
    import keras

    layer = Augment().layer(0, view_pixels=42)
    out = keras.ops.convert_to_numpy(layer(faces[..., None], training=False))
    np.testing.assert_array_equal(out[..., 0], faces[:, 3:45, 3:45])


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


def test_the_same_seed_gives_the_same_images_and_the_next_call_others(faces):
    import keras

    settings = Augment()
    first, twin, other = settings.layer(3), settings.layer(3), settings.layer(4)

    def run(layer):
        return keras.ops.convert_to_numpy(layer(faces[..., None], training=True))

    a = run(first)
    np.testing.assert_array_equal(run(twin), a)
    assert np.abs(run(other) - a).max() > 10
    assert np.abs(run(first) - a).max() > 10
