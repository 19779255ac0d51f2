"""Our own 15 keypoints in a photo."""

from pathlib import Path

import numpy as np
import pytest

from fer_core.errors import BundleError
from fer_core.faces.finder import FaceFinder
from fer_core.faces.landmarks import keypoints
from fer_core.networks.keypoints import (
    LEFT_EYE,
    POINT_NAMES,
    RIGHT_EYE,
    KeypointFinder,
    mirror_points,
    resolve_keypoints,
)


def test_mirroring_swaps_left_and_right():
    order = mirror_points()
    np.testing.assert_array_equal(order[order], np.arange(15))
    assert order[LEFT_EYE] == RIGHT_EYE
    own = [
        name for name, place in zip(POINT_NAMES, order, strict=True) if POINT_NAMES[place] == name
    ]
    assert own == ["nose_tip", "mouth_center_top_lip", "mouth_center_bottom_lip"]


def test_they_lie_near_mediapipes_points_of_the_same_names(astronaut: np.ndarray):
    """A wrong frame, order, scale or mirror would put them far off."""
    bundle = resolve_keypoints()
    assert bundle is not None
    face = FaceFinder().find(astronaut)[0]
    assert face.mesh is not None
    found = KeypointFinder(bundle).find_in_photo(astronaut, face)
    expected = keypoints(face.mesh.landmarks)
    eyes = np.linalg.norm(expected[LEFT_EYE] - expected[RIGHT_EYE])
    distance = np.linalg.norm(found - expected, axis=1) / eyes
    # The two do not mean quite the same places by "brow end" and "nose tip".
    named = dict(zip(POINT_NAMES, distance, strict=True))
    for name in ("left_eye_center", "right_eye_center", "mouth_left_corner", "mouth_right_corner"):
        assert named[name] < 0.1, named
    assert distance.mean() < 0.15, named


def test_the_shipped_bundle_is_measured_on_persons_it_never_saw():
    bundle = resolve_keypoints()
    assert bundle is not None
    measured = bundle.spec.metrics["keypoints:test"]
    assert measured.persons == 35
    assert measured.rmse <= 2.0
    assert measured.interocular_mean_error <= 0.04


def test_none_is_no_error_and_a_damaged_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    assert resolve_keypoints() is None
    (tmp_path / "keypoints").mkdir()
    (tmp_path / "keypoints" / "spec.json").write_text('{"task": "keypoints"}')
    with pytest.raises(BundleError, match="name: Field required"):
        resolve_keypoints()
