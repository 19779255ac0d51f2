"""The shape model moves what it says, in the face's own place and pose, and nothing else."""

import cv2
import numpy as np
import pytest

from fer_core.errors import BundleError
from fer_core.faces.blendshapes import BLENDSHAPES
from fer_core.faces.crops import face_inputs, frame_square
from fer_core.faces.face import Face
from fer_core.faces.finder import FaceFinder
from fer_core.faces.landmarks import (
    SHAPES,
    UPRIGHT,
    feature_vector,
    from_upright,
    geometry,
    upright_points,
)
from fer_core.faces.shape import (
    Movement,
    Region,
    blendshapes_of,
    estimate,
    read_face_shape,
    write_face_shape,
)


@pytest.fixture(scope="module")
def mesh(astronaut):
    (face,) = FaceFinder().find(astronaut)
    return face.mesh


@pytest.fixture(scope="module")
def shape(mesh):
    """A model of faces like the astronaut's whose lower lip falls as the jaw opens."""
    falls = np.zeros((478, 3), np.float32)
    falls[[14, 17, 87, 317]] = [0, 0.4, 0]
    rng = np.random.default_rng(0)
    blendshapes = rng.random((400, 52)).astype(np.float32)
    vector = feature_vector(Face(mesh.box_xyxy, 1.0, mesh), frame_square(mesh.box_xyxy))
    vectors = np.repeat(vector[None], len(blendshapes), axis=0)
    opened = blendshapes[:, BLENDSHAPES.index("jawOpen"), None, None] * falls
    vectors[:, UPRIGHT] += opened.reshape(len(vectors), -1)
    vectors[:, UPRIGHT] += rng.normal(0, 1e-3, vectors[:, UPRIGHT].shape)
    vectors[:, SHAPES] = blendshapes
    return estimate(vectors, np.full((len(vectors), 48, 48), 90, np.uint8))


def test_upright_points_go_back_to_where_they_came_from(mesh):
    np.testing.assert_allclose(from_upright(upright_points(mesh), mesh), mesh.landmarks, atol=1e-3)


def test_the_estimate_finds_the_direction_of_each_movement(shape):
    found = shape.directions[Movement.JAW_OPEN][[14, 17]]
    np.testing.assert_allclose(found, [[0, 0.4, 0]] * 2, atol=0.02)
    assert np.abs(shape.directions[Movement.SMILE]).max() < 0.02


def test_a_movement_opens_the_mouth_on_the_face_where_it_is(mesh, shape):
    opened = shape.with_movements(mesh, {Movement.JAW_OPEN: 0.5})
    assert geometry(opened.landmarks).mouth_opening > geometry(mesh.landmarks).mouth_opening + 0.1
    assert opened.blendshapes[BLENDSHAPES.index("jawOpen")] == pytest.approx(
        mesh.blendshapes[BLENDSHAPES.index("jawOpen")] + 0.5
    )
    # In the image it is downwards; eyes and place stay.
    assert opened.landmarks[17, 1] > mesh.landmarks[17, 1] + 3
    np.testing.assert_allclose(opened.landmarks[[33, 263]], mesh.landmarks[[33, 263]], atol=1.5)


def test_no_movement_changes_nothing_and_the_end_is_the_end(mesh, shape):
    still = shape.with_movements(mesh, dict.fromkeys(Movement, 0.0))
    np.testing.assert_allclose(still.landmarks, mesh.landmarks, atol=1e-3)
    far = shape.with_movements(mesh, {Movement.JAW_OPEN: 1.0})
    assert far.blendshapes.max() <= 1
    assert shape.with_movements(far, {Movement.JAW_OPEN: 1.0}).landmarks == pytest.approx(
        far.landmarks, abs=1e-3
    )


def test_regions_are_apart_and_hold_what_they_are_called(shape):
    regions = {region: set(shape.region_points(region).tolist()) for region in Region}
    for region, points in regions.items():
        assert len(points) >= 15, region
        for other, others in regions.items():
            assert other is region or not points & others
    assert {61, 291, 0, 17} <= regions[Region.MOUTH]
    assert {468, 473, 33, 263} <= regions[Region.EYES]
    assert {1, 4} <= regions[Region.NOSE]
    assert 152 in regions[Region.JAW]
    # The forehead belongs to none.
    assert 10 not in set().union(*regions.values())


def test_the_average_of_equal_faces_is_that_face(mesh, astronaut):
    face = face_inputs(astronaut, Face(mesh.box_xyxy, 1.0, mesh))
    shape = estimate(np.repeat(face.landmarks[None], 60, 0), np.repeat(face.image[None], 60, 0))
    hull = cv2.convexHull(np.rint((shape.in_crop + 0.5) * 48 - 0.5).astype(np.int32))
    face_mask = cv2.fillConvexPoly(np.zeros((48, 48), np.uint8), hull, 1)
    inside, outside = cv2.erode(face_mask, np.ones((3, 3))), cv2.dilate(face_mask, np.ones((3, 3)))
    one, two = (pixels[inside > 0].astype(float) for pixels in (shape.pixels, face.image))
    assert np.corrcoef(one, two)[0, 1] > 0.99
    assert (shape.pixels[outside == 0] == 128).all()


def test_every_movement_has_its_blendshapes():
    for movement in Movement:
        assert blendshapes_of(movement), movement
    names = [BLENDSHAPES[i] for i in blendshapes_of(Movement.SMILE)]
    assert names == ["mouthSmileLeft", "mouthSmileRight"]


def test_what_was_written_is_read(shape, tmp_path):
    path = tmp_path / "face_shape.npz"
    write_face_shape(shape, path)
    found = read_face_shape(path)
    np.testing.assert_array_equal(found.points, shape.points)
    np.testing.assert_array_equal(found.blendshapes, shape.blendshapes)
    np.testing.assert_array_equal(found.in_crop, shape.in_crop)
    np.testing.assert_array_equal(found.pixels, shape.pixels)
    for movement in Movement:
        np.testing.assert_array_equal(found.directions[movement], shape.directions[movement])


def test_a_missing_or_damaged_file_says_how_to_make_it(shape, tmp_path):
    with pytest.raises(BundleError, match="face-shape fer2013"):
        read_face_shape(tmp_path / "none.npz")
    path = tmp_path / "shape.npz"
    write_face_shape(shape, path)
    whole = path.read_bytes()
    flipped = bytes(b ^ 0xFF if 3000 < i < 3100 else b for i, b in enumerate(whole))
    for damaged in (b"", b"no archive", whole[: len(whole) // 2], flipped):
        path.write_bytes(damaged)
        with pytest.raises(BundleError, match="missing or damaged"):
            read_face_shape(path)
