"""The analysis of one video: its progress and its results.

Videos and what was found in them live in the visitor's session and nowhere else, as photos do.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

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
#: Said of steps without a result: a fault ended them in an earlier run of the page, which reported it.
_BROKE_OFF: Final = "The analysis broke off. Start it again."


@dataclass(slots=True, eq=False)
class VideoJob:
    """The analysis of one video.

    A click starts the next run of the page while the run before works on its frame. So each step holds a
    lock, and is done only if the work was neither stopped nor restarted.

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
    _steps: "Iterator[FrameAnalysis | VideoAnalysis | None] | None" = None
    _drawing: "Iterator[float | bytes] | None" = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

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
        """Start or restart the analysis; `analyze` does the work."""
        from fer_core.video.analysis import TIME_CONSTANT_S

        with self._lock:
            self.rate, self.smoothing_s = rate, TIME_CONSTANT_S if smooth else 0.0
            self.frames, self.seconds = [], 0.0
            self.result = self.error = self.annotated = self.drawing_error = None
            self.stop_drawing()
            self.is_offered_again = False
            self.is_running, self._steps = True, None

    def steps(self, analyzer: "Analyzer") -> "Iterator[FrameAnalysis | VideoAnalysis | None]":
        """Return what is still to be done: each frame, None for each pause, and finally the video."""
        from fer_core.video.analysis import analysis_steps

        with self._lock:
            if self._steps is None:
                self._steps = analysis_steps(
                    self.content, analyzer, self.rate, smoothing_s=self.smoothing_s
                )
            return self._steps

    def analyze(
        self, analyzer: "Analyzer", say: Callable[[str], object]
    ) -> "Iterator[FrameAnalysis | None]":
        """Continue the analysis, pausing after each frame, with its picture, and after a long search for one.

        It ends with the analysis, and when that was stopped or restarted.

        Args:
            analyzer: of single photos.
            say: shows what is said while photos of others are before the next frame.
        """
        steps, since = self.steps(analyzer), time.perf_counter()
        while True:
            with patient_place(say), self._lock:
                if not self.is_running or self._steps is not steps:
                    return
                frame = self._step(steps)
                now = time.perf_counter()
                self.seconds, since = self.seconds + now - since, now
            yield frame

    def _step(
        self, steps: "Iterator[FrameAnalysis | VideoAnalysis | None]"
    ) -> "FrameAnalysis | None":
        """Do one step of the analysis, and return its frame, if there is one. Call it with the lock held."""
        from fer_core.video.analysis import FrameAnalysis

        try:
            step = next(steps)
        except StopIteration:
            self.end(error=_BROKE_OFF)
            return None
        except FerError as error:
            self.end(error=str(error))
            return None
        if isinstance(step, FrameAnalysis):
            self.frames.append(step.without_photo())
            return step
        if step is not None:
            self.end(step)
        return None

    def end(self, result: "VideoAnalysis | None" = None, error: str | None = None) -> None:
        """End the analysis, with its result or the reason why there is none."""
        with self._lock:
            self.is_running, self._steps = False, None
            self.result, self.error = result, error

    def stop(self) -> None:
        """Stop the analysis and keep the results so far."""
        from fer_core.video.analysis import stopped

        with self._lock:
            frames = self.frames
            self.end(stopped(self.info, frames, self.rate, self.smoothing_s) if frames else None)

    @property
    def is_drawing(self) -> bool:
        """Whether the annotated video was asked for and is not done."""
        return self._drawing is not None

    def start_drawing(self) -> None:
        """Start the annotated video; `draw` does the work."""
        from fer_core.video.writing import annotated_video

        with self._lock:
            assert self.result is not None
            self.drawn, self.drawing_error = 0.0, None
            self._drawing = annotated_video(self.content, self.result)

    def draw(self, say: Callable[[str], object]) -> Iterator[None]:
        """Continue the annotated video, pausing after each frame.

        It ends with the video, and when that was stopped or restarted.

        Args:
            say: shows what is said while photos of others are before the next frame.
        """
        drawing = self._drawing
        while drawing is not None:
            with patient_place(say), self._lock:
                if self._drawing is not drawing:
                    return
                self._draw_step(drawing)
            yield

    def _draw_step(self, drawing: "Iterator[float | bytes]") -> None:
        """Do one step of the annotated video. Call it with the lock held."""
        try:
            step = next(drawing, None)
        except FerError as error:
            self.drawing_error, step = str(error), None
        if isinstance(step, float):
            self.drawn = step
            return
        if step is not None:
            self.annotated = step
        self.stop_drawing()

    def stop_drawing(self) -> None:
        """Stop the annotated video and forget what is drawn."""
        with self._lock:
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
