"""Each note is given when its reason is there, and not otherwise."""

import cv2
import numpy as np
import pytest

from fer_core.faces import quality
from fer_core.faces.crops import face_inputs
from fer_core.faces.finder import FaceFinder
from fer_core.faces.quality import Quality, assess


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


def notes(finder: FaceFinder, rgb: np.ndarray) -> set[Quality]:
    (face,) = finder.find(rgb)
    return {note.code for note in assess(rgb, face, face_inputs(rgb, face))}


def test_a_good_portrait_has_no_notes(finder, astronaut):
    assert notes(finder, astronaut) == set()


def test_a_small_face(finder, astronaut):
    small = cv2.resize(astronaut, None, fx=0.35, fy=0.35, interpolation=cv2.INTER_AREA)
    assert Quality.SMALL in notes(finder, small)


def test_a_blurred_face(finder, astronaut):
    assert notes(finder, cv2.GaussianBlur(astronaut, (0, 0), 3)) == {Quality.BLURRED}


def test_a_dark_face(finder, astronaut):
    assert Quality.DARK in notes(finder, (astronaut // 6).astype(np.uint8))


def test_an_overexposed_face(finder, astronaut):
    bright = np.clip(astronaut.astype(np.int64) // 3 + 175, 0, 255).astype(np.uint8)
    assert Quality.BRIGHT in notes(finder, bright)


def test_a_face_cut_by_the_edge(finder, astronaut):
    (face,) = finder.find(astronaut)
    middle = int(face.box_xyxy[3]) - 25
    assert Quality.CUT in notes(finder, np.ascontiguousarray(astronaut[60:middle, 190:]))


@pytest.mark.parametrize("light", [Quality.DARK, Quality.BRIGHT])
def test_every_note_has_a_sentence(finder, astronaut, monkeypatch, light):
    """With limits that no face meets, each note is given; too dark and too bright exclude each other."""
    everything_but = {Quality.DARK: ("BRIGHT_ABOVE", 256), Quality.BRIGHT: ("DARK_BELOW", -1)}
    limits = {
        "MIN_FACE_SIDE": 10_000,
        "BLURRED_BELOW": 1e9,
        "DARK_BELOW": 256,
        "BRIGHT_ABOVE": -1,
        "MAX_YAW_DEGREES": -1,
        "MAX_OUTSIDE": -1,
        **dict([everything_but[light]]),
    }
    for name, limit in limits.items():
        monkeypatch.setattr(quality, name, limit)
    (face,) = finder.find(astronaut)
    notes = assess(astronaut, face, face_inputs(astronaut, face))
    assert {note.code for note in notes} == set(Quality) - (
        {Quality.DARK, Quality.BRIGHT} - {light}
    )
    assert all(note.sentence[0].isupper() and note.sentence.endswith(".") for note in notes)
