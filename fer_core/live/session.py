"""One visitor's camera: frames in, annotated frames out, and what the last half minute showed.

Nothing here knows how frames arrive. Whoever has one gives it to `LiveCamera.look`, from any thread; a frame
that comes while another is looked at is dropped, so that the picture is never late.
"""

import dataclasses
import math
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from fer_core.drawing import draw_live
from fer_core.faces.crops import face_inputs
from fer_core.faces.finder import LOOK_CONFIDENCE, Face
from fer_core.faces.mediapipe_models import FaceMesh, VideoLandmarker
from fer_core.live.face import LiveFace
from fer_core.networks.classifier import Classifier, Prediction

#: What the strip shows, and how often a moment is kept for it.
HISTORY_SECONDS: Final = 30.0
HISTORY_STEP: Final = 0.2
#: Time constant of the probabilities: a single frame in which an eye blinks should not change the answer.
SMOOTHING_SECONDS: Final = 0.4
#: A face that was away for longer is a new one when it is back.
AWAY_SECONDS: Final = 1.0
#: Over how long the rate is counted.
RATE_SECONDS: Final = 3.0
MAX_FACES: Final = 4
#: A camera without a frame for so long has ended, whether or not anybody said so.
IDLE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class LiveFrame:
    """One frame that was looked at.

    Attributes:
        seconds: when it was taken.
        image_rgb: uint8 (H, W, 3), as it came.
        annotated_rgb: uint8 (H, W, 3), with boxes, landmarks and answers.
        faces: from the largest to the smallest.
    """

    seconds: float
    image_rgb: np.ndarray
    annotated_rgb: np.ndarray
    faces: tuple[LiveFace, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What is kept of a frame for the strip.

    Attributes:
        seconds: when it was taken.
        faces: float32 (classes,) probabilities by network, by the face's number; from the largest face
            to the smallest.
    """

    seconds: float
    faces: dict[int, dict[str, np.ndarray]]


@dataclass(frozen=True, slots=True, eq=False)
class LiveState:
    """How things stand.

    Attributes:
        frame: the last that was looked at; None before the first and after the end.
        history: of the last `HISTORY_SECONDS`, oldest first.
        rate: frames a second that were looked at, over the last `RATE_SECONDS`.
        look_seconds: from a frame to its annotated picture, median of those.
        dropped: frames that were not looked at, since the start.
    """

    frame: LiveFrame | None
    history: tuple[Moment, ...]
    rate: float
    look_seconds: float
    dropped: int


class LiveCamera:
    """Looks at the frames of one camera. Safe to call from several threads.

    It closes itself when no frame has come for `IDLE_SECONDS`, and then calls `on_idle`, if there is one:
    a connection that breaks off does not always say so.
    """

    def __init__(self, classifiers: Mapping[str, Classifier], titles: Mapping[str, str]) -> None:
        """Keep what is needed; MediaPipe's model is read when the first frame comes.

        Args:
            classifiers: by the names of their bundles; they may be shared with others.
            titles: what stands before each network's answer on the picture.
        """
        self.classifiers = dict(classifiers)
        self.show_landmarks = True
        self.on_idle: Callable[[], None] | None = None
        self._titles = dict(titles)
        # Held while a frame is looked at; whoever finds it held drops the frame.
        self._looking = threading.Lock()
        # Held for a moment, while what others read is changed.
        self._state = threading.Lock()
        self._landmarker: VideoLandmarker | None = None
        self._last_look = 0.0
        self._milliseconds = -1
        self._followed: dict[int, LiveFace] = {}
        self._last_seen: dict[int, float] = {}
        self._count = 0
        self._frame: LiveFrame | None = None
        self._history: deque[Moment] = deque(maxlen=math.ceil(HISTORY_SECONDS / HISTORY_STEP) + 1)
        self._looks: deque[tuple[float, float]] = deque(maxlen=256)
        self._dropped = 0

    def look(self, image_rgb: np.ndarray, *, seconds: float, dropped: int = 0) -> np.ndarray:
        """Return the frame with its faces and answers drawn on it.

        A frame that comes while another is looked at is not looked at: the last picture is returned, or
        the frame as it is if there is none.

        Args:
            image_rgb: uint8 (H, W, 3).
            seconds: when it was taken, by a clock that is never put back.
            dropped: frames before it that whoever calls left out.

        Returns:
            uint8 (H, W, 3).

        Raises:
            BundleError: MediaPipe's model is missing or damaged.
        """
        if not self._looking.acquire(blocking=False):
            with self._state:
                self._dropped += 1 + dropped
                return image_rgb if self._frame is None else self._frame.annotated_rgb
        try:
            began = time.perf_counter()
            faces = self._follow(self._find(image_rgb, seconds), image_rgb, seconds)
            annotated = draw_live(
                image_rgb, faces, titles=self._titles, landmarks=self.show_landmarks
            )
            frame = LiveFrame(seconds, image_rgb, annotated, faces)
            self._keep(frame, time.perf_counter() - began, dropped)
            return annotated
        finally:
            self._last_look = time.monotonic()
            self._looking.release()

    def state(self, seconds: float) -> LiveState:
        """Return how things stand at a time of the frames' clock."""
        with self._state:
            recent = [look for look in self._looks if look[0] > seconds - RATE_SECONDS]
            return LiveState(
                frame=self._frame,
                history=tuple(m for m in self._history if m.seconds >= seconds - HISTORY_SECONDS),
                rate=_rate([at for at, _ in recent]),
                look_seconds=float(np.median([took for _, took in recent])) if recent else 0.0,
                dropped=self._dropped,
            )

    def close(self) -> None:
        """Free MediaPipe's instance and forget pictures and faces; the next frame begins anew."""
        with self._looking, self._state:
            if self._landmarker is not None:
                self._landmarker.close()
            self._landmarker = None
            self._frame = None
            self._followed.clear()
            self._last_seen.clear()
            self._looks.clear()
            self._dropped = 0

    def is_idle(self) -> bool | None:
        """Return whether no frame has come for long; None if it is closed."""
        if self._landmarker is None:
            return None
        return not self._looking.locked() and time.monotonic() - self._last_look > IDLE_SECONDS

    def _find(self, image_rgb: np.ndarray, seconds: float) -> list[FaceMesh]:
        if self._landmarker is None:
            self._landmarker = VideoLandmarker(
                detection_confidence=LOOK_CONFIDENCE,
                presence_confidence=LOOK_CONFIDENCE,
                tracking_confidence=LOOK_CONFIDENCE,
                max_faces=MAX_FACES,
            )
            self._last_look = time.monotonic()
            watch = threading.Thread(target=_close_when_idle, args=(weakref.ref(self),))
            watch.daemon = True
            watch.start()
        # MediaPipe refuses a time that is not later than the last one's.
        self._milliseconds = max(self._milliseconds + 1, int(1000 * seconds))
        try:
            return self._landmarker.detect(image_rgb, milliseconds=self._milliseconds)
        except RuntimeError:
            # MediaPipe failed on this frame, and has a new instance for the next.
            return []

    def _follow(
        self, meshes: Sequence[FaceMesh], image_rgb: np.ndarray, seconds: float
    ) -> tuple[LiveFace, ...]:
        """Return the faces with their numbers and smoothed answers, from the largest to the smallest."""
        faces = [Face(mesh.box_xyxy, LOOK_CONFIDENCE, mesh) for mesh in meshes]
        for number in [n for n, at in self._last_seen.items() if seconds - at > AWAY_SECONDS]:
            del self._followed[number], self._last_seen[number]
        inputs = [face_inputs(image_rgb, face) for face in faces]
        answers = {name: model.predict(inputs) for name, model in self.classifiers.items()}
        numbers = self._numbers(faces)
        found = []
        for i, (number, face) in enumerate(zip(numbers, faces, strict=True)):
            new = {name: predictions[i] for name, predictions in answers.items()}
            if (before := self._followed.get(number)) is not None:
                weight = 1 - math.exp(-(seconds - self._last_seen[number]) / SMOOTHING_SECONDS)
                new = {name: _mixed(before.predictions[name], p, weight) for name, p in new.items()}
            self._followed[number] = LiveFace(number, face, new)
            self._last_seen[number] = seconds
            found.append(self._followed[number])
        return tuple(sorted(found, key=lambda face: -face.width))

    def _numbers(self, faces: Sequence[Face]) -> list[int]:
        """Return the number of the followed face that each face is: the nearest within its own width."""
        pairs = sorted(
            (distance, i, number)
            for i, face in enumerate(faces)
            for number, before in self._followed.items()
            if (distance := _distance(face, before.face)) < 1
        )
        numbers: dict[int, int] = {}
        for _, i, number in pairs:
            if i not in numbers and number not in numbers.values():
                numbers[i] = number
        for i in range(len(faces)):
            if i not in numbers:
                self._count += 1
                numbers[i] = self._count
        return [numbers[i] for i in range(len(faces))]

    def _keep(self, frame: LiveFrame, took: float, dropped: int) -> None:
        with self._state:
            self._frame = frame
            self._dropped += dropped
            self._looks.append((frame.seconds, took))
            # Half a frame early is nearer to the step than half a frame late.
            if not self._history or frame.seconds - self._history[-1].seconds > 0.9 * HISTORY_STEP:
                self._history.append(_moment(frame))
            while frame.seconds - self._history[0].seconds > HISTORY_SECONDS:
                self._history.popleft()


def _close_when_idle(reference: "weakref.ref[LiveCamera]") -> None:
    """Wait for a camera to be closed, and close it when its frames end; a thread of its own."""
    while True:
        time.sleep(IDLE_SECONDS / 4)
        camera = reference()
        idle = camera.is_idle() if camera else None
        if camera is None or idle is None:
            return
        if idle:
            camera.close()
            if camera.on_idle:
                camera.on_idle()
            return
        # Not held while it sleeps: nothing else may need the camera any more.
        del camera


def series(
    history: Sequence[Moment], name: str, *, number: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return one network's answers over time for one face.

    Args:
        history: oldest first.
        name: of the network's bundle.
        number: of the face; by default the one that is largest at each moment.

    Returns:
        float64 (N,) seconds and float32 (N, classes) probabilities, NaN where the face was not seen.
    """
    shown = [
        next(iter(m.faces.values()), None) if number is None else m.faces.get(number)
        for m in history
    ]
    classes = next((len(face[name]) for face in shown if face), 0)
    unseen = np.full(classes, np.nan, np.float32)
    rows = [face[name] if face else unseen for face in shown]
    return (
        np.array([moment.seconds for moment in history]),
        np.array(rows, np.float32).reshape(len(rows), classes),
    )


def _mixed(before: Prediction, new: Prediction, weight: float) -> Prediction:
    """Return the new opinion with the one before mixed in; its activation maps are not kept."""
    return dataclasses.replace(
        new,
        probabilities=(1 - weight) * before.probabilities + np.float32(weight) * new.probabilities,
        activation_maps=None,
    )


def _moment(frame: LiveFrame) -> Moment:
    return Moment(
        frame.seconds,
        {
            face.number: {name: p.probabilities for name, p in face.predictions.items()}
            for face in frame.faces
        },
    )


def _distance(face: Face, other: Face) -> float:
    """Return how far two boxes' centres are apart, in widths of the wider one."""
    a, b = face.box_xyxy, other.box_xyxy
    apart = np.linalg.norm((a[:2] + a[2:] - b[:2] - b[2:]) / 2)
    return float(apart / max(a[2] - a[0], b[2] - b[0]))


def _rate(times: Sequence[float]) -> float:
    """Return how often a second something happened, from when it did."""
    passed = times[-1] - times[0] if times else 0.0
    return (len(times) - 1) / passed if passed > 0 else 0.0
