"""One visitor's camera: frames in, faces with each network's predictions out.

Nothing here knows how frames arrive. Whoever has one gives it to `LiveCamera.look`, from any thread.
"""

import dataclasses
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from fer_core.errors import BusyError
from fer_core.faces.crops import face_inputs
from fer_core.faces.face import Face
from fer_core.faces.finder import LOOK_CONFIDENCE
from fer_core.faces.mediapipe_models import FaceMesh, VideoLandmarker
from fer_core.faces.tracking import Tracker
from fer_core.live.face import LiveFace
from fer_core.live.resting import RestingFace
from fer_core.networks.classifier import Classifier
from fer_core.networks.smoothing import Smoother

#: Time constant of the probabilities: a single frame in which an eye blinks should not change the answer.
SMOOTHING_SECONDS: Final = 0.4
#: A face that was away for longer gets a new number.
AWAY_SECONDS: Final = 1.0
MAX_FACES: Final = 4
#: A camera without a frame for this long counts as ended.
IDLE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class LiveFrame:
    """One analyzed frame.

    Attributes:
        image_rgb: uint8 (H, W, 3), as it came.
        faces: from the largest to the smallest.
        resting_number: of the face whose answers are relative to its resting face; None without.
    """

    image_rgb: np.ndarray
    faces: tuple[LiveFace, ...]
    resting_number: int | None


class LiveCamera:
    """Analyzes the frames of one camera. Safe to call from several threads.

    It closes itself when no frame has come for `IDLE_SECONDS`: a visitor who leaves does not always say so.
    """

    def __init__(self, classifiers: Mapping[str, Classifier]) -> None:
        """Keep the networks; MediaPipe's model is loaded at the first frame.

        Args:
            classifiers: by the names of their bundles; they may be shared with others.
        """
        self.classifiers = dict(classifiers)
        # Held while a frame is analyzed; the next one waits.
        self._looking = threading.Lock()
        self._landmarker: VideoLandmarker | None = None
        self._last_look = 0.0
        self._milliseconds = -1
        # The networks' own predictions, not relative to a resting face.
        self._followed: dict[int, LiveFace] = {}
        self._tracker = Tracker(max_gap_s=AWAY_SECONDS)
        self._smoother = Smoother(SMOOTHING_SECONDS)
        self._resting: RestingFace | None = None
        self._frame: LiveFrame | None = None
        self._opening = 0

    @property
    def opening(self) -> int:
        """Number of times that the camera was closed: a frame belongs to the opening in which it came."""
        return self._opening

    @property
    def frame(self) -> LiveFrame | None:
        """The last analyzed frame; None before the first and after the end."""
        return self._frame

    def look(
        self, image_rgb: np.ndarray, *, seconds: float, opening: int | None = None
    ) -> LiveFrame:
        """Find the faces of a frame and run the networks. A frame waits for the previous one.

        Args:
            image_rgb: uint8 (H, W, 3).
            seconds: when it was taken, by a clock that is never put back.
            opening: of the camera when the frame came; by default the present one.

        Raises:
            BusyError: the camera was closed since the frame came.
            BundleError: MediaPipe's model is missing or damaged.
        """
        with self._looking:
            if opening is not None and opening != self._opening:
                raise BusyError("The camera was closed before this frame was analyzed.")
            try:
                found = self._follow(self._find(image_rgb, seconds), image_rgb, seconds)
                resting = self._resting
                if resting is not None and resting.number not in self._followed:
                    resting = self._resting = None
                faces = tuple(_relative_to(resting, face) for face in found)
                number = None if resting is None else resting.number
                self._frame = LiveFrame(image_rgb, faces, number)
                return self._frame
            finally:
                self._last_look = time.monotonic()

    def calibrate(self, number: int | None = None) -> bool:
        """Use a face's current expression as its resting face, until it is away for `AWAY_SECONDS`.

        Args:
            number: of the face; by default the largest one.

        Returns:
            Whether the face is there.
        """
        with self._looking:
            if number is None and self._frame and self._frame.faces:
                number = self._frame.faces[0].number
            face = None if number is None else self._followed.get(number)
            if face is None:
                return False
            self._resting = RestingFace.of(face.number, face.predictions)
            return True

    def end_calibration(self) -> None:
        """Return to the networks' own predictions."""
        with self._looking:
            self._resting = None

    def close(self) -> None:
        """Free MediaPipe's instance and forget pictures and faces; the next frame starts again."""
        with self._looking:
            self._close()

    def close_if_idle(self, opening: int) -> bool:
        """Close the camera if no frame has come for a long time.

        Returns:
            Whether this opening of the camera is over.
        """
        with self._looking:
            if opening == self._opening and time.monotonic() - self._last_look > IDLE_SECONDS:
                self._close()
            return opening != self._opening

    def _close(self) -> None:
        self._opening += 1
        if self._landmarker is not None:
            self._landmarker.close()
        self._landmarker = None
        self._frame = None
        self._resting = None
        # Who comes back is somebody new.
        self._tracker.follow((), 0.0, after_cut=True)
        self._forget_who_left()

    def _find(self, image_rgb: np.ndarray, seconds: float) -> list[FaceMesh]:
        if self._landmarker is None:
            self._landmarker = VideoLandmarker(
                detection_confidence=LOOK_CONFIDENCE,
                presence_confidence=LOOK_CONFIDENCE,
                tracking_confidence=LOOK_CONFIDENCE,
                max_faces=MAX_FACES,
            )
            self._last_look = time.monotonic()
            watch = threading.Thread(
                target=_close_when_idle, args=(weakref.ref(self), self._opening)
            )
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
        """Return the faces with numbers and smoothed predictions, from the largest to the smallest."""
        faces = [Face(mesh.box_xyxy, LOOK_CONFIDENCE, mesh) for mesh in meshes]
        inputs = [face_inputs(image_rgb, face) for face in faces]
        answers = {name: model.predict(inputs) for name, model in self.classifiers.items()}
        numbers = self._tracker.follow(faces, seconds, after_cut=False)
        self._forget_who_left()
        found = []
        for i, (number, face) in enumerate(zip(numbers, faces, strict=True)):
            new = {name: predictions[i] for name, predictions in answers.items()}
            smoothed = self._smoother.smooth(number, seconds, new)
            self._followed[number] = LiveFace(number, face, smoothed)
            found.append(self._followed[number])
        return tuple(sorted(found, key=lambda face: -face.width))

    def _forget_who_left(self) -> None:
        for number in self._followed.keys() - self._tracker.numbers:
            del self._followed[number]
            self._smoother.forget(number)


def _close_when_idle(reference: "weakref.ref[LiveCamera]", opening: int) -> None:
    """Wait until a camera is closed, or close it when no frames come; runs in its own thread."""
    while True:
        time.sleep(IDLE_SECONDS / 4)
        camera = reference()
        if camera is None or camera.close_if_idle(opening):
            return
        # Not held while it sleeps: nothing else may need the camera any more.
        del camera


def _relative_to(resting: RestingFace | None, face: LiveFace) -> LiveFace:
    """Return a face with predictions relative to a resting face, if it is the same person's."""
    if resting is None or face.number != resting.number:
        return face
    relative = {name: resting.apply(name, p) for name, p in face.predictions.items()}
    return dataclasses.replace(face, predictions=relative)
