"""The Python API: `analyze`, `analyze_video` and `open_analyzer`, and the results that they return."""

import dataclasses
import os
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from fer_core import analysis as pipeline
from fer_core.batch.inputs import PhotoFile
from fer_core.closing import Closing
from fer_core.errors import ImageDecodeError, InputError
from fer_core.expressions import Expression
from fer_core.face_columns import FaceColumns, face_columns
from fer_core.faces.finder import FaceFinder
from fer_core.listing import split_names
from fer_core.networks.bundles import default_networks, resolve, stand_in_sentence
from fer_core.networks.classifier import Classifier
from fer_core.photos.decode import Photo, decode, from_pillow
from fer_core.quiet import quiet_libraries
from fer_core.records import face_rows, table_columns, to_record
from fer_core.settings import models_root
from fer_core.video import DEFAULT_RATE

if TYPE_CHECKING:
    import pandas as pd

    from fer_core.video.result import VideoAnalysis

#: A path, an image file's content, pixels RGB uint8 (H, W, 3), or a Pillow image.
ImageInput = str | os.PathLike[str] | bytes | bytearray | memoryview | np.ndarray | Image.Image

#: One thread at a time loads the models that `analyze` keeps.
_loading = threading.Lock()
#: The networks that `analyze` keeps, by the folder of models and their name.
_classifiers: dict[tuple[Path, str], Classifier] = {}


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Analysis(pipeline.Analysis):
    """Every face of one photo with each network's prediction; its repr has one line per face.

    Attributes:
        width, height: pixels of the upright photo.
        faces: `FaceAnalysis` of each face, in reading order. `faces[0].main` is the prediction that labels
            the face, of the last network; `faces[0].predictions` has those of all networks by name. Each has
            `expression`, `confidence` in [0, 1], `level`, `abstained` and `by_expression`. `faces[0]` has
            `box_xyxy`, float32 (4,) in pixels, and `landmarks`, float32 (478, 3).
        largest: of these, the face with the largest box; None without faces.
        seconds: time of the analysis, decoding not included.
        model_seconds: of that, each network's time for all faces.
        photo: the photo's pixels.
        path: the photo's path as it was given; None for bytes, arrays and Pillow images.
        labels: classes of each network that was asked, by the name of its bundle.
    """

    photo: Photo
    path: str | None
    labels: Mapping[str, tuple[Expression, ...]]

    def to_dict(
        self, *, columns: str = FaceColumns.BASIC, landmarks: bool = False
    ) -> dict[str, Any]:
        """Return the JSON object that `python -m fer_core analyze` prints for the photo.

        Args:
            columns: "basic", or "full" for each face's measures as well.
            landmarks: add each face's `landmarks`, 478 times x, y and z in pixels; None where none were
                found.

        Raises:
            InputError: `columns` is neither.
        """
        return to_record(self.path, self, landmarks=landmarks, columns=face_columns(columns))

    def to_dataframe(self, *, columns: str = FaceColumns.BASIC) -> "pd.DataFrame":
        """Return a table with one row per face and the columns of `python -m fer_core analyze --format csv`.

        A photo without a face gives no row; the column `error` is left out, since errors are raised.

        Args:
            columns: "basic", or "full" for each face's measures as well.

        Raises:
            InputError: `columns` is neither.
        """
        import pandas as pd

        chosen = face_columns(columns)
        rows = face_rows(self.to_dict(columns=chosen))
        return pd.DataFrame(rows, columns=table_columns(self.labels, chosen))

    def annotated(self, *, network: str | None = None, landmarks: bool = False) -> Image.Image:
        """Return the photo with a labelled box around each face, as a Pillow image of mode RGB.

        Args:
            network: whose predictions label the boxes; by default the last that was asked.
            landmarks: draw a dot on each landmark as well.

        Raises:
            InputError: this network was not asked.
        """
        from fer_core.drawing import picture_of_faces

        if network is not None and network not in self.labels:
            raise InputError(
                f"There is no prediction of {network!r} for this photo. Choose one of: "
                f"{', '.join(self.labels)}."
            )
        return picture_of_faces(self.photo.rgb, self, model=network, landmarks=landmarks)

    def __repr__(self) -> str:
        count = {0: "no face", 1: "1 face"}.get(len(self.faces), f"{len(self.faces)} faces")
        title = (
            f"Analysis of {self.path or 'an image'}, {self.width} x {self.height} pixels: {count}"
        )
        lines = (f"  {number}. {face!r}" for number, face in enumerate(self.faces, start=1))
        return "\n".join([title, *lines])


class OpenAnalyzer(Closing):
    """A face finder and networks that stay loaded for many photos; made by `open_analyzer`.

    A context manager, and safe to share between threads.

    Attributes:
        labels: classes of each network that is asked, by the name of its bundle.
    """

    def __init__(self, finder: FaceFinder, classifiers: Mapping[str, Classifier]) -> None:
        self._finder = finder
        self._analyzer = pipeline.Analyzer(finder, classifiers)
        self.labels = _labels(self._analyzer)
        self._state = threading.Condition()
        self._calls = 0
        self._is_closed = False

    def analyze(self, image: ImageInput) -> Analysis:
        """Return every face of a photo; `fer_core.analyze` documents `image` and the errors.

        Raises:
            InputError: the analyzer is closed.
        """
        with self._in_use():
            return _analyze(self._analyzer, image)

    def analyze_video(
        self, path: str | os.PathLike[str], *, frame_rate: float = DEFAULT_RATE
    ) -> "VideoAnalysis":
        """Return every person of a video over time; `fer_core.analyze_video` documents it and the errors.

        Raises:
            InputError: the analyzer is closed.
        """
        with self._in_use():
            return _analyze_video(self._analyzer, path, frame_rate)

    def close(self) -> None:
        """Wait until calls in other threads end, then free the models. A second call does nothing."""
        with self._state:
            if self._is_closed:
                return
            self._is_closed = True
            self._state.wait_for(lambda: not self._calls)
        self._finder.close()
        # The networks, and the interpreters of the finder's detector, are freed with the last reference.
        del self._finder, self._analyzer

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else "open"
        return f"OpenAnalyzer with {', '.join(self.labels)}, {state}"

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        """Keep the models loaded while a call uses them."""
        with self._state:
            if self._is_closed:
                raise InputError("This analyzer is closed. Open another with open_analyzer().")
            self._calls += 1
        try:
            yield
        finally:
            with self._state:
                self._calls -= 1
                self._state.notify_all()


def analyze(image: ImageInput, networks: str | Iterable[str] | None = None) -> Analysis:
    """Return every face of a photo with its apparent expression.

    The first call loads the face finder and the networks, which stay loaded for the life of the process;
    `open_analyzer` gives models that can be freed. Safe to call from several threads.

    Args:
        image: path of an image file; its content as bytes; pixels as an RGB array, uint8 (H, W, 3), an
            OpenCV image being turned by `image[..., ::-1]`; or a Pillow image, which is turned upright by
            its EXIF orientation as a file is.
        networks: names of the networks to ask, as a list or with commas between. By default those that
            FER_NETWORKS names, or `cnn_photos` and `dual_photos`.

    Raises:
        InputError: `image` is nothing of the above, or no network is named.
        ImageDecodeError: the file is missing, is no image, is damaged or too large.
        BundleError: a network is unknown or damaged.
        AnalysisError: memory was short, or a library failed.
    """
    return _analyze(_kept_analyzer(networks), image)


def analyze_video(
    path: str | os.PathLike[str],
    networks: str | Iterable[str] | None = None,
    *,
    frame_rate: float = DEFAULT_RATE,
) -> "VideoAnalysis":
    """Return every person of a video with the apparent expressions over time.

    Blocks until the end of the video. The result keeps no pictures, but some 20 KB for each face in each
    frame.

    Args:
        path: of the video file.
        networks: as for `analyze`.
        frame_rate: frames to analyze per second; never more than the video has.

    Raises:
        InputError: `path` is no path, `frame_rate` is not above 0, or no network is named.
        VideoDecodeError: the file is missing, is no video, is damaged before its first frame, or is too long
            or too large. Of one that is damaged later, `note` says so.
        BundleError: a network is unknown or damaged.
        AnalysisError: memory was short, or a library failed.
    """
    return _analyze_video(_kept_analyzer(networks), path, frame_rate)


def open_analyzer(networks: str | Iterable[str] | None = None) -> OpenAnalyzer:
    """Load the face finder and the networks for many photos.

        with fer_core.open_analyzer() as analyzer:
            records = [analyzer.analyze(path).to_dict() for path in paths]

    An `Analysis` holds its photo's pixels, 3 bytes each, so keep of many photos what you need.

    Args:
        networks: as for `analyze`.

    Raises:
        InputError: no network is named.
        BundleError: a network is unknown or damaged.
    """
    classifiers = {name: _load_classifier(name) for name in _names(networks)}
    return OpenAnalyzer(_load_finder(), classifiers)


def _names(networks: str | Iterable[str] | None) -> list[str]:
    if networks is None:
        return default_networks()
    given = [networks] if isinstance(networks, str) else networks
    given = list(given) if isinstance(given, Iterable) else [given]
    if not all(isinstance(name, str) for name in given):
        raise InputError(
            f"networks must be names, as a list or with commas between, not {networks!r}."
        )
    names = split_names(",".join(given))
    if not names:
        raise InputError("Name at least one network, for instance networks=['cnn_photos'].")
    return names


def _load_finder() -> FaceFinder:
    with quiet_libraries():
        return FaceFinder()


def _load_classifier(name: str) -> Classifier:
    bundle = resolve(name)
    if sentence := stand_in_sentence(name, bundle):
        warnings.warn(sentence, stacklevel=3)
    with quiet_libraries():
        return Classifier(bundle)


def _kept_analyzer(networks: str | Iterable[str] | None) -> pipeline.Analyzer:
    names = _names(networks)
    with _loading:
        classifiers = {name: _kept_classifier(models_root(), name) for name in names}
        return pipeline.Analyzer(_kept_finder(), classifiers)


@cache
def _kept_finder() -> FaceFinder:
    return _load_finder()


def _kept_classifier(models: Path, name: str) -> Classifier:
    """Return a network from the folder of models (FER_MODELS), loaded once.

    One that stands in for weights on the Hub is not kept: the next call asks the Hub again.
    """
    if (kept := _classifiers.get((models, name))) is not None:
        return kept
    classifier = _load_classifier(name)
    if classifier.bundle.missed is None:
        _classifiers[models, name] = classifier
    return classifier


def _labels(analyzer: pipeline.Analyzer) -> dict[str, tuple[Expression, ...]]:
    return {name: asked.bundle.spec.labels for name, asked in analyzer.classifiers.items()}


def _analyze(analyzer: pipeline.Analyzer, image: ImageInput) -> Analysis:
    path, photo = _read(image)
    found = analyzer.analyze(photo)
    return Analysis(
        **{field.name: getattr(found, field.name) for field in dataclasses.fields(found)},
        photo=found.shown(photo),
        path=path,
        labels=_labels(analyzer),
    )


def _analyze_video(analyzer: pipeline.Analyzer, path: object, frame_rate: float) -> "VideoAnalysis":
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"A video is the path of its file, not {type(path).__name__}.")
    # Imported for videos alone: with it come PyAV and SciPy, for half a second.
    from fer_core.video.result import analyze_path

    return analyze_path(Path(os.fsdecode(path)), analyzer, frame_rate=frame_rate)


def _read(image: object) -> tuple[str | None, Photo]:
    """Return the photo, and its path if it has one."""
    if isinstance(image, str | os.PathLike):
        path = os.fsdecode(image)
        return path, _read_file(path)
    if isinstance(image, bytes | bytearray | memoryview):
        return None, decode(bytes(image))
    if isinstance(image, np.ndarray):
        return None, _from_array(image)
    if isinstance(image, Image.Image):
        return None, from_pillow(image)
    raise InputError(
        f"An image is a path, bytes, a NumPy array or a Pillow image, not {type(image).__name__}."
    )


def _read_file(path: str) -> Photo:
    if not path:
        raise InputError("The path of the photo is empty.")
    # Path.is_dir raises where a name is too long or a folder is closed to us; reading says so in words.
    if os.path.isdir(path):  # noqa: PTH112
        raise InputError(
            f"{path!r} is a folder. Give the path of one photo; `python -m fer_core analyze FOLDER` takes "
            "folders."
        )
    try:
        return decode(PhotoFile(path, Path(path)).read())
    except ImageDecodeError as error:
        raise type(error)(f"{path}: {error}") from error


def _from_array(pixels: np.ndarray) -> Photo:
    came = f"An array of pixels must be RGB, uint8 (H, W, 3); this one is {pixels.dtype} {pixels.shape}."
    if pixels.ndim == 2:
        raise InputError(f"{came} Repeat grey three times: np.stack([image] * 3, axis=-1).")
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        raise InputError(f"{came} Leave transparency out: image[..., :3].")
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise InputError(f"{came} Give one image at a time, its colours on the last axis.")
    if pixels.dtype != np.uint8:
        raise InputError(
            f"{came} Scale its values to 0 to 255: (255 * image).astype('uint8') if they lie in [0, 1]."
        )
    if not pixels.size:
        raise InputError(f"{came} It has no pixels.")
    # A copy, because a caller may reuse the array for the next frame before `annotated` draws on this one.
    return Photo(np.array(pixels, order="C"))
