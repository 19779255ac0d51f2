"""Turn many files into records, in this process or in several with their own models.

Records come in the order of the files, and only so many are on their way that memory stays flat for photos. A
process holds all records of a video until its end.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from fer_core.analysis import Analysis, Analyzer
from fer_core.batch.inputs import PhotoFile
from fer_core.batch.pool import Handler, Work, run_jobs
from fer_core.errors import AnalysisError, ImageDecodeError
from fer_core.face_columns import FaceChoice, FaceColumns
from fer_core.faces.finder import FaceFinder
from fer_core.files import plain_stem
from fer_core.networks.bundles import Bundle
from fer_core.networks.classifier import Classifier
from fer_core.photos.decode import Photo, decode
from fer_core.photos.faults import unexpected
from fer_core.quiet import quiet_libraries
from fer_core.records import error_record, to_record
from fer_core.video import DEFAULT_RATE

#: Number of photos from which several processes pay off; starting one takes one second of a core.
MANY: Final = 32

Record = dict[str, Any]
#: A photo or video with its number among all, from 1.
Task = tuple[int, PhotoFile]


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings for each photo.

    Attributes:
        bundles: the networks, by name. They are found once: weights that arrive from the Hub in the middle
            of a run must not predict for some photos only.
        save_annotated: existing folder for the photos with their faces marked; None to write none.
        frame_rate: frames of a video to analyze per second.
        columns: of each face.
        landmarks: whether records of photos have each face's 478 landmarks.
        faces: which faces of a photo its record and its annotated copy have; videos have all.
    """

    bundles: Mapping[str, Bundle]
    save_annotated: Path | None = None
    frame_rate: float = DEFAULT_RATE
    columns: FaceColumns = FaceColumns.BASIC
    landmarks: bool = False
    faces: FaceChoice = FaceChoice.ALL


class Recorder:
    """Makes the records of photos and videos one after the other, with its own models."""

    def __init__(self, settings: Settings, *, threads: int | None = None) -> None:
        """Load the models.

        Args:
            settings: what to do.
            threads: of each network; by default as `Classifier` decides.

        Raises:
            BundleError: a model is missing or damaged.
        """
        self._settings = settings
        with quiet_libraries():
            self._analyzer = Analyzer(
                FaceFinder(),
                {n: Classifier(b, threads=threads) for n, b in settings.bundles.items()},
            )

    def records(self, number: int, file: PhotoFile) -> Iterator[Record]:
        """Yield the JSON object of a photo, those of a video's frames, or one with the error.

        Args:
            number: of the file, for the annotated one's name: photos of several folders may share theirs.
            file: the photo or video.
        """
        if not file.is_video:
            yield self._photo_record(number, file)
            return
        from fer_core.video.records import video_records

        yield from video_records(
            file.name,
            file.path,
            self._analyzer,
            rate=self._settings.frame_rate,
            annotated=self._annotated(number, file, ".mp4"),
            columns=self._settings.columns,
        )

    def _photo_record(self, number: int, file: PhotoFile) -> Record:
        target = self._annotated(number, file, ".png")
        settings = self._settings
        try:
            photo = decode(file.read())
            analysis = self._analyzer.analyze(photo)
            if settings.faces is FaceChoice.LARGEST:
                analysis = analysis.with_largest_alone()
            record = to_record(
                file.name, analysis, landmarks=settings.landmarks, columns=settings.columns
            )
            picture = _annotated_png(analysis, photo) if target else b""
        except (ImageDecodeError, AnalysisError) as error:
            return error_record(file.name, str(error))
        except Exception as error:
            # One photo of many that trips a library must not end the run.
            return error_record(file.name, unexpected(error))
        if target:
            target.write_bytes(picture)
        return record

    def _annotated(self, number: int, file: PhotoFile, suffix: str) -> Path | None:
        """Return the path for the annotated file; None to write none."""
        folder = self._settings.save_annotated
        return folder and folder / f"{number:04d}-{plain_stem(file.name)}{suffix}"


def _annotated_png(analysis: Analysis, photo: Photo) -> bytes:
    from fer_core.drawing import encode_png, picture_of_faces

    return encode_png(picture_of_faces(analysis.shown(photo).rgb, analysis))


def records_here(tasks: Iterable[Task], recorder: Recorder) -> Iterator[Iterable[Record]]:
    """Yield the records of each file, made lazily in this process."""
    for number, file in tasks:
        yield recorder.records(number, file)


def records_in_processes(
    tasks: Iterable[Task], settings: Settings, *, jobs: int
) -> Iterator[Iterable[Record]]:
    """Yield the records of each file in order, made in `jobs` processes; those of a video come together.

    A file that ends its process, for instance for lack of memory, gets a record with an error.

    Raises:
        JobError: a process cannot begin.
        BundleError: a model is missing or damaged.
    """
    return run_jobs(_Recording(settings), tasks, processes=jobs, in_order=True)


@dataclass(frozen=True, slots=True)
class _Recording(Work[Task, list[Record]]):
    """The work of processes that make records; each file is one step."""

    died_at_start: ClassVar[str] = (
        "A process for analysing photos ended as it began, perhaps for lack of memory. Try fewer --jobs."
    )
    died_over_step: ClassVar[str] = (
        "The analysis of this file ended its process, perhaps for lack of memory. Try it alone, with "
        "--jobs 1."
    )
    settings: Settings

    def load(self) -> Handler[Task, list[Record]]:
        # The other processes use the other cores.
        recorder = Recorder(self.settings, threads=1)

        def records(
            task: Task, /, *, left_out: Mapping[int, str], begins: Callable[[int], None]
        ) -> list[Record]:
            number, file = task
            if why := left_out.get(number):
                return [_failed(file, why)]
            begins(number)
            found = []
            for record in recorder.records(number, file):
                found.append(record)
                # A long video ends soon after the parent that waits for it.
                begins(number)
            return found

        return records


def _failed(file: PhotoFile, why: str) -> Record:
    """Return the record of a photo or video that could not be analyzed."""
    if file.is_video:
        from fer_core.video import tables

        return tables.error_record(file.name, why)
    return error_record(file.name, why)
