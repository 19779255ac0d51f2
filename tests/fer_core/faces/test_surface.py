"""The measures on crops of known pixels, under the landmarks of a real face."""

import cv2
import numpy as np
import pytest

from fer_core.faces.crops import FaceInputs, face_inputs
from fer_core.faces.finder import FaceFinder
from fer_core.faces.surface import commonest_tone, lip_edges


@pytest.fixture(scope="module")
def seen(astronaut) -> FaceInputs:
    (face,) = FaceFinder().find(astronaut)
    return face_inputs(astronaut, face)


def crop_of(seen: FaceInputs, image: np.ndarray) -> FaceInputs:
    return FaceInputs(image.astype(np.uint8), seen.landmarks)


def rows(period: int) -> np.ndarray:
    """Return waves from top to bottom, `period` pixels long."""
    return np.broadcast_to(128 + 60 * np.sin(np.arange(48) * 2 * np.pi / period)[:, None], (48, 48))


def test_edges_across_a_mouth_are_those_of_lips_and_upright_ones_are_not(seen):
    level = rows(8)
    assert lip_edges(crop_of(seen, level)) == pytest.approx(1, abs=0.25)
    assert lip_edges(crop_of(seen, level.T)) < 0.1


def test_edges_do_not_depend_on_light_and_contrast(seen):
    dim = crop_of(seen, 60 + seen.image * 0.6)
    assert lip_edges(dim) == pytest.approx(lip_edges(seen), rel=0.1)


def test_an_empty_face_has_no_edges_and_one_tone(seen):
    empty = crop_of(seen, np.full((48, 48), 150))
    assert lip_edges(empty) == 0
    assert commonest_tone(empty) == 1


def test_the_tone_is_that_of_the_upper_face(seen):
    """A bar over the lower face leaves it as it was."""
    barred = seen.image.copy()
    barred[32:] = 150
    assert commonest_tone(crop_of(seen, barred)) == commonest_tone(seen) < 0.2


def test_shadows_are_no_tone(seen):
    assert commonest_tone(crop_of(seen, np.full((48, 48), 10))) == 0


def test_compression_scatters_a_tone_and_it_counts_all_the_same(seen):
    _, code = cv2.imencode(".jpg", np.full((48, 48), 150, np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 60])
    assert commonest_tone(crop_of(seen, cv2.imdecode(code, cv2.IMREAD_GRAYSCALE))) == 1


def test_landmarks_beyond_the_crop_break_nothing(seen):
    far = FaceInputs(seen.image, seen.landmarks + 40)
    assert lip_edges(far) >= 0
    assert 0 <= commonest_tone(far) <= 1
