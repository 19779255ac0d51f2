"""A camera's frames: who is in them, what is kept of them, and what is not."""

import threading
import time
import weakref
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from fer_core.drawing import draw_live
from fer_core.errors import BusyError
from fer_core.expressions import COLORS, FER2013, Expression
from fer_core.live.face import LiveFace
from fer_core.live.resting import RESTING_NEUTRAL
from fer_core.live.session import AWAY_SECONDS, SMOOTHING_SECONDS, LiveCamera
from fer_core.networks.bundles import resolve
from fer_core.networks.classifier import Classifier, Prediction

GREY = np.full((240, 320, 3), 120, np.uint8)
STEP = 0.1
TITLES = {"cnn": "pixels", "dual": "+ landmarks"}


class Says:
    """A network that gives the same answer to every face, until it is told another."""

    def __init__(self, expression: Expression) -> None:
        self.expression = expression

    def predict(self, faces: list[object]) -> list[Prediction]:
        probabilities = np.zeros(7, np.float32)
        probabilities[FER2013.index(self.expression)] = 1
        return [Prediction(FER2013.labels, probabilities, 0.5) for _ in faces]


@pytest.fixture(scope="module")
def networks(classifier: Classifier) -> dict[str, Classifier]:
    return {"cnn": classifier, "dual": Classifier(resolve("dual"))}


@pytest.fixture
def camera(networks: dict[str, Classifier]) -> Iterator[LiveCamera]:
    camera = LiveCamera(networks)
    yield camera
    camera.close()


@pytest.fixture
def simple() -> Iterator[LiveCamera]:
    """A camera whose one network says what it is told."""
    camera = LiveCamera({"cnn": Says(Expression.HAPPY)})
    yield camera
    camera.close()


@pytest.fixture(scope="module")
def frame(astronaut: np.ndarray) -> np.ndarray:
    """A face that is large enough beside another one."""
    return np.ascontiguousarray(astronaut[:260, 90:350])


def beside(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.concatenate([left, right], axis=1))


def numbers(faces: tuple[LiveFace, ...]) -> list[int]:
    return [face.number for face in faces]


def test_a_face_comes_out_with_both_answers_which_can_be_drawn(
    camera: LiveCamera, frame: np.ndarray
):
    before = frame.copy()
    look = camera.look(frame, seconds=1.0)
    (face,) = look.faces
    assert [p.expression for p in face.predictions.values()] == [Expression.HAPPY] * 2
    assert look.image_rgb is frame
    assert camera.frame is look
    annotated = draw_live(frame, look.faces, titles=TITLES)
    assert annotated.shape == frame.shape
    np.testing.assert_array_equal(frame, before)
    # Two plates in happy's colour, above the box.
    left, top, right, _ = face.face.box_xyxy.astype(int)
    happy = tuple(int(COLORS[Expression.HAPPY][i : i + 2], 16) for i in (1, 3, 5))
    plates = (annotated[:top, left:right] == happy).all(axis=2).any(axis=1)
    assert np.count_nonzero(np.diff(plates.astype(int)) == 1) == 2


def test_drawn_answers_do_not_cover_a_face_at_the_upper_border(
    camera: LiveCamera, frame: np.ndarray
):
    (face,) = camera.look(frame, seconds=1.0).faces
    high = np.ascontiguousarray(frame[int(face.face.box_xyxy[1]) - 4 :])
    faces = camera.look(high, seconds=2.5).faces
    annotated = draw_live(high, faces, titles=TITLES, landmarks=False)
    left, top, right, bottom = faces[0].face.box_xyxy.astype(int)
    inside = np.s_[top + 5 : bottom - 4, left + 5 : right - 4]
    np.testing.assert_array_equal(annotated[inside], high[inside])


def test_a_picture_without_a_face_has_none(simple: LiveCamera):
    assert simple.look(GREY, seconds=1.0).faces == ()


def test_two_faces_keep_their_numbers_while_they_move(simple: LiveCamera, frame: np.ndarray):
    pair = beside(frame, frame[:, ::-1])
    left_numbers, right_numbers = set(), set()
    for i in range(6):
        faces = simple.look(np.roll(pair, 6 * i, axis=1), seconds=STEP * i).faces
        left, right = sorted(faces, key=lambda f: float(f.face.box_xyxy[0]))
        left_numbers.add(left.number)
        right_numbers.add(right.number)
    assert len(left_numbers) == len(right_numbers) == 1
    assert left_numbers != right_numbers


def test_the_largest_face_is_first_whatever_its_number(simple: LiveCamera, frame: np.ndarray):
    small = np.full_like(frame, 120)
    small[60:, 30:230] = np.asarray(Image.fromarray(frame).resize((200, 200)))
    simple.look(beside(small, np.full_like(frame, 120)), seconds=0.0)
    faces = simple.look(beside(small, frame), seconds=STEP).faces
    assert faces[0].width > faces[1].width
    assert numbers(faces) == [2, 1]


def test_a_face_is_the_same_after_a_blink_and_a_new_one_after_a_while(
    simple: LiveCamera, frame: np.ndarray
):
    simple.look(frame, seconds=0.0)
    simple.look(GREY, seconds=STEP)
    assert numbers(simple.look(frame, seconds=2 * STEP).faces) == [1]
    assert numbers(simple.look(frame, seconds=3 * STEP + AWAY_SECONDS).faces) == [2]


def test_an_answer_follows_with_its_time_constant(frame: np.ndarray):
    network = Says(Expression.HAPPY)
    camera = LiveCamera({"cnn": network})
    camera.look(frame, seconds=0.0)
    network.expression = Expression.SAD
    # One step of a whole constant and two of a half come to the same.
    camera.look(frame, seconds=SMOOTHING_SECONDS / 2)
    (face,) = camera.look(frame, seconds=SMOOTHING_SECONDS).faces
    probabilities = face.predictions["cnn"].probabilities
    assert probabilities[FER2013.index(Expression.HAPPY)] == pytest.approx(np.exp(-1), abs=1e-5)
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    camera.close()


@pytest.mark.parametrize("times", [(5.0, 5.0, 5.0), (5.0, 5.0001, 5.0002), (5.0, 4.0, 4.5)])
def test_times_that_do_not_grow_reach_mediapipe_as_growing(
    simple: LiveCamera, frame: np.ndarray, times: tuple[float, ...]
):
    """It raises otherwise, and what it raised in is of no use afterwards."""
    for seconds in times:
        (face,) = simple.look(frame, seconds=seconds).faces
        assert face.predictions["cnn"].confidence == pytest.approx(1)


def test_after_a_failure_of_mediapipe_the_next_frame_is_looked_at(
    simple: LiveCamera, frame: np.ndarray
):
    simple.look(frame, seconds=0.0)
    # After the first look: the landmarker hides TensorFlow while MediaPipe is imported.
    import mediapipe as mp

    empty = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.zeros((0, 0, 3), np.uint8))
    with pytest.raises(RuntimeError):
        simple._landmarker._task._instance.detect_for_video(empty, 1)
    # Its instance may be of no use for one more.
    simple.look(frame, seconds=STEP)
    assert len(simple.look(frame, seconds=2 * STEP).faces) == 1


def test_a_frame_waits_for_the_one_before(simple: LiveCamera, monkeypatch: pytest.MonkeyPatch):
    began, go_on = threading.Event(), threading.Event()

    def find_slowly(*_: object) -> list[object]:
        began.set()
        assert go_on.wait(10)
        return []

    monkeypatch.setattr(simple, "_find", find_slowly)
    pictures = [GREY.copy(), GREY.copy()]
    first, second = (
        threading.Thread(target=simple.look, args=(picture,), kwargs={"seconds": float(i)})
        for i, picture in enumerate(pictures)
    )
    first.start()
    assert began.wait(10)
    second.start()
    time.sleep(0.05)
    assert simple.frame is None
    go_on.set()
    first.join(10)
    second.join(10)
    assert simple.frame is not None
    assert simple.frame.image_rgb is pictures[1]


def test_what_a_resting_face_gets_counts_as_neutral_until_it_is_gone(frame: np.ndarray):
    network = Says(Expression.SAD)
    camera = LiveCamera({"cnn": network})
    assert not camera.calibrate(), "nobody is there"
    camera.look(frame, seconds=0.0)
    assert not camera.calibrate(7), "no such face"
    assert camera.calibrate()
    look = camera.look(frame, seconds=STEP)
    resting = look.faces[0].predictions["cnn"]
    assert look.resting_number == 1
    assert resting.expression is Expression.NEUTRAL
    assert resting.confidence == pytest.approx(RESTING_NEUTRAL, abs=1e-3)
    # The answers themselves stay as they are below: smoothing and the end of it need them.
    camera.end_calibration()
    look = camera.look(frame, seconds=2 * STEP)
    assert look.resting_number is None
    assert look.faces[0].predictions["cnn"].confidence == pytest.approx(1)
    # Whoever comes after it is somebody else.
    camera.calibrate()
    look = camera.look(frame, seconds=3 * STEP + AWAY_SECONDS)
    assert numbers(look.faces) == [2]
    assert look.resting_number is None
    assert look.faces[0].predictions["cnn"].expression is Expression.SAD
    camera.close()


def test_closing_frees_mediapipe_and_forgets_the_picture(simple: LiveCamera, frame: np.ndarray):
    simple.look(frame, seconds=0.0)
    task = simple._landmarker._task
    simple.close()
    assert not task._finalizer.alive
    assert simple.frame is None
    simple.close()
    assert numbers(simple.look(frame, seconds=1.0).faces) == [2]


def test_a_frame_that_came_before_the_end_does_not_open_the_camera_again(
    simple: LiveCamera, frame: np.ndarray
):
    simple.look(frame, seconds=0.0)
    opening = simple.opening
    simple.close()
    with pytest.raises(BusyError, match="closed"):
        simple.look(frame, seconds=1.0, opening=opening)
    assert simple.frame is None
    assert len(simple.look(frame, seconds=2.0, opening=simple.opening).faces) == 1


def test_a_camera_whose_frames_end_without_a_word_closes_itself(
    simple: LiveCamera, frame: np.ndarray, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("fer_core.live.session.IDLE_SECONDS", 0.2)
    # It watches again when frames come again.
    for seconds in (0.0, 1.0):
        simple.look(frame, seconds=seconds)
        task = simple._landmarker._task
        assert simple.frame is not None
        deadline = time.monotonic() + 10
        while simple.frame is not None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not task._finalizer.alive


def test_a_camera_that_nobody_holds_is_let_go_while_it_is_watched(frame: np.ndarray):
    camera = LiveCamera({})
    camera.look(frame, seconds=0.0)
    gone = weakref.ref(camera)
    del camera
    assert gone() is None


def test_each_camera_follows_faces_by_itself(networks: dict[str, Classifier], frame: np.ndarray):
    first, second = (LiveCamera(networks) for _ in range(2))
    assert len(first.look(frame, seconds=0.0).faces) == 1
    assert second.look(GREY, seconds=0.0).faces == ()
    assert first._landmarker is not second._landmarker
    first.close()
    second.close()
