"""The pipeline from a photo to every face's expression."""

import dataclasses
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from fer_core.errors import AnalysisError
from fer_core.faces.crops import FaceInputs, face_inputs
from fer_core.faces.face import Face
from fer_core.faces.face_measures import FACE_MEASURES, measures_of
from fer_core.faces.finder import FaceFinder, Found, Framing
from fer_core.faces.mediapipe_models import HeadPose
from fer_core.faces.quality import QualityNote, assess
from fer_core.faces.search import SMALLEST_FACE
from fer_core.networks.classifier import Classifier, Prediction
from fer_core.networks.levels import in_words
from fer_core.percent import percent
from fer_core.photos.decode import Photo

log = logging.getLogger(__name__)

_NO_MEMORY: Final = (
    "There was not enough memory to analyze this photo. Try again in a moment, or shrink it."
)
_FAILED: Final = (
    "The analysis of this photo failed. Try again; if it fails again, save it in another size."
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FaceAnalysis:
    """The results for one face.

    Attributes:
        face: where it is.
        inputs: what the networks saw of it.
        square_xyxy: float32 (4,), the square of the photo that the inputs show.
        quality: reasons for caution.
        predictions: by the name of its bundle.
        stored_box_xyxy: float32 (4,), where the face lies in the file's own rows and columns, before EXIF's
            orientation was applied and the photo was turned.
    """

    face: Face
    inputs: FaceInputs
    square_xyxy: np.ndarray
    quality: tuple[QualityNote, ...]
    predictions: dict[str, Prediction]
    stored_box_xyxy: np.ndarray

    @property
    def main_network(self) -> str:
        """Name of the last network, which has the most inputs: its prediction labels the face in pictures."""
        return next(reversed(self.predictions))

    @property
    def main(self) -> Prediction:
        """The last network's prediction."""
        return self.predictions[self.main_network]

    @property
    def box_xyxy(self) -> np.ndarray:
        """float32 (4,), left, top, right, bottom of the face in pixels of the upright photo."""
        return self.face.box_xyxy

    @property
    def detector_confidence(self) -> float:
        """The face detector's score in [0, 1]."""
        return float(self.face.confidence)

    @property
    def head_pose_degrees(self) -> HeadPose | None:
        """The head's rotation: `pitch`, `yaw` and `roll` in degrees; None without landmarks."""
        return self.face.head_pose

    @property
    def landmarks(self) -> np.ndarray | None:
        """float32 (478, 3) in pixels of the upright photo, z in the scale of x; None if none were found."""
        return self.face.landmarks

    @property
    def measures(self) -> dict[str, float | None] | None:
        """Values of `FACE_MEASURES` by name, rounded as in JSON; None without landmarks.

        They are computed on each access. A gaze behind closed eyes is None.
        """
        if self.face.mesh is None:
            return None
        values = measures_of(self.face.mesh)
        return {
            measure.name: None if value is None else round(value, measure.digits)
            for measure, value in zip(FACE_MEASURES, values.values(), strict=True)
        }

    @property
    def networks_agree(self) -> bool:
        """Whether all networks find the same expression most likely."""
        return len({prediction.expression for prediction in self.predictions.values()}) < 2

    def __repr__(self) -> str:
        left, top, right, bottom = (round(float(v)) for v in self.face.box_xyxy)
        said = (
            f"{name} {in_words(p)} {percent(p.confidence)}" for name, p in self.predictions.items()
        )
        return f"Face at ({left}, {top}, {right}, {bottom}): {', '.join(said)}"


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """The results for one photo.

    Attributes:
        width, height: pixels of the upright photo.
        faces: in reading order.
        seconds: time it took, decoding not included.
        model_seconds: of that, the time that each network took for all faces, by its bundle's name.
        quarter_turns: counter-clockwise, that the photo was turned by after decoding to be upright, 0 to 3.
        framing: how the photo shows faces.
        smallest_face_pixels: side of the smallest face that was searched for; none is below a tenth of the
            largest.
    """

    width: int
    height: int
    faces: tuple[FaceAnalysis, ...]
    seconds: float
    model_seconds: dict[str, float]
    quarter_turns: int = 0
    framing: Framing = Framing.PHOTO
    smallest_face_pixels: int = SMALLEST_FACE

    @property
    def largest(self) -> FaceAnalysis | None:
        """The face with the largest box, the first of equals; None without faces."""
        return max(self.faces, key=lambda face: _area(face.box_xyxy), default=None)

    def with_largest_alone(self) -> "Analysis":
        """Return a copy with only the largest face, if there are faces."""
        return dataclasses.replace(self, faces=(self.largest,) if self.largest else ())

    def shown(self, photo: Photo) -> Photo:
        """Return the photo in the orientation of the coordinates: turned, if it was turned upright."""
        return photo.turned(self.quarter_turns)


def _area(box_xyxy: np.ndarray) -> float:
    left, top, right, bottom = box_xyxy.tolist()
    return float((right - left) * (bottom - top))


def _cautious(prediction: Prediction, face: Face) -> Prediction:
    """Return the prediction, marked as doubtful if it is unknown which way up the face is."""
    return prediction if face.is_upright else dataclasses.replace(prediction, is_doubtful=True)


@contextmanager
def _faults_explained() -> Iterator[None]:
    """Raise what MediaPipe, LiteRT and OpenCV raise for every fault as an AnalysisError."""
    try:
        yield
    except MemoryError as error:
        raise AnalysisError(_NO_MEMORY) from error
    except (RuntimeError, cv2.error) as error:
        log.warning("an analysis failed: %r", error)
        short = isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem
        raise AnalysisError(_NO_MEMORY if short else _FAILED) from error


class Analyzer:
    """A face finder and networks. Safe to share between threads."""

    def __init__(self, finder: FaceFinder, classifiers: Mapping[str, Classifier]) -> None:
        """Create an analyzer; `classifiers` by bundle name, in the order of the output."""
        self._finder = finder
        self.classifiers = dict(classifiers)

    def analyze(self, photo: Photo, *, may_turn: bool = True) -> Analysis:
        """Return every face of a photo with each network's prediction.

        Args:
            photo: to be looked at.
            may_turn: whether to turn the photo if its faces are not upright, as `find_upright` does; frames
                of a video are taken as they are.

        Raises:
            AnalysisError: memory was short or a library failed, and the next call may do; or too many places
                look like faces.
        """
        began = time.perf_counter()
        with _faults_explained():
            if may_turn:
                found = self._finder.find_upright(photo.rgb)
            else:
                found = Found(tuple(self._finder.find(photo.rgb)))
            return self._predict_faces(photo.turned(found.quarter_turns), found, began)

    def analyze_again(self, photo: Photo, before: Sequence[Face]) -> Analysis:
        """Return the faces of a video frame that were in the previous frame, as `find_again` does.

        Raises:
            AnalysisError: as `analyze` does.
        """
        began = time.perf_counter()
        with _faults_explained():
            found = Found(tuple(self._finder.find_again(photo.rgb, before)))
            return self._predict_faces(photo, found, began)

    def _predict_faces(self, photo: Photo, found: Found, began: float) -> Analysis:
        """Return the faces of an upright photo with each network's prediction; `began` is the start time."""
        squares = [found.framing.square_of(face, photo.width, photo.height) for face in found.faces]
        inputs = [
            face_inputs(photo.rgb, *framed) for framed in zip(found.faces, squares, strict=True)
        ]
        predicted, model_seconds = {}, {}
        for name, classifier in self.classifiers.items():
            asked = time.perf_counter()
            predicted[name] = classifier.predict(inputs)
            model_seconds[name] = time.perf_counter() - asked
        return Analysis(
            width=photo.width,
            height=photo.height,
            faces=tuple(
                FaceAnalysis(
                    face=face,
                    inputs=seen,
                    square_xyxy=square,
                    quality=assess(photo.rgb, face, seen, square),
                    predictions={name: _cautious(predicted[name][i], face) for name in predicted},
                    stored_box_xyxy=photo.stored_box(face.box_xyxy),
                )
                for i, (face, seen, square) in enumerate(
                    zip(found.faces, inputs, squares, strict=True)
                )
            ),
            seconds=time.perf_counter() - began,
            model_seconds=model_seconds,
            quarter_turns=found.quarter_turns,
            framing=found.framing,
        )
