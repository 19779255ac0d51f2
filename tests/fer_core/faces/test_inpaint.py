"""A region of a face is replaced in pixels and landmarks, and nothing else of the face."""

import numpy as np
import pytest

from fer_core.faces.blendshapes import BLENDSHAPES
from fer_core.faces.crops import FaceInputs, face_inputs
from fer_core.faces.finder import FaceFinder
from fer_core.faces.inpaint import region_mask, with_average_region
from fer_core.faces.landmarks import IN_CROP, POSE, SHAPES, UPRIGHT
from fer_core.faces.shape import Region, read_face_shape
from fer_core.settings import face_shape_path


@pytest.fixture(scope="module")
def shape():
    return read_face_shape(face_shape_path())


@pytest.fixture(scope="module")
def inputs(astronaut):
    (face,) = FaceFinder().find(astronaut)
    return face_inputs(astronaut, face)


def in_crop(inputs: FaceInputs) -> np.ndarray:
    return inputs.landmarks[IN_CROP].reshape(-1, 2)


def test_regions_do_not_overlap_and_lie_where_they_are_called(inputs, shape):
    masks = {r: region_mask(in_crop(inputs), shape.region_points(r), 48) for r in Region}
    assert np.sum(list(masks.values()), axis=0).max() == 1
    assert all(mask.sum() > 40 for mask in masks.values())
    height = {region: np.argwhere(mask)[:, 0].mean() for region, mask in masks.items()}
    order = [Region.BROWS, Region.EYES, Region.NOSE, Region.MOUTH]
    assert sorted(order, key=height.get) == order


@pytest.mark.parametrize("region", Region)
def test_only_the_region_changes(inputs, shape, region):
    changed = with_average_region(inputs, region, shape)
    mask = region_mask(in_crop(inputs), shape.region_points(region), 48)
    moved = region_mask(in_crop(changed), shape.region_points(region), 48)
    different = changed.image != inputs.image
    assert different[mask].mean() > 0.3
    # The edge is soft.
    far = ~np.any(
        [np.roll(mask | moved, (y, x), (0, 1)) for y in range(-4, 5) for x in range(-4, 5)], 0
    )
    assert not different[far].any()
    points = np.flatnonzero(np.abs(in_crop(changed) - in_crop(inputs)).max(axis=1) > 1e-4)
    assert set(points) <= set(shape.region_points(region).tolist())
    names = np.array(BLENDSHAPES)[changed.landmarks[SHAPES] != inputs.landmarks[SHAPES]]
    assert len(names)
    assert (changed.landmarks[POSE] == inputs.landmarks[POSE]).all()
    upright = changed.landmarks[UPRIGHT].reshape(-1, 3)
    np.testing.assert_allclose(upright.mean(axis=0), 0, atol=1e-5)


def test_a_replaced_mouth_closes_and_smiles_less(inputs, shape):
    changed = with_average_region(inputs, Region.MOUTH, shape)
    smile = SHAPES.start + BLENDSHAPES.index("mouthSmileLeft")
    assert changed.landmarks[smile] < inputs.landmarks[smile] - 0.3
    opening = [np.linalg.norm(at[13] - at[14]) for at in (in_crop(inputs), in_crop(changed))]
    assert opening[1] < opening[0]
    # Its skin is as bright as the face's around it.
    mask = region_mask(in_crop(changed), shape.region_points(Region.MOUTH), 48)
    assert abs(changed.image[mask].mean() - inputs.image[mask].mean()) < 30


def test_a_mirrored_face_is_changed_alike(inputs, shape, astronaut):
    mirror = np.ascontiguousarray(astronaut[:, ::-1])
    (face,) = FaceFinder().find(mirror)
    other = face_inputs(mirror, face)
    for region in Region:
        one = with_average_region(inputs, region, shape).image.astype(float)
        two = with_average_region(other, region, shape).image[:, ::-1].astype(float)
        assert np.corrcoef(one.ravel(), two.ravel())[0, 1] > 0.9


def test_a_face_without_landmarks_is_refused(inputs, shape):
    with pytest.raises(ValueError, match="no landmarks"):
        with_average_region(FaceInputs(inputs.image), Region.MOUTH, shape)
