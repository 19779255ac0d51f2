"""MediaPipe's face landmarker, with workarounds for its faults.

Measured traps of MediaPipe: an empty array breaks an instance for good, a non-contiguous one is read in
the wrong order, an instance is of no use after an error, and its import pulls in TensorFlow and keeps what
its callers hold.
"""

import hashlib
import logging
import math
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from queue import LifoQueue
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from fer_core.errors import BundleError
from fer_core.settings import landmarker_path

if TYPE_CHECKING:
    from mediapipe.tasks.python import vision

log = logging.getLogger(__name__)

MODEL_SHA256: Final = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
N_LANDMARKS: Final = 478
N_BLENDSHAPES: Final = 52
#: Below this side an image shows no face, and MediaPipe's scaling has nothing to work with.
MIN_SIDE: Final = 16


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Rotation of the head in degrees, 0 when it faces the camera.

    Attributes:
        pitch: above 0 looking down.
        yaw: above 0 turned towards the right of the image.
        roll: above 0 tilted clockwise in the image.
    """

    pitch: float
    yaw: float
    roll: float


@dataclass(frozen=True, slots=True, eq=False)
class FaceMesh:
    """The landmarker's result for one face.

    Attributes:
        landmarks: float32 (478, 3), pixels of the image, z in the scale of x, smaller is nearer.
        blendshapes: float32 (52,) in [0, 1], in the order of `blendshapes.BLENDSHAPES`.
        transformation: float32 (4, 4), from the canonical face to camera space.
    """

    landmarks: np.ndarray
    blendshapes: np.ndarray
    transformation: np.ndarray

    @property
    def box_xyxy(self) -> np.ndarray:
        """The landmarks' bounding box, float32 (4,)."""
        plane = self.landmarks[:, :2]
        return np.concatenate([plane.min(axis=0), plane.max(axis=0)])

    @property
    def head_pose(self) -> HeadPose:
        """The head's rotation."""
        r = self.transformation[:3, :3].astype(np.float64)
        # MediaPipe's camera space has y up and looks along -z; angles are given as seen in the image.
        return HeadPose(
            pitch=math.degrees(math.atan2(r[2, 1], r[2, 2])),
            yaw=math.degrees(math.asin(float(np.clip(-r[2, 0], -1, 1)))),
            roll=-math.degrees(math.atan2(r[1, 0], r[0, 0])),
        )


class Landmarker:
    """Google's face landmarker for single images.

    Safe to share between threads; at most `instances` calls run at once.
    """

    def __init__(
        self,
        *,
        detection_confidence: float,
        presence_confidence: float,
        max_faces: int,
        instances: int = 1,
    ) -> None:
        """Read and verify the model file; raise BundleError if it is not the right one.

        Args:
            detection_confidence: in [0, 1], asked of its own first look for a face.
            presence_confidence: in [0, 1], asked of the landmarks.
            max_faces: in one image.
            instances: so many threads can look at the same time, for 25 MB each.
        """
        # The one that was used last is asked first: with one thread it is always the same.
        self._free: LifoQueue[_Task] = LifoQueue()
        content = verified_model()
        for _ in range(instances):
            self._free.put(
                _landmarker_task(
                    content,
                    num_faces=max_faces,
                    min_face_detection_confidence=detection_confidence,
                    min_face_presence_confidence=presence_confidence,
                )
            )
        self._instances = instances

    def detect(self, rgb: np.ndarray) -> list[FaceMesh]:
        """Return the faces of an image, uint8 (H, W, 3), that are wider than a tenth of it."""
        task = self._free.get()
        try:
            return _meshes(task.detect(rgb), rgb)
        finally:
            self._free.put(task)

    def close(self) -> None:
        """Free the instances when no thread uses them; the landmarker cannot be used afterwards."""
        tasks = [self._free.get() for _ in range(self._instances)]
        for task in tasks:
            task.close()
            self._free.put(task)


class VideoLandmarker:
    """Google's face landmarker for the frames of one video; it tracks faces.

    It remembers where the faces were: it must not be shared between videos.
    """

    def __init__(
        self,
        *,
        detection_confidence: float,
        presence_confidence: float,
        tracking_confidence: float,
        max_faces: int,
    ) -> None:
        """Read and verify the model file; raise BundleError if it is not the right one.

        Args:
            detection_confidence: in [0, 1], asked where it looks for a face.
            presence_confidence: in [0, 1], asked of the landmarks.
            tracking_confidence: in [0, 1], under which it looks for a face again.
            max_faces: in one frame.
        """
        self._task = _landmarker_task(
            verified_model(),
            video=True,
            num_faces=max_faces,
            min_face_detection_confidence=detection_confidence,
            min_face_presence_confidence=presence_confidence,
            min_tracking_confidence=tracking_confidence,
        )

    def detect(self, rgb: np.ndarray, *, milliseconds: int) -> list[FaceMesh]:
        """Return the faces of a frame; their order may change between frames.

        Args:
            rgb: uint8 (H, W, 3).
            milliseconds: when it was taken, later than the frame before.
        """
        return _meshes(self._task.detect(rgb, milliseconds=milliseconds), rgb)

    def close(self) -> None:
        """Free the instance; the landmarker cannot be used afterwards."""
        self._task.close()


@cache
def connection_tables() -> dict[str, np.ndarray]:
    """Return MediaPipe's lists of connected landmarks, int64 (E, 2), by its names (LIPS, TESSELATION)."""
    with _without_tensorflow():
        from mediapipe.tasks.python.vision import FaceLandmarksConnections
    prefix = "FACE_LANDMARKS_"
    return {
        name.removeprefix(prefix): np.array([(c.start, c.end) for c in connections])
        for name, connections in vars(FaceLandmarksConnections).items()
        if name.startswith(prefix)
    }


def _landmarker_task(content: bytes, *, video: bool = False, **options: float) -> "_Task":
    """Create the landmarker of a model file with all its outputs, for images or for a video."""

    def create() -> "vision.FaceLandmarker":
        with _without_tensorflow():
            from mediapipe.tasks.python import BaseOptions, vision
        mode = vision.RunningMode
        return vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_buffer=content),
                running_mode=mode.VIDEO if video else mode.IMAGE,
                output_face_blendshapes=True,
                output_facial_transformation_matrixes=True,
                **options,
            )
        )

    return _Task(create)


def _meshes(result: Any, rgb: np.ndarray) -> list[FaceMesh]:
    """Return MediaPipe's faces in pixels of the image; empty without a result."""
    if result is None:
        return []
    height, width = rgb.shape[:2]
    # MediaPipe gives fractions of the image's sides; z has the scale of x.
    scale = np.array([width, height, width], np.float32)
    return [
        FaceMesh(
            landmarks=np.array([(p.x, p.y, p.z) for p in points], np.float32) * scale,
            blendshapes=np.array([shape.score for shape in shapes], np.float32),
            transformation=np.asarray(matrix, np.float32),
        )
        for points, shapes, matrix in zip(
            result.face_landmarks,
            result.face_blendshapes,
            result.facial_transformation_matrixes,
            strict=True,
        )
    ]


class _Task:
    """One MediaPipe instance, used by one thread at a time and recreated after an error."""

    def __init__(self, create: Callable[[], Any]) -> None:
        self._create = create
        self._lock = threading.Lock()
        self._instance: Any = None
        self._open()

    def detect(self, rgb: np.ndarray, *, milliseconds: int | None = None) -> Any:
        """Return MediaPipe's result for uint8 (H, W, 3); None for an image too small to hold a face.

        Args:
            rgb: the image.
            milliseconds: its time, where the instance is one for videos.

        Raises:
            ValueError: of another shape or type, which MediaPipe would not survive or read wrongly.
        """
        import mediapipe as mp

        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
            raise ValueError(f"rgb must be uint8 (H, W, 3), got {rgb.dtype} {rgb.shape}")
        if min(rgb.shape[:2]) < MIN_SIDE:
            return None
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(rgb))
        with self._lock:
            if self._instance is None:
                self._open()
            try:
                if milliseconds is None:
                    return self._instance.detect(image)
                return self._instance.detect_for_video(image, milliseconds)
            except RuntimeError:
                # After an error an instance always raises, so the next image gets a new one. It is not
                # created here, because that would fail too if memory is short.
                log.warning("MediaPipe failed; it gets a new instance")
                self._instance = None
                self._finalizer()
                raise

    def close(self) -> None:
        with self._lock:
            self._finalizer()

    def _open(self) -> None:
        self._instance = self._create()
        # Closed before Python takes its modules apart, where MediaPipe's own clean-up fails.
        self._finalizer = weakref.finalize(self, _close, self._instance)


def _close(instance: Any) -> None:
    try:
        instance.close()
    except RuntimeError:
        # At exit MediaPipe's worker threads are gone and it cannot close; without this it would
        # try again, and print a traceback, when it is collected. The process frees all anyway.
        instance._handle = None


def verified_model() -> bytes:
    """Return the content of the landmarker's file; raise BundleError if it is not the right one."""
    path = landmarker_path()
    try:
        content = path.read_bytes()
    except OSError:
        log.warning("%s cannot be read", path, exc_info=True)
        content = b""
    if hashlib.sha256(content).hexdigest() != MODEL_SHA256:
        raise BundleError(
            f"{path} is missing or damaged. Restore it from version control; it is Google's "
            f"face_landmarker.task with sha256 {MODEL_SHA256[:12]}...."
        )
    return content


@contextmanager
def _without_tensorflow() -> Iterator[None]:
    """Hide TensorFlow while MediaPipe is imported.

    MediaPipe imports all of TensorFlow, if it is installed, for a documentation helper: 9 s and
    700 MB instead of 0.3 s and 40 MB. If TensorFlow is loaded already there is nothing to save.
    """
    hide = "tensorflow" not in sys.modules
    if hide:
        sys.modules["tensorflow"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if hide:
            sys.modules.pop("tensorflow", None)
        _drop_kept_error()


def _drop_kept_error() -> None:
    """Release the stack frames that MediaPipe's import error keeps alive.

    Where there is no PortAudio, MediaPipe keeps the error that says so for good, its traceback keeps the
    frames, and these keep whatever their callers had in hand: the photo that was to be analysed, for one.
    """
    module = sys.modules.get("mediapipe.tasks.python.audio.core.audio_record")
    error = getattr(module, "sd_error", None)
    if error is not None:
        error.__traceback__ = None
