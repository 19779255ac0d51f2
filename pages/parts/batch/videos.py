"""One video on a page: how closely to look, the work with its progress, what was found.

Videos and what was found in them live in the visitor's session and nowhere else, as photos do.
"""

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, TypeVar

import streamlit as st

from fer_core.errors import BusyError, FerError
from fer_core.networks.bundles import opinions
from pages.shared.downloads import offer_files
from pages.shared.models import load_analyzer
from pages.shared.titles import title_of
from pages.shared.turns import patient_turn, show_busy, turn
from pages.shared.verbatim import message_as_text, name_as_code
from pages.shared.views import show_view

if TYPE_CHECKING:
    from typing import Any

    from fer_core.analysis import Analyzer
    from fer_core.batch.inputs import PhotoBytes
    from fer_core.video.analysis import FrameAnalysis, VideoAnalysis
    from fer_core.video.reading import VideoInfo

#: Frames a second that are offered.
_RATES: Final = (1, 2, 5, 10, 15, 30)
_FIRST_RATE: Final = 10
#: Frames of one video that are looked at, some 10 KB each for a face: ten minutes at 10 a second.
_MAX_FRAMES: Final = 6000
#: Between two steps of the progress, and between two pictures beside it.
_TELL_SECONDS: Final = 0.3
_SHOW_SECONDS: Final = 1.5
_SHOWN_SIDES: Final = {"smallest": 480, "largest": 960}
_VIDEO_WIDTH: Final = 640
_Step = TypeVar("_Step")
_JOBS: Final = "videos"
_FRAME: Final = "video_frame"
_PERSON: Final = "video_person"
_VIDEO: Final = "video_chosen"


@dataclass(slots=True, eq=False)
class _Job:
    """The work on one video.

    Attributes:
        name: of the file.
        content: of the file.
        info: what the file says.
        rate: frames a second that are looked at.
        smoothing_s: time constant in seconds, 0 for none.
        steps: what is still to be done; None before the beginning and after the end.
        frames: what is done.
        seconds: of work on them.
        result: at the end.
        error: why it ended without.
        annotated: the annotated video, once it was asked for.
    """

    name: str
    content: bytes
    info: "VideoInfo"
    rate: float = _FIRST_RATE
    smoothing_s: float = 0.0
    steps: "Iterator[FrameAnalysis | VideoAnalysis] | None" = None
    frames: "list[FrameAnalysis]" = field(default_factory=list)
    seconds: float = 0.0
    result: "VideoAnalysis | None" = None
    error: str | None = None
    annotated: bytes | None = None

    def start(self, rate: float, *, smooth: bool) -> None:
        """Begin, or begin anew."""
        from fer_core.video.smoothing import TIME_CONSTANT_S

        self.rate, self.smoothing_s = rate, TIME_CONSTANT_S if smooth else 0.0
        self.frames, self.seconds = [], 0.0
        self.result = self.error = self.annotated = None
        self.steps = self._look()

    def stop(self) -> None:
        """End the work; what was found until now is the result."""
        from fer_core.video.analysis import stopped

        self.steps = None
        if self.frames:
            self.result = stopped(self.info, self.frames, self.rate, self.smoothing_s)

    def _look(self) -> "Iterator[FrameAnalysis | VideoAnalysis]":
        from fer_core.video.analysis import analyze_video

        analyzer: Analyzer = load_analyzer()
        yield from analyze_video(self.content, analyzer, self.rate, smoothing_s=self.smoothing_s)


def show_videos(videos: "Mapping[str, PhotoBytes]") -> None:
    """Show one of the videos that a visitor gave, with a choice where there are several.

    Args:
        videos: by keys that stand for them, as `file_id` of uploads.
    """
    if not videos:
        return
    key = next(iter(videos))
    if len(videos) > 1:
        if st.session_state.get(_VIDEO) not in videos:
            st.session_state[_VIDEO] = key
        names = {k: video.name for k, video in videos.items()}
        key = st.selectbox(
            f"Video ({len(videos)} in all)",
            list(videos),
            format_func=names.__getitem__,
            key=_VIDEO,
        )
    show_video(key, videos[key].name, videos[key].content)


def show_video(key: str, name: str, content: bytes) -> None:
    """Offer to analyze a video, do it, and show what was found. For one video on a page at a time.

    Args:
        key: stands for the file in the session, as an upload's `file_id`.
        name: of the file.
        content: of the file.
    """
    job = _job_of(key, name, content)
    if job is None:
        return
    # In one place, or the choices would stand below the work until it is done.
    place = st.empty()
    with place.container():
        if job.steps is not None:
            _work(key, job)
        elif job.result is None:
            _offer(key, job)
        else:
            _show_result(key, job)


def forget_videos(keep: Collection[str]) -> None:
    """Drop all that is known of the videos whose keys are not among those to keep."""
    jobs = _jobs()
    for key in jobs.keys() - set(keep):
        del jobs[key]


# What widgets and fragments call outlives the visit, as Streamlit keeps them: so it holds keys of jobs alone.
# A click may come when its job was removed by another that came with it.
def _jobs() -> dict[str, _Job]:
    jobs: dict[str, _Job] = st.session_state.setdefault(_JOBS, {})
    return jobs


def _job_of(key: str, name: str, content: bytes) -> _Job | None:
    """Return the work on a video; None, with an error shown, if it cannot be read."""
    from fer_core.video.reading import VideoReader

    jobs = _jobs()
    if key not in jobs:
        try:
            with VideoReader(content) as reader:
                jobs[key] = _Job(name, content, reader.info)
        except FerError as error:
            _show_error(name, str(error))
            return None
    return jobs[key]


def _offer(key: str, job: _Job) -> None:
    if job.error:
        _show_error(job.name, job.error)
    st.caption(
        f"{name_as_code(job.name)}: {_clock(job.info.seconds)}"
        + (f" at {job.info.rate:.3g} frames a second." if job.info.rate else ".")
    )
    most = _MAX_FRAMES / max(job.info.seconds, 1.0)
    own = job.info.rate or max(_RATES)
    # The one above the video's own rate stands for all of its frames.
    rates = [r for i, r in enumerate(_RATES) if r <= most and (not i or _RATES[i - 1] < own)]
    if not rates:
        st.error(
            f"The video is longer than {_clock(_MAX_FRAMES)}, too long for a page. Cut it into parts, or use "
            "the command line.",
            icon=":material/timer_off:",
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rate = st.segmented_control(
            "Frames a second",
            rates,
            default=min(_FIRST_RATE, rates[-1]),
            required=True,
            key="video_rate",
            help="More find shorter expressions, and take longer. No frame is looked at twice.",
        )
        smooth = st.toggle(
            "Smooth over time",
            value=True,
            key="video_smooth",
            help="Averages each probability with those shortly before, so that single odd frames do not "
            "count for much.",
        )
    st.button(
        "Analyze the video",
        type="primary",
        icon=":material/play_arrow:",
        on_click=_start,
        args=(key, float(rate or _FIRST_RATE), bool(smooth)),
    )


def _start(key: str, rate: float, smooth: bool) -> None:
    if job := _jobs().get(key):
        job.start(rate, smooth=smooth)


def _stop(key: str) -> None:
    if job := _jobs().get(key):
        job.stop()


def _work(key: str, job: _Job) -> None:
    """Go on with the work, a frame at a time, until it is done or the visitor does something else.

    What the visitor does ends this run of the page in the middle of a call to Streamlit; the next one goes
    on with the next frame.
    """
    from fer_core.video.analysis import VideoAnalysis

    assert job.steps is not None
    bar = st.progress(_progress(job), _left(job))
    st.button("Cancel", icon=":material/close:", on_click=_stop, args=(key,))
    picture = st.empty()
    told = shown = 0.0
    began = time.perf_counter()
    try:
        for step in _one_by_one(job.steps, lambda words: bar.progress(_progress(job), words)):
            now = time.perf_counter()
            job.seconds, began = job.seconds + now - began, now
            if isinstance(step, VideoAnalysis):
                job.result = step
                break
            job.frames.append(step.without_photo())
            if now - told >= _TELL_SECONDS:
                told = now
                bar.progress(_progress(job), _left(job))
            if now - shown >= _SHOW_SECONDS and step.photo is not None:
                shown = now
                picture.image(_drawn(step.photo.rgb, step), alt="The frame that was looked at last")
    except FerError as error:
        job.error = str(error)
    job.steps = None
    st.rerun()


def _one_by_one(steps: Iterator[_Step], say: Callable[[str], object]) -> Iterator[_Step]:
    """Yield the steps, each of which waits for its turn among the photos and frames of other visitors."""
    while True:
        with patient_turn(say):
            step = next(steps, None)
        if step is None:
            return
        yield step


def _progress(job: _Job) -> float:
    return job.frames[-1].progress if job.frames else 0.0


def _left(job: _Job) -> str:
    done = _progress(job)
    if not done:
        return "Loading the models"
    # The first frames take longer than the rest, so they tell little.
    left = f", about {_clock(job.seconds * (1 - done) / done)} left" if job.seconds > 1 else ""
    return f"{_clock(job.frames[-1].time_s)} of {_clock(job.info.seconds)}{left}"


def _show_result(key: str, job: _Job) -> None:
    result = job.result
    assert result is not None
    if result.note:
        st.warning(result.note, icon=":material/warning:")
    people, n = result.tracks, len(result.frames)
    st.caption(
        f"{name_as_code(job.name)}: {n} frames, {_count(len(people), 'person', 'people')}, "
        f"{_count(len(result.events), 'change', 'changes')} of expression, in {job.seconds:.1f} s."
    )
    if people:
        _show_person(result)
        _show_events(result)
    else:
        st.info("**No face was found in this video.**", icon=":material/person_off:")
    _show_frame(key)
    _offer_downloads(job)
    st.button("Analyze again", icon=":material/replay:", on_click=_again, args=(key,))


def _again(key: str) -> None:
    if job := _jobs().get(key):
        job.result = None


def _show_person(result: "VideoAnalysis") -> None:
    from fer_core.views.timeline import timeline_view

    people = result.tracks
    person = next(iter(people))
    if len(people) > 1:
        if st.session_state.get(_PERSON) not in people:
            st.session_state[_PERSON] = person
        names = {
            track: f"Person {track} \u2013 in {_count(n, 'frame', 'frames')}"
            for track, n in people.items()
        }
        person = st.selectbox(
            "Person",
            list(people),
            format_func=names.__getitem__,
            key=_PERSON,
            help="A face is followed as long as it is in view. Who leaves and comes back gets a new number.",
        )

    show_view(
        timeline_view(result, person, titles={name: title_of(name) for name in opinions()}),
        on_click=partial(_look_there, len(result.frames)),
    )


def _look_there(n_frames: int, point: "dict[str, Any]") -> None:
    number = point.get("customdata")
    number = number[0] if isinstance(number, list) and number else number
    if isinstance(number, int | float) and 1 <= number <= n_frames:
        st.session_state[_FRAME] = int(number)


def _show_events(result: "VideoAnalysis") -> None:
    st.subheader("Changes of expression")
    if not result.events:
        st.caption(
            "None that lasted: single odd frames and answers that are not sure do not count."
        )
        return
    titles = {name: title_of(name) for name in {event.network for event in result.events}}
    st.dataframe(
        [
            {
                "Time (s)": round(event.time_s, 2),
                "Person": event.track,
                "Network": titles[event.network],
                "From": str(event.before).capitalize(),
                "To": str(event.after).capitalize(),
            }
            for event in result.events
        ],
        hide_index=True,
    )


@st.fragment
def _show_frame(key: str) -> None:
    """Show one frame with its faces; the slider draws nothing else anew."""
    from fer_core.video.reading import VideoReader

    job = _jobs().get(key)
    result = job.result if job else None
    if job is None or result is None or not result.frames:
        return
    st.subheader("Frame by frame")
    n = len(result.frames)
    number = min(int(st.session_state.get(_FRAME, 1)), n)
    if n > 1:
        st.session_state[_FRAME] = number
        times = [frame.time_s for frame in result.frames]
        number = st.select_slider(
            "Frame",
            range(1, n + 1),
            format_func=lambda i: f"{times[i - 1]:.2f} s",
            key=_FRAME,
        )
        st.caption("A click on a line or a strip above leads to its frame.")
    frame = result.frames[number - 1]
    place = st.empty()
    try:
        with turn(place.status), VideoReader(job.content) as reader:
            picture = reader.frame_at(frame.time_s).rgb
    except BusyError as error:
        show_busy(error, key="busy-frame")
        return
    except FerError as error:
        _show_error(job.name, str(error))
        return
    finally:
        place.empty()
    found = _count(len(frame.tracks), "face", "faces")
    st.image(
        _drawn(picture, frame),
        caption=f"Frame {number} of {n}, at {frame.time_s:.2f} s: {found}.",
        alt=f"Frame {number} with {found} marked",
    )


def _offer_downloads(job: _Job) -> None:
    stem = PurePath(job.name).stem
    with st.container(horizontal=True):
        offer_files(
            (
                ("CSV", lambda: _csv(job), f"{stem}_faces.csv", "text/csv"),
                ("Changes (CSV)", lambda: _events(job), f"{stem}_changes.csv", "text/csv"),
                ("JSON", lambda: _json(job), f"{stem}.json", "application/json"),
            )
        )
        if job.annotated is None:
            wanted = st.button("Make the annotated video", icon=":material/movie:")
        else:
            wanted = False
            offer_files((("Annotated MP4", job.annotated, f"{stem}_annotated.mp4", "video/mp4"),))
    if wanted:
        _annotate(job)
    if job.annotated is not None:
        st.video(job.annotated, format="video/mp4", width=_VIDEO_WIDTH)


def _annotate(job: _Job) -> None:
    from fer_core.video.writing import annotated_video

    assert job.result is not None
    bar = st.progress(0.0, "Drawing and writing the frames")
    told, done = 0.0, [0.0]
    for step in _one_by_one(
        annotated_video(job.content, job.result), lambda words: bar.progress(done[-1], words)
    ):
        if isinstance(step, bytes):
            job.annotated = step
        elif time.perf_counter() - told >= _TELL_SECONDS:
            told = time.perf_counter()
            done.append(step)
            bar.progress(step, "Drawing and writing the frames")
    st.rerun()


def _csv(job: _Job) -> str:
    from fer_core.video.tables import frame_record, frames_csv

    assert job.result is not None
    labels = {
        name: prediction.labels
        for frame in job.result.frames
        for smoothed in frame.smoothed
        for name, prediction in smoothed.items()
    }
    return "".join(frames_csv((frame_record(job.name, f) for f in job.result.frames), labels))


def _events(job: _Job) -> str:
    from fer_core.video.tables import events_csv

    assert job.result is not None
    return events_csv(job.result.events)


def _json(job: _Job) -> str:
    from fer_core.video.tables import video_record

    assert job.result is not None
    return json.dumps(video_record(job.name, job.result), ensure_ascii=False)


def _drawn(picture: "Any", frame: "FrameAnalysis") -> "Any":
    """Return a frame's picture, uint8 (H, W, 3), of a size to be shown with its faces marked."""
    from fer_core.drawing import draw_faces, fit_long_side

    return draw_faces(fit_long_side(picture, **_SHOWN_SIDES), frame.shown, numbers=frame.tracks)


def _show_error(name: str, message: str) -> None:
    st.error(f"{name_as_code(name)}: {message_as_text(message)}", icon=":material/broken_image:")


def _count(n: int, one: str, many: str) -> str:
    return f"{n or 'no'} {one if n == 1 else many}"


def _clock(seconds: float) -> str:
    """Return a duration for people: 8 s, 2:05 min."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60}:{whole % 60:02d} min"
