"""The pipeline from a photo to every face's expression."""

import dataclasses
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2

from fer_core.errors import AnalysisError
from fer_core.faces.crops import FaceInputs, face_inputs
from fer_core.faces.finder import Face, FaceFinder
from fer_core.faces.quality import QualityNote, assess
from fer_core.networks.classifier import Classifier, Prediction
from fer_core.photos.decode import Photo

log = logging.getLogger(__name__)

_NO_MEMORY: Final = (
    "There was not enough memory to look at this photo. Try again in a moment, or shrink it."
)
_FAILED: Final = (
    "Looking at this photo failed. Try again; if that fails too, save it in another size."
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FaceAnalysis:
    """All that was found out about one face.

    Attributes:
        face: where it is.
        inputs: what the networks saw of it.
        quality: reasons for caution.
        predictions: each network's opinion, by the name of its bundle.
    """

    face: Face
    inputs: FaceInputs
    quality: tuple[QualityNote, ...]
    predictions: dict[str, Prediction]

    def __repr__(self) -> str:
        left, top, right, bottom = (round(float(v)) for v in self.face.box_xyxy)
        said = (f"{name} {_in_words(prediction)}" for name, prediction in self.predictions.items())
        return f"Face at ({left}, {top}, {right}, {bottom}): {', '.join(said)}"


def _in_words(prediction: Prediction) -> str:
    unsure = "not sure, " if prediction.abstained else ""
    return f"{unsure}{prediction.expression} {prediction.confidence:.0%}"


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """All that was found out about one photo.

    Attributes:
        width, height: pixels of the upright photo.
        faces: in reading order.
        seconds: time it took, decoding not included.
        model_seconds: of that, the time that each network took for all faces, by its bundle's name.
    """

    width: int
    height: int
    faces: tuple[FaceAnalysis, ...]
    seconds: float
    model_seconds: dict[str, float]

    def without_maps(self) -> "Analysis":
        """Return it without the networks' activation maps, most of its memory."""
        return dataclasses.replace(self, faces=tuple(map(_face_without_maps, self.faces)))


def _face_without_maps(face: FaceAnalysis) -> FaceAnalysis:
    return dataclasses.replace(
        face,
        predictions={
            name: dataclasses.replace(prediction, activation_maps=None)
            for name, prediction in face.predictions.items()
        },
    )


class Analyzer:
    """A face finder and the networks that are asked. Safe to share between threads."""

    def __init__(self, finder: FaceFinder, classifiers: Mapping[str, Classifier]) -> None:
        """Keep what is needed; `classifiers` by the name of the bundle, in the order of the output."""
        self._finder = finder
        self.classifiers = dict(classifiers)

    def analyze(self, photo: Photo) -> Analysis:
        """Return every face of the photo with every network's opinion on it.

        Raises:
            AnalysisError: memory was short, or a library failed; the next call may do.
        """
        try:
            return self._analyze(photo)
        except MemoryError as error:
            raise AnalysisError(_NO_MEMORY) from error
        except (RuntimeError, cv2.error) as error:
            # What MediaPipe, LiteRT and OpenCV raise whatever was wrong.
            log.warning("an analysis failed: %r", error)
            short = isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem
            raise AnalysisError(_NO_MEMORY if short else _FAILED) from error

    def _analyze(self, photo: Photo) -> Analysis:
        began = time.perf_counter()
        return self._asked(photo, self._finder.find(photo.rgb), began)

    def analyze_again(self, photo: Photo, before: Sequence[Face]) -> Analysis:
        """Return the faces of a video's frame that were in the frame before it, as `find_again` does."""
        began = time.perf_counter()
        return self._asked(photo, self._finder.find_again(photo.rgb, before), began)

    def _asked(self, photo: Photo, faces: Sequence[Face], began: float) -> Analysis:
        """Return the faces with every network's opinion; `began` is when the work on the photo did."""
        inputs = [face_inputs(photo.rgb, face) for face in faces]
        opinions, model_seconds = {}, {}
        for name, classifier in self.classifiers.items():
            asked = time.perf_counter()
            opinions[name] = classifier.predict(inputs)
            model_seconds[name] = time.perf_counter() - asked
        return Analysis(
            width=photo.width,
            height=photo.height,
            faces=tuple(
                FaceAnalysis(
                    face=face,
                    inputs=seen,
                    quality=assess(photo.rgb, face, seen),
                    predictions={name: opinions[name][i] for name in opinions},
                )
                for i, (face, seen) in enumerate(zip(faces, inputs, strict=True))
            ),
            seconds=time.perf_counter() - began,
            model_seconds=model_seconds,
        )
