"""Each note is given when its reason is there, and not otherwise."""

import dataclasses

import cv2
import numpy as np
import pytest

from fer_core.faces import quality
from fer_core.faces.crops import face_inputs, frame_square
from fer_core.faces.face import Face
from fer_core.faces.finder import FaceFinder
from fer_core.faces.landmarks import KEYPOINTS, keypoints
from fer_core.faces.quality import Quality, assess
from tests.face_points import mouth_midpoint

#: The person's right corner, which is the image's left one, then the other.
MOUTH_CORNERS = [list(KEYPOINTS).index(f"mouth_{side}_corner") for side in ("right", "left")]


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


def notes(finder: FaceFinder, rgb: np.ndarray) -> set[Quality]:
    (face,) = finder.find(rgb)
    return {
        note.code for note in assess(rgb, face, face_inputs(rgb, face), frame_square(face.box_xyxy))
    }


def test_a_good_portrait_has_no_notes(finder, astronaut):
    assert notes(finder, astronaut) == set()


def test_a_small_face(finder, astronaut):
    small = cv2.resize(astronaut, None, fx=0.35, fy=0.35, interpolation=cv2.INTER_AREA)
    assert Quality.SMALL in notes(finder, small)


@pytest.mark.parametrize(("width", "height"), [(30.0, 47.7), (47.7, 30.0)])
def test_a_face_that_is_nearly_large_enough_is_not_said_to_be_so(astronaut, width, height):
    face = Face(np.array([200, 100, 200 + width, 100 + height], np.float32), 0.9)
    given = assess(astronaut, face, face_inputs(astronaut, face), frame_square(face.box_xyxy))
    (sentence,) = (note.sentence for note in given if note.code is Quality.SMALL)
    assert sentence == (
        "The face has only 47 pixels along its longer side; 48 or more show it better."
    )


def test_a_blurred_face(finder, astronaut):
    assert notes(finder, cv2.GaussianBlur(astronaut, (0, 0), 3)) == {Quality.BLURRED}


def test_a_dark_face(finder, astronaut):
    assert notes(finder, (astronaut // 6).astype(np.uint8)) == {Quality.DARK}


def test_an_overexposed_face(finder, astronaut):
    bright = np.clip(astronaut.astype(np.int64) // 3 + 175, 0, 255).astype(np.uint8)
    assert Quality.BRIGHT in notes(finder, bright)


def test_a_face_cut_by_the_edge(finder, astronaut):
    (face,) = finder.find(astronaut)
    middle = int(face.box_xyxy[3]) - 25
    assert Quality.CUT in notes(finder, np.ascontiguousarray(astronaut[60:middle, 190:]))


def with_bar(rgb: np.ndarray, face: Face, color: tuple[int, int, int]) -> np.ndarray:
    """Return the photo with a bar over the mouth."""
    (left, _), (right, _) = keypoints(face.landmarks)[MOUTH_CORNERS]
    x, y = mouth_midpoint(face.landmarks)
    wide = right - left
    low, high = (round(x - wide), round(y - wide / 2)), (round(x + wide), round(y + wide / 2))
    return cv2.rectangle(rgb.copy(), low, high, color, -1)


@pytest.mark.parametrize(
    "color", [(0, 0, 0), (255, 255, 255), (120, 165, 195), (205, 160, 140)], ids=str
)
def test_a_covered_mouth(finder, astronaut, color):
    """The landmarker finds a mouth there all the same; only the pixels tell."""
    (face,) = finder.find(astronaut)
    assert notes(finder, with_bar(astronaut, face, color)) == {Quality.COVERED}


@pytest.mark.parametrize("degrees", [-30, 30])
def test_lips_of_a_tilted_head_are_no_cover(finder, astronaut, degrees):
    turn = cv2.getRotationMatrix2D((220, 110), degrees, 1)
    assert notes(finder, cv2.warpAffine(astronaut, turn, (512, 512))) == set()


@pytest.mark.parametrize("skin", [(231, 192, 163), (141, 95, 70), (255, 255, 255)], ids=str)
def test_a_drawn_face(finder, skin):
    assert Quality.DRAWN in notes(finder, drawing(skin))


def test_a_drawing_without_lips_is_not_called_covered_as_well(finder):
    assert Quality.COVERED not in notes(finder, drawing((231, 192, 163), mouth=False))


def drawing(skin: tuple[int, int, int], *, mouth: bool = True) -> np.ndarray:
    """Return a face as a child draws it, uint8 (600, 500, 3)."""
    rgb = np.full((600, 500, 3), 235, np.uint8)
    line, white = (60, 35, 20), (255, 255, 255)
    cv2.ellipse(rgb, (250, 280), (130, 200), 0, 0, 360, skin, -1, cv2.LINE_AA)
    cv2.ellipse(rgb, (250, 280), (130, 200), 0, 0, 360, line, 3, cv2.LINE_AA)
    cv2.ellipse(rgb, (250, 180), (140, 120), 0, 180, 360, line, -1, cv2.LINE_AA)
    for x in (200, 300):
        cv2.ellipse(rgb, (x, 256), (28, 16), 0, 0, 360, white, -1, cv2.LINE_AA)
        cv2.ellipse(rgb, (x, 256), (28, 16), 0, 0, 360, line, 1, cv2.LINE_AA)
        cv2.circle(rgb, (x, 256), 10, line, -1, cv2.LINE_AA)
        cv2.line(rgb, (x - 32, 220), (x + 32, 218), line, 6, cv2.LINE_AA)
    cv2.polylines(rgb, [np.array([(250, 262), (237, 340), (262, 346)])], False, (150, 100, 85), 3)
    if mouth:
        cv2.ellipse(rgb, (250, 385), (48, 32), 0, 20, 160, (165, 40, 45), 7, cv2.LINE_AA)
    return rgb


#: Notes that exclude each other, each with the limit that gives it to every face and the one that never does.
PAIRS = (
    {Quality.DARK: ("DARK_BELOW", 256, -1), Quality.BRIGHT: ("BRIGHT_ABOVE", -1, 256)},
    {Quality.DRAWN: ("DRAWN_ABOVE", -1, 2), Quality.COVERED: ("LIPLESS_BELOW", 1e9, -1)},
)


@pytest.mark.parametrize(
    "given", [{Quality.DARK, Quality.COVERED}, {Quality.BRIGHT, Quality.DRAWN}]
)
def test_every_note_has_a_sentence(finder, astronaut, monkeypatch, given):
    """With limits that no face meets, each note is given, of those that exclude each other one."""
    limits = {
        "SMALL_BELOW_SIDE": 10_000,
        "BLURRED_BELOW": 1e9,
        "MAX_YAW_DEGREES": -1,
        "MAX_OUTSIDE": -1,
    }
    for code, (name, always, never) in (item for pair in PAIRS for item in pair.items()):
        limits[name] = always if code in given else never
    for name, limit in limits.items():
        monkeypatch.setattr(quality, name, limit)
    face = dataclasses.replace(finder.find(astronaut)[0], is_upright=False)
    notes = assess(astronaut, face, face_inputs(astronaut, face), frame_square(face.box_xyxy))
    excluding = {code for pair in PAIRS for code in pair}
    assert {note.code for note in notes} == set(Quality) - (excluding - given)
    assert all(note.sentence[0].isupper() and note.sentence.endswith(".") for note in notes)
