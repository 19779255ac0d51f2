"""The videos of a visitor: choice of video and settings, and the analysis with its progress."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.errors import FerError
from pages.parts.batch.jobs import (
    FIRST_RATE,
    WAITS,
    VideoJob,
    clock,
    jobs,
    show_error,
)
from pages.parts.batch.video_results import drawn, show_result
from pages.shared.loading import load_analyzer
from pages.shared.verbatim import name_as_code

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from fer_core.batch.inputs import PhotoBytes

#: Frames per second that are offered.
_RATES: Final = (1, 2, 5, 10, 15, 30)
#: Frames of one video that are analyzed, some 20 KB per face: ten minutes at 10 per second.
_MAX_FRAMES: Final = 6000
#: Between two steps of the progress, and between two pictures beside it.
_TELL_SECONDS: Final = 0.3
_SHOW_SECONDS: Final = 1.5
_VIDEO: Final = "video_chosen"


def show_videos(
    videos: "Mapping[str, PhotoBytes]", *, waits: bool = False
) -> Callable[[], None] | None:
    """Show one of the visitor's videos, with a choice if there are several.

    Args:
        videos: by keys that stand for them, as `file_id` of uploads.
        waits: whether other work comes first.

    Returns:
        The work in progress, None without any. Call it last in a page: a click ends it.
    """
    if not videos:
        return None
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
    return show_video(key, videos[key].name, videos[key].content, waits=waits)


def show_video(
    key: str, name: str, content: bytes, *, waits: bool = False
) -> Callable[[], None] | None:
    """Offer to analyze a video, or show its results. For one video on a page at a time.

    Args:
        key: stands for the file in the session, as an upload's `file_id`.
        name: file name as uploaded.
        content: the file's bytes.
        waits: whether other work comes first.

    Returns:
        What `show_videos` returns.
    """
    job = _job_of(key, name, content)
    if job is None:
        return None
    # In one place, or the choices would stand below the work until it is done.
    place = st.empty()
    with place.container():
        if job.is_running:
            return _show_progress(key, job, waits=waits)
        if job.result is None or job.is_offered_again:
            _offer(key, job)
            return None
        return show_result(key, job, waits=waits)


def _job_of(key: str, name: str, content: bytes) -> VideoJob | None:
    """Return the job of a video; show an error and return None if it cannot be read."""
    from fer_core.video.reading import VideoReader

    known = jobs()
    if key not in known:
        try:
            with VideoReader(content) as reader:
                known[key] = VideoJob(name, content, reader.info)
        except FerError as error:
            show_error(name, str(error))
            return None
    return known[key]


def _offer(key: str, job: VideoJob) -> None:
    if job.error:
        show_error(job.name, job.error)
    st.caption(
        f"{name_as_code(job.name)}: {clock(job.info.seconds)}"
        + (f", {job.info.rate:.3g} fps" if job.info.rate else "")
    )
    most = _MAX_FRAMES / max(job.info.seconds, 1.0)
    own = job.info.rate or max(_RATES)
    # The one above the video's own rate stands for all of its frames.
    rates = [r for i, r in enumerate(_RATES) if r <= most and (not i or _RATES[i - 1] < own)]
    if not rates:
        st.error(
            f"The video is longer than {clock(_MAX_FRAMES)}, too long for a page. Cut it into parts, or use "
            "the command line.",
            icon=":material/timer_off:",
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rate = st.segmented_control(
            "Frames per second",
            rates,
            default=int(job.rate) if job.rate in rates else min(FIRST_RATE, rates[-1]),
            required=True,
            key="video_rate",
            help="More frames catch shorter expressions and take longer.",
        )
        smooth = st.toggle(
            "Smooth over time",
            value=job.result is None or job.smoothing_s > 0,
            key="video_smooth",
            help="Averages each probability with those just before, so that single odd frames count little.",
        )
    with st.container(horizontal=True):
        st.button(
            "Analyze the video",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_start,
            args=(key, float(rate or FIRST_RATE), bool(smooth)),
        )
        if job.result is not None:
            st.button("Back to the results", on_click=_back, args=(key,))


def _start(key: str, rate: float, smooth: bool) -> None:
    if job := jobs().get(key):
        job.start(rate, smooth=smooth)


def _back(key: str) -> None:
    if job := jobs().get(key):
        job.is_offered_again = False


def _stop(key: str) -> None:
    if job := jobs().get(key):
        job.stop()


def _show_progress(key: str, job: VideoJob, *, waits: bool) -> Callable[[], None]:
    """Show the progress of the analysis, and return the analysis."""
    bar = st.progress(job.progress, WAITS if waits else job.left)
    st.button("Cancel", icon=":material/close:", on_click=_stop, args=(key,))
    return partial(_analyze, job, bar, st.empty())


def _analyze(job: VideoJob, bar: "DeltaGenerator", picture: "DeltaGenerator") -> None:
    """Analyze frame by frame until the video is done or the visitor acts.

    What the visitor does ends this run of the page in the middle of a call to Streamlit; the next one resumes
    with the next frame.
    """
    told = shown = 0.0
    try:
        # Not in the turn of the first frame: nobody waits in the queue for networks to load.
        analyzer = load_analyzer()
    except FerError as error:
        job.end(error=str(error))
        st.rerun()
    for frame in job.analyze(analyzer, lambda words: bar.progress(job.progress, words)):
        now = time.perf_counter()
        if now - told >= _TELL_SECONDS:
            told = now
            bar.progress(job.progress, job.left)
        if now - shown >= _SHOW_SECONDS and frame is not None and frame.photo is not None:
            shown = now
            picture.image(drawn(frame.photo.rgb, frame), alt="The latest frame")
    st.rerun()
