"""The analysis of one video: its progress and its results.

Videos and what was found in them live in the visitor's session and nowhere else, as photos do.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

import streamlit as st

from fer_core.errors import FerError
from pages.shared.verbatim import name_as_code, public_message
from pages.shared.waiting import patient_place

if TYPE_CHECKING:
    from fer_core.analysis import Analyzer
    from fer_core.video.analysis import FrameAnalysis, VideoAnalysis
    from fer_core.video.reading import VideoInfo

FIRST_RATE: Final = 10
#: Said of work that a page does.
PAUSES: Final = "this pauses while you are on another page"
#: Said of a video while photos are analyzed.
WAITS: Final = "Waits for the photos"
_JOBS: Final = "videos"
_Step = TypeVar("_Step")


@dataclass(slots=True, eq=False)
class VideoJob:
    """The analysis of one video.

    Attributes:
        name: file name as uploaded.
        content: the file's bytes.
        info: what the file says.
        rate: frames per second that are analyzed.
        smoothing_s: time constant in seconds, 0 for none.
        is_running: whether it was started, and neither ended nor was stopped.
        frames: what is done.
        seconds: time that was spent on them.
        result: at the end.
        is_offered_again: whether the settings are shown for another analysis, which would replace the result.
        error: why it ended without a result.
        annotated: the annotated video, once it was asked for.
        drawn: finished share of the annotated video, in [0, 1].
        drawing_error: why it could not be made.
    """

    name: str
    content: bytes
    info: "VideoInfo"
    rate: float = FIRST_RATE
    smoothing_s: float = 0.0
    is_running: bool = False
    frames: "list[FrameAnalysis]" = field(default_factory=list)
    seconds: float = 0.0
    result: "VideoAnalysis | None" = None
    is_offered_again: bool = False
    error: str | None = None
    annotated: bytes | None = None
    drawn: float = 0.0
    drawing_error: str | None = None
    _steps: "Iterator[FrameAnalysis | VideoAnalysis] | None" = None
    _drawing: "Iterator[float | bytes] | None" = None

    @property
    def progress(self) -> float:
        """Finished share of the video, in [0, 1]."""
        return self.frames[-1].progress if self.frames else 0.0

    @property
    def left(self) -> str:
        """Progress and remaining time, in words."""
        done = self.progress
        if not done:
            return "Loading the models"
        # The first frames take longer than the rest, so they are no basis for an estimate.
        left = f", about {clock(self.seconds * (1 - done) / done)} left" if self.seconds > 1 else ""
        return f"{clock(self.frames[-1].time_s)} of {clock(self.info.seconds)}{left}; {PAUSES}"

    def start(self, rate: float, *, smooth: bool) -> None:
        """Start or restart the analysis; `steps` does the work."""
        from fer_core.video.analysis import TIME_CONSTANT_S

        self.rate, self.smoothing_s = rate, TIME_CONSTANT_S if smooth else 0.0
        self.frames, self.seconds = [], 0.0
        self.result = self.error = self.annotated = self.drawing_error = None
        self.stop_drawing()
        self.is_offered_again = False
        self.is_running, self._steps = True, None

    def steps(self, analyzer: "Analyzer") -> "Iterator[FrameAnalysis | VideoAnalysis]":
        """Return what is still to be done: each frame, and finally the video."""
        from fer_core.video.analysis import analyze_video

        if self._steps is None:
            self._steps = analyze_video(
                self.content, analyzer, self.rate, smoothing_s=self.smoothing_s
            )
        return self._steps

    def end(self, result: "VideoAnalysis | None" = None, error: str | None = None) -> None:
        """End the analysis, with its result or the reason why there is none."""
        self.is_running, self._steps = False, None
        self.result, self.error = result, error

    def stop(self) -> None:
        """Stop the analysis and keep the results so far."""
        from fer_core.video.analysis import stopped

        found = (
            stopped(self.info, self.frames, self.rate, self.smoothing_s) if self.frames else None
        )
        self.end(found)

    @property
    def is_drawing(self) -> bool:
        """Whether the annotated video was asked for and is not done."""
        return self._drawing is not None

    def start_drawing(self) -> None:
        """Start the annotated video; `draw` does the work."""
        from fer_core.video.writing import annotated_video

        assert self.result is not None
        self.drawn, self.drawing_error = 0.0, None
        self._drawing = annotated_video(self.content, self.result)

    def draw(self, say: Callable[[str], object]) -> Iterator[None]:
        """Continue the annotated video, pausing after each frame.

        Args:
            say: shows what is said while photos of others are before the next frame.
        """
        try:
            for step in one_by_one(self._drawing or iter(()), say):
                if isinstance(step, bytes):
                    self.annotated = step
                else:
                    self.drawn = step
                yield
        except FerError as error:
            self.drawing_error = str(error)
        self.stop_drawing()

    def stop_drawing(self) -> None:
        """Stop the annotated video and forget what is drawn."""
        self._drawing = None


# What widgets and fragments call outlives the visit, as Streamlit keeps them: so it holds keys of jobs alone.
# A click may come when its job was removed by another that came with it.
def jobs() -> dict[str, VideoJob]:
    """Return this visitor's video jobs, by the videos' keys."""
    known: dict[str, VideoJob] = st.session_state.setdefault(_JOBS, {})
    return known


def forget_videos(keep: Collection[str]) -> None:
    """Drop the jobs of all videos whose keys are not to be kept."""
    known = jobs()
    for key in known.keys() - set(keep):
        del known[key]


def one_by_one(steps: Iterator[_Step], say: Callable[[str], object]) -> Iterator[_Step]:
    """Yield the steps; each waits for its turn in the queue of all visitors' photos and frames."""
    while True:
        with patient_place(say):
            step = next(steps, None)
        if step is None:
            return
        yield step


def show_error(name: str, message: str) -> None:
    """Show an error for a video."""
    st.error(f"{name_as_code(name)}: {public_message(message)}", icon=":material/broken_image:")


def count(n: int, one: str, many: str) -> str:
    """Return a number with its noun: "no people", "1 person", "3 people"."""
    return f"{n or 'no'} {one if n == 1 else many}"


def clock(seconds: float) -> str:
    """Return a duration as text: "8 s", "2:05 min"."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60}:{whole % 60:02d} min"
