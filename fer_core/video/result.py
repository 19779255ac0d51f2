"""The result of a video in the Python API: `fer_core.analyze_video` returns it."""

import dataclasses
import io
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_core.analysis import Analyzer
from fer_core.errors import InputError, VideoDecodeError
from fer_core.expressions import Expression
from fer_core.face_columns import FaceColumns, face_columns
from fer_core.video import analysis as pipeline
from fer_core.video.tables import frame_record, frames_csv, video_record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class VideoAnalysis(pipeline.VideoAnalysis):
    """Every person of a video with each network's predictions over time.

    Attributes:
        path: the video's path as it was given.
        labels: classes of each network that was asked, by the name of its bundle.
        frames: `FrameAnalysis` of each analyzed frame, in order, without its picture. `frames[0]` has
            `time_s`, `tracks` (the number of the person behind each face), and `shown`, an analysis like
            that of a photo with predictions averaged over time; `analysis` has those of the frame alone.
        events: lasting changes of expression, in order of time; each has `time_s`, `track`, `network`,
            `before` and `after`.
        tracks: number of frames in which each person was seen, by person, most seen first.
        info: what the file says of its duration, size and codec.
        rate: requested frames per second.
        smoothing_s: time constant of the average in seconds.
        note: what was wrong with the file, in a sentence; None if nothing.
    """

    path: str
    labels: Mapping[str, tuple[Expression, ...]]

    def to_dict(self, *, columns: str = FaceColumns.BASIC) -> dict[str, Any]:
        """Return one JSON object for the video; `frames` are those of `python -m fer_core analyze`.

        Args:
            columns: "basic", or "full" for each face's measures as well.

        Raises:
            InputError: `columns` is neither.
        """
        return video_record(self.path, self, columns=face_columns(columns))

    def to_dataframe(self, *, columns: str = FaceColumns.BASIC) -> "pd.DataFrame":
        """Return a table with one row per face and frame; `track` is 0 in the row of a frame without a face.

        It has the columns of `python -m fer_core analyze VIDEO --format csv` but `error`.

        Args:
            columns: "basic", or "full" for each face's measures as well.

        Raises:
            InputError: `columns` is neither.
        """
        import pandas as pd

        chosen = face_columns(columns)
        records = (frame_record(self.path, frame, columns=chosen) for frame in self.frames)
        text = "".join(frames_csv(records, self.labels, columns=chosen))
        # No note on quality is an empty text, and no missing value.
        table = pd.read_csv(io.StringIO(text), converters={"quality": str})
        # As it was given: CSV marks names that a spreadsheet would take for formulas.
        table["path"] = self.path
        return table.drop(columns="error")

    def __repr__(self) -> str:
        people = {0: "nobody", 1: "1 person"}.get(len(self.tracks), f"{len(self.tracks)} people")
        title = f"Analysis of {self.path}, {self.info.seconds:.1f} s: {len(self.frames)} frames, {people}"
        lines = (
            f"  {event.time_s:.2f} s: person {event.track}, {event.network}: {event.before} to "
            f"{event.after}"
            for event in self.events
        )
        return "\n".join([title, *lines])


def analyze_path(path: Path, analyzer: Analyzer, *, frame_rate: float) -> VideoAnalysis:
    """Return the analysis of a video file.

    Args:
        path: of the file.
        analyzer: of single photos.
        frame_rate: frames to analyze per second; never more than the video has.

    Raises:
        InputError: `frame_rate` is not above 0.
        VideoDecodeError: the file is missing, is no video, is damaged before its first frame, or too long.
        AnalysisError: memory was short, or a library failed.
    """
    rate = _checked_rate(frame_rate)
    try:
        # The last one has all frames. Those before it come with their pictures, so none is kept.
        (found,) = deque(pipeline.analyze_video(path, analyzer, rate), maxlen=1)
    except VideoDecodeError as error:
        raise type(error)(f"{path}: {error}") from error
    return VideoAnalysis(
        **{
            field.name: getattr(found, field.name)
            for field in dataclasses.fields(pipeline.VideoAnalysis)
        },
        path=str(path),
        labels={name: asked.bundle.spec.labels for name, asked in analyzer.classifiers.items()},
    )


def _checked_rate(rate: object) -> float:
    if isinstance(rate, Real) and 0 < float(rate) < float("inf"):
        return float(rate)
    raise InputError(f"frame_rate is in frames per second, above 0, not {rate!r}.")
