"""The results of a video: all people over time, one person's curves, single frames, downloads."""

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from fer_core.errors import BusyError, FerError
from fer_core.face_columns import FaceColumns
from pages.parts.batch.jobs import PAUSES, WAITS, VideoJob, count, jobs, show_error
from pages.shared.downloads import choose_columns, offer_files
from pages.shared.titles import title_of
from pages.shared.verbatim import name_as_code
from pages.shared.views import show_view
from pages.shared.waiting import place_in_queue, show_busy, show_working

if TYPE_CHECKING:
    import numpy as np
    from streamlit.delta_generator import DeltaGenerator

    from fer_core.video.analysis import FrameAnalysis, VideoAnalysis

_TELL_SECONDS: Final = 0.3
_SHOWN_SIDES: Final = {"smallest": 480, "largest": 960}
_VIDEO_WIDTH: Final = 640
_NETWORK: Final = "video_network"
_DRAWING: Final = f"Drawing the frames; {PAUSES}"


def show_result(key: str, job: VideoJob, *, waits: bool) -> Callable[[], None] | None:
    """Show the results of a video, and return the drawing of its annotated video if that is going on.

    Args:
        key: identifies the video in the session.
        job: with a result.
        waits: whether other work comes first.
    """
    from fer_core.views.timeline import people_view, timeline_view

    result = job.result
    assert result is not None
    if result.note:
        st.warning(result.note, icon=":material/warning:")
    people, n = result.tracks, len(result.frames)
    st.caption(
        f"{name_as_code(job.name)}: {n} frames, {count(len(people), 'person', 'people')}, "
        f"{count(len(result.events), 'lasting change', 'lasting changes')} of "
        f"expression, analyzed in {job.seconds:.1f} s"
    )
    bar = _offer_downloads(key, job)
    if job.is_drawing:
        bar.progress(job.drawn, WAITS if waits else _DRAWING)
    draw = partial(_draw, job, bar) if job.is_drawing else None
    if not people:
        st.info("**No face was found in this video.**", icon=":material/person_off:")
        _show_frame(key)
        return draw
    with st.container(horizontal=True, vertical_alignment="bottom"):
        network = _choose_network(result)
        person = _choose_person(result, _person_of(key))
    look_there = partial(_look_there, key, len(result.frames))
    show_view(people_view(result, network), on_click=look_there)
    left, right = st.columns(2, gap="medium")
    with left:
        _show_frame(key)
    with right:
        titles = {name: title_of(name) for name in _networks(result)}
        show_view(timeline_view(result, person, titles=titles), on_click=look_there)
    _show_summary(result)
    _show_events(result)
    return draw


def drawn(picture: "np.ndarray", frame: "FrameAnalysis") -> "np.ndarray":
    """Return a frame's picture, uint8 (H, W, 3), with its faces marked, at display size."""
    from fer_core.drawing import draw_faces, fit_long_side

    return draw_faces(fit_long_side(picture, **_SHOWN_SIDES), frame.shown, numbers=frame.tracks)


def _frame_of(key: str) -> str:
    """Return the key of the widget that chooses a video's frame."""
    return f"video_frame_{key}"


def _person_of(key: str) -> str:
    """Return the key of the widget that chooses a video's person."""
    return f"video_person_{key}"


def _again(key: str) -> None:
    if job := jobs().get(key):
        job.is_offered_again = True


def _choose_network(result: "VideoAnalysis") -> str:
    """Offer the networks, and return the one whose predictions are shown for all people."""
    networks = _networks(result)
    if len(networks) == 1:
        return networks[0]
    if st.session_state.get(_NETWORK) not in networks:
        st.session_state[_NETWORK] = networks[0]
    chosen = st.segmented_control(
        "Network", networks, format_func=title_of, key=_NETWORK, required=True
    )
    return chosen or networks[0]


def _networks(result: "VideoAnalysis") -> list[str]:
    """Return the networks of the results; the one that labels faces in pictures comes first."""
    first = next(smoothed for frame in result.frames for smoothed in frame.smoothed)
    return list(reversed(first))


def _choose_person(result: "VideoAnalysis", widget: str) -> int:
    """Offer the people, and return the one whose curves are shown; a click on a timeline also selects one."""
    people = result.tracks
    if len(people) == 1:
        return next(iter(people))
    if st.session_state.get(widget) not in people:
        st.session_state[widget] = next(iter(people))
    names = {
        track: f"Person {track} ({count(n, 'frame', 'frames')})" for track, n in people.items()
    }
    return st.selectbox(
        "Curves of",
        list(people),
        format_func=names.__getitem__,
        key=widget,
        width=240,
        help="A face is followed as long as it is in view. A person who leaves and comes back gets a new "
        "number. A click on a timeline chooses its person, too.",
    )


def _look_there(key: str, n_frames: int, point: dict[str, Any]) -> None:
    """Show the frame of a clicked point, and the curves of its person if it has one."""
    values = point.get("customdata")
    values = values if isinstance(values, list) else [values]
    number, *others = values
    if isinstance(number, int | float) and 1 <= number <= n_frames:
        st.session_state[_frame_of(key)] = int(number)
    if others and isinstance(others[0], int | float) and others[0] >= 1:
        st.session_state[_person_of(key)] = int(others[0])


def _show_summary(result: "VideoAnalysis") -> None:
    """Show the totals of each person by each network, with shares in percent."""
    from fer_core.video.tables import summary_rows

    st.subheader("Summary by person")
    titles = {name: title_of(name) for name in _networks(result)}
    names = {"track": "Person", "network": "Network", "frames": "Frames", "seconds": "Seconds"}
    rows = [row | {"network": titles[row["network"]]} for row in summary_rows(result)]
    shares = {key: key.capitalize() for row in rows for key in row if key not in names}
    st.dataframe(
        [{title: row.get(key) for key, title in (names | shares).items()} for row in rows],
        hide_index=True,
        column_config={
            "Seconds": st.column_config.NumberColumn(format="%.1f"),
            **dict.fromkeys(shares.values(), st.column_config.NumberColumn(format="percent")),
        },
    )
    st.caption(
        "Shares of the time in view, smoothed. Confident, probable and unclear add up to 100%. So do the "
        "expressions and unclear."
    )


def _show_events(result: "VideoAnalysis") -> None:
    st.subheader("Changes of expression")
    if not result.events:
        st.caption("No lasting change. Single odd frames and unclear predictions do not count.")
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
    """Show one frame with its faces; moving the slider reruns nothing else."""
    from fer_core.video.reading import VideoReader

    job = jobs().get(key)
    result = job.result if job else None
    if job is None or result is None or not result.frames:
        return
    st.subheader("Frame by frame")
    n = len(result.frames)
    widget = _frame_of(key)
    number = min(int(st.session_state.get(widget, 1)), n)
    if n > 1:
        st.session_state[widget] = number
        times = [frame.time_s for frame in result.frames]
        number = st.select_slider(
            "Frame",
            range(1, n + 1),
            format_func=lambda i: f"{times[i - 1]:.2f} s",
            key=widget,
            help="A click on a timeline or a curve shows its frame.",
        )
    frame = result.frames[number - 1]
    place = st.empty()
    try:
        with place_in_queue(partial(show_working, place)), VideoReader(job.content) as reader:
            picture = reader.frame_at(frame.time_s, pause=partial(_say_searching, place)).rgb
    except BusyError as error:
        show_busy(error, key="busy-frame")
        return
    except FerError as error:
        show_error(job.name, str(error))
        return
    finally:
        place.empty()
    found = count(len(frame.tracks), "face", "faces")
    st.image(
        drawn(picture, frame),
        caption=f"Frame {number} of {n}, {frame.time_s:.2f} s: {found}",
        alt=f"Frame {number} with {found} marked",
    )


def _say_searching(place: "DeltaGenerator") -> None:
    # Streamlit ends the run here when the visitor clicks or leaves. Any number of frames may come before.
    show_working(place, "Looking for the frame")


def _offer_downloads(key: str, job: VideoJob) -> "DeltaGenerator":
    """Offer the results and the annotated video; return where its progress is shown."""
    stem = PurePath(job.name).stem
    with st.container(horizontal=True, vertical_alignment="center"):
        columns = choose_columns("video_columns")
        offer_files(
            (
                ("CSV", lambda: _csv(job, columns), f"{stem}_faces.csv", "text/csv"),
                ("Changes (CSV)", lambda: _events(job), f"{stem}_changes.csv", "text/csv"),
                ("Summary (CSV)", lambda: _summary(job), f"{stem}_summary.csv", "text/csv"),
                ("JSON", lambda: _json(job, columns), f"{stem}.json", "application/json"),
            )
        )
        if job.is_drawing:
            st.button(
                "Cancel the annotated video",
                icon=":material/close:",
                on_click=_stop_drawing,
                args=(key,),
            )
        elif job.annotated is None:
            st.button(
                "Make the annotated video",
                icon=":material/movie:",
                on_click=_start_drawing,
                args=(key,),
            )
        else:
            offer_files((("Annotated MP4", job.annotated, f"{stem}_annotated.mp4", "video/mp4"),))
        st.button("Analyze again", icon=":material/replay:", on_click=_again, args=(key,))
    if job.drawing_error:
        show_error(job.name, job.drawing_error)
    if job.annotated is not None:
        st.video(job.annotated, format="video/mp4", width=_VIDEO_WIDTH)
    return st.empty()


def _start_drawing(key: str) -> None:
    if job := jobs().get(key):
        job.start_drawing()


def _stop_drawing(key: str) -> None:
    if job := jobs().get(key):
        job.stop_drawing()


def _draw(job: VideoJob, bar: "DeltaGenerator") -> None:
    """Continue the annotated video, and rerun the page when it is done.

    A click ends this run of the page; the next one resumes with the next frame.
    """
    told = time.perf_counter()
    for _ in job.draw(lambda words: bar.progress(job.drawn, words)):
        if time.perf_counter() - told >= _TELL_SECONDS:
            told = time.perf_counter()
            bar.progress(job.drawn, _DRAWING)
    st.rerun()


def _csv(job: VideoJob, columns: FaceColumns) -> str:
    from fer_core.video.tables import frame_record, frames_csv

    assert job.result is not None
    labels = {
        name: prediction.labels
        for frame in job.result.frames
        for smoothed in frame.smoothed
        for name, prediction in smoothed.items()
    }
    records = (frame_record(job.name, f, columns=columns) for f in job.result.frames)
    return "".join(frames_csv(records, labels, columns=columns))


def _events(job: VideoJob) -> str:
    from fer_core.video.tables import events_csv

    assert job.result is not None
    return events_csv(job.result.events)


def _summary(job: VideoJob) -> str:
    from fer_core.video.tables import summary_csv

    assert job.result is not None
    return summary_csv(job.result)


def _json(job: VideoJob, columns: FaceColumns) -> str:
    from fer_core.video.tables import video_record

    assert job.result is not None
    return json.dumps(video_record(job.name, job.result, columns=columns), ensure_ascii=False)
