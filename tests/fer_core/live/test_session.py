"""A camera's frames: who is in them, what is kept of them, and what is not."""

import re
import threading
import weakref
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from fer_core.expressions import COLORS, FER2013, Expression
from fer_core.live.face import LiveFace
from fer_core.live.session import (
    AWAY_SECONDS,
    HISTORY_SECONDS,
    HISTORY_STEP,
    SMOOTHING_SECONDS,
    LiveCamera,
    series,
)
from fer_core.live.strip import strip_html
from fer_core.networks.bundles import resolve
from fer_core.networks.classifier import Classifier, Prediction

GREY = np.full((240, 320, 3), 120, np.uint8)
STEP = 0.1
#: No network and no MediaPipe: where a test is about something else.
NOBODY = np.zeros((24, 32, 3), np.uint8)


class Says:
    """A network that gives the same answer to every face, until it is told another."""

    def __init__(self, expression: Expression) -> None:
        self.expression = expression

    def predict(self, faces: list[object]) -> list[Prediction]:
        probabilities = np.zeros(7, np.float32)
        probabilities[FER2013.index(self.expression)] = 1
        return [Prediction(FER2013.labels, probabilities, 0.5, None) for _ in faces]


@pytest.fixture(scope="module")
def networks(classifier: Classifier) -> dict[str, Classifier]:
    return {"cnn": classifier, "dual": Classifier(resolve("dual"))}


@pytest.fixture
def camera(networks: dict[str, Classifier]) -> Iterator[LiveCamera]:
    camera = LiveCamera(networks, {"cnn": "pixels", "dual": "+ landmarks"})
    yield camera
    camera.close()


@pytest.fixture
def simple() -> Iterator[LiveCamera]:
    """A camera whose one network says what it is told."""
    camera = LiveCamera({"cnn": Says(Expression.HAPPY)}, {})
    yield camera
    camera.close()


@pytest.fixture(scope="module")
def frame(astronaut: np.ndarray) -> np.ndarray:
    """A face that is large enough beside another one."""
    return np.ascontiguousarray(astronaut[:260, 90:350])


def beside(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.concatenate([left, right], axis=1))


def seen(camera: LiveCamera, seconds: float) -> tuple[LiveFace, ...]:
    state = camera.state(seconds)
    assert state.frame is not None
    return state.frame.faces


def test_a_face_comes_out_with_both_answers_drawn_on_the_picture(
    camera: LiveCamera, frame: np.ndarray
):
    before = frame.copy()
    annotated = camera.look(frame, seconds=1.0)
    (face,) = seen(camera, 1.0)
    assert [p.expression for p in face.predictions.values()] == [Expression.HAPPY] * 2
    assert annotated.shape == frame.shape
    np.testing.assert_array_equal(frame, before)
    # Two plates in happy's colour, above the box.
    left, top, right, _ = face.face.box_xyxy.astype(int)
    happy = tuple(int(COLORS[Expression.HAPPY][i : i + 2], 16) for i in (1, 3, 5))
    plates = (annotated[:top, left:right] == happy).all(axis=2).any(axis=1)
    assert np.count_nonzero(np.diff(plates.astype(int)) == 1) == 2


def test_answers_do_not_cover_a_face_at_the_upper_border(camera: LiveCamera, frame: np.ndarray):
    camera.look(frame, seconds=1.0)
    (face,) = seen(camera, 1.0)
    high = np.ascontiguousarray(frame[int(face.face.box_xyxy[1]) - 4 :])
    camera.show_landmarks = False
    annotated = camera.look(high, seconds=2.5)
    (face,) = seen(camera, 2.5)
    left, top, right, bottom = face.face.box_xyxy.astype(int)
    inside = np.s_[top + 5 : bottom - 4, left + 5 : right - 4]
    np.testing.assert_array_equal(annotated[inside], high[inside])


def test_a_picture_without_a_face_is_shown_as_it_is(camera: LiveCamera):
    np.testing.assert_array_equal(camera.look(GREY, seconds=1.0), GREY)
    assert seen(camera, 1.0) == ()
    (moment,) = camera.state(1.0).history
    assert moment.faces == {}


def test_two_faces_keep_their_numbers_while_they_move(simple: LiveCamera, frame: np.ndarray):
    pair = beside(frame, frame[:, ::-1])
    left_numbers, right_numbers = set(), set()
    for i in range(6):
        simple.look(np.roll(pair, 6 * i, axis=1), seconds=STEP * i)
        left, right = sorted(seen(simple, STEP * i), key=lambda f: float(f.face.box_xyxy[0]))
        left_numbers.add(left.number)
        right_numbers.add(right.number)
    assert len(left_numbers) == len(right_numbers) == 1
    assert left_numbers != right_numbers


def test_the_largest_face_is_first_whatever_its_number(simple: LiveCamera, frame: np.ndarray):
    small = np.full_like(frame, 120)
    small[60:, 30:230] = np.asarray(Image.fromarray(frame).resize((200, 200)))
    simple.look(beside(small, np.full_like(frame, 120)), seconds=0.0)
    simple.look(beside(small, frame), seconds=STEP)
    first, second = seen(simple, STEP)
    assert first.width > second.width
    assert (first.number, second.number) == (2, 1)
    (_, moment) = series(simple.state(STEP).history, "cnn", number=2)
    assert np.isnan(moment).all()  # It came less than a step of the history after the first.


def test_a_face_is_the_same_after_a_blink_and_a_new_one_after_a_while(
    simple: LiveCamera, frame: np.ndarray
):
    simple.look(frame, seconds=0.0)
    simple.look(GREY, seconds=STEP)
    simple.look(frame, seconds=2 * STEP)
    assert seen(simple, 2 * STEP)[0].number == 1
    simple.look(frame, seconds=3 * STEP + AWAY_SECONDS)
    assert seen(simple, 3 * STEP + AWAY_SECONDS)[0].number == 2


def test_an_answer_follows_with_its_time_constant(frame: np.ndarray):
    network = Says(Expression.HAPPY)
    camera = LiveCamera({"cnn": network}, {})
    camera.look(frame, seconds=0.0)
    network.expression = Expression.SAD
    # One step of a whole constant and two of a half come to the same.
    camera.look(frame, seconds=SMOOTHING_SECONDS / 2)
    camera.look(frame, seconds=SMOOTHING_SECONDS)
    probabilities = seen(camera, SMOOTHING_SECONDS)[0].predictions["cnn"].probabilities
    assert probabilities[FER2013.index(Expression.HAPPY)] == pytest.approx(np.exp(-1), abs=1e-5)
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    camera.close()


@pytest.mark.parametrize("times", [(5.0, 5.0, 5.0), (5.0, 5.0001, 5.0002), (5.0, 4.0, 4.5)])
def test_times_that_do_not_grow_reach_mediapipe_as_growing(
    simple: LiveCamera, frame: np.ndarray, times: tuple[float, ...]
):
    """It raises otherwise, and what it raised in is of no use afterwards."""
    for seconds in times:
        simple.look(frame, seconds=seconds)
        assert len(seen(simple, seconds)) == 1


def test_after_a_failure_of_mediapipe_the_next_frame_is_looked_at(
    simple: LiveCamera, frame: np.ndarray
):
    simple.look(frame, seconds=0.0)
    # After the first look: the landmarker hides TensorFlow while MediaPipe is imported.
    import mediapipe as mp

    empty = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.zeros((0, 0, 3), np.uint8))
    with pytest.raises(RuntimeError):
        simple._landmarker._task._instance.detect_for_video(empty, 1)
    found = []
    for i in (1, 2):
        simple.look(frame, seconds=STEP * i)
        found.append(len(seen(simple, STEP * i)))
    assert found[-1] == 1


def test_the_history_is_bounded_in_time_and_number(
    simple: LiveCamera, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(simple, "_find", lambda *_: [])
    for i in range(2500):
        simple.look(NOBODY, seconds=i / 50)
    history = simple.state(50.0).history
    times = np.array([moment.seconds for moment in history])
    assert times[-1] - times[0] <= HISTORY_SECONDS
    assert times[-1] - times[0] > HISTORY_SECONDS - 2 * HISTORY_STEP
    assert np.diff(times).min() > 0.8 * HISTORY_STEP
    assert simple.state(50.0 + 2 * HISTORY_SECONDS).history == ()
    assert simple.state(50.0).rate == pytest.approx(50, rel=0.01)


def test_a_frame_that_comes_while_another_is_looked_at_is_dropped(
    simple: LiveCamera, monkeypatch: pytest.MonkeyPatch
):
    began, go_on = threading.Event(), threading.Event()

    def find_slowly(*_: object) -> list[object]:
        began.set()
        assert go_on.wait(10)
        return []

    monkeypatch.setattr(simple, "_find", find_slowly)
    slow = threading.Thread(target=simple.look, args=(GREY,), kwargs={"seconds": 1.0})
    slow.start()
    assert began.wait(10)
    # Nothing was looked at yet: the frame itself comes back, and at once.
    assert simple.look(NOBODY, seconds=1.1, dropped=2) is NOBODY
    go_on.set()
    slow.join(10)
    state = simple.state(1.2)
    assert state.dropped == 3
    assert state.frame is not None
    assert state.frame.image_rgb is GREY
    assert len(state.history) == 1


def test_closing_frees_mediapipe_and_forgets_the_picture(simple: LiveCamera, frame: np.ndarray):
    simple.look(frame, seconds=0.0)
    task = simple._landmarker._task
    simple.close()
    assert not task._finalizer.alive
    state = simple.state(0.1)
    assert state.frame is None
    assert state.rate == 0
    # What was answered stays to be read.
    assert len(state.history) == 1
    simple.close()
    simple.look(frame, seconds=1.0)
    assert seen(simple, 1.0)[0].number == 2


def test_a_camera_whose_frames_end_without_a_word_closes_itself(
    simple: LiveCamera, frame: np.ndarray, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("fer_core.live.session.IDLE_SECONDS", 0.2)
    said = threading.Event()
    simple.on_idle = said.set
    simple.look(frame, seconds=0.0)
    task = simple._landmarker._task
    assert said.wait(10)
    assert not task._finalizer.alive
    assert simple.state(0.1).frame is None
    # It watches again when frames come again.
    said.clear()
    simple.look(frame, seconds=1.0)
    assert simple.state(1.0).frame is not None
    assert said.wait(10)
    assert simple.state(1.0).frame is None


def test_a_camera_that_nobody_holds_is_let_go_while_it_is_watched(frame: np.ndarray):
    camera = LiveCamera({}, {})
    camera.look(frame, seconds=0.0)
    gone = weakref.ref(camera)
    del camera
    assert gone() is None


def test_each_camera_follows_faces_by_itself(networks: dict[str, Classifier], frame: np.ndarray):
    first, second = (LiveCamera(networks, {}) for _ in range(2))
    first.look(frame, seconds=0.0)
    second.look(GREY, seconds=0.0)
    assert len(seen(first, 0.0)) == 1
    assert seen(second, 0.0) == ()
    assert first._landmarker is not second._landmarker
    first.close()
    second.close()


def test_the_strip_has_an_area_for_what_is_answered_and_gaps_without_a_face(
    simple: LiveCamera, frame: np.ndarray
):
    for i, image in enumerate((frame, GREY, frame)):
        simple.look(image, seconds=i * 5.0)
    times, probabilities = series(simple.state(10.0).history, "cnn")
    assert np.isnan(probabilities[1]).all()
    html = strip_html({"<Pixels>": (times, probabilities)}, FER2013.labels, now=15.0, seconds=30.0)
    assert "&lt;Pixels&gt;" in html
    assert all(str(label).capitalize() in html for label in FER2013.labels)
    ((color, points),) = re.findall(r'<polygon fill="(.*?)" points="(.*?)"', html)
    assert color == COLORS[Expression.HAPPY]
    corners = [tuple(map(float, point.split(","))) for point in points.split()]
    # 300 units for 30 seconds: full for a second each, 15 and 5 seconds ago, and flat between.
    upper = corners[: len(corners) // 2]
    assert upper == [(150, 0), (160, 0), (200, 100), (210, 100), (250, 0), (260, 0)]


def test_before_any_face_the_strip_is_empty(simple: LiveCamera):
    simple.look(GREY, seconds=0.0)
    values = series(simple.state(0.0).history, "cnn")
    assert "<polygon" not in strip_html(
        {"Pixels": values}, FER2013.labels, now=0.0, seconds=HISTORY_SECONDS
    )
