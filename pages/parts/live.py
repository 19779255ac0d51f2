"""The live camera on a page: its connection, what to do where there is none, answers, frozen pictures.

The picture travels over WebRTC, apart from the page's own connection. What comes of it stays in a
`LiveCamera` in the visitor's session; the networks behind it are everybody's.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from fer_core.errors import FerError, SettingError
from fer_core.live.ice import ice_servers
from pages.shared import photo_intake
from pages.shared.downloads import offer_file
from pages.shared.models import load_analyzer, title_of
from pages.shared.results import answer
from pages.shared.verbatim import message_as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiortc.mediastreams import MediaStreamTrack
    from av import VideoFrame

    from fer_core.live.session import LiveCamera, LiveFrame, LiveState
    from fer_core.networks.classifier import Classifier

#: Between two looks at the answers.
_SECONDS: Final = 1.0
#: A connection that takes longer is likely to fail; on one's own network it takes a second or two.
_SLOW_SECONDS: Final = 8.0
#: Larger frames are shrunk; faces are found in no finer detail.
_LONGEST_SIDE: Final = 1280
#: What the browser is asked for. Never sound. Above 15 frames a second the server would only draw more.
_MEDIA: Final[dict[str, Any]] = {
    "video": {
        "width": {"ideal": 640},
        "height": {"ideal": 480},
        "frameRate": {"ideal": 15, "max": 20},
        "facingMode": "user",
    },
    "audio": False,
}
_VIDEO: Final[dict[str, Any]] = {
    "autoPlay": True,
    "controls": False,
    "muted": True,
    "style": {"width": "100%", "borderRadius": "0.5rem"},
}
# Keys in the session.
_LIVE: Final = "live_camera"
_ATTEMPT: Final = "live_attempt"
_FROZEN: Final = "live_frozen"
_FACE: Final = "live_face"
_LANDMARKS: Final = "live_landmarks"


def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


_check_camera = st.components.v2.component(
    "camera_check", html="<span></span>", js=_read("camera_check.js")
)
_draw_strip = st.components.v2.component(
    "live_strip",
    html='<div class="strip"></div>',
    css=_read("live_strip.css"),
    js=_read("live_strip.js"),
)


class Trouble(StrEnum):
    """Why there is no live picture, in words for the visitor."""

    UNAVAILABLE = (
        "**This browser gives the page no camera.** Browsers do so over HTTPS, or on the machine that runs "
        "the app itself. Open the page by an address that begins with https, or analyze a photo instead."
    )
    DENIED = (
        "**The camera is not allowed for this page.** Allow it beside the address or in the browser's "
        "settings for this site, and reload the page. Analyzing a photo needs no camera."
    )
    MISSING = "**No camera found.** Connect one, or analyze a photo instead."
    NOT_CONNECTED = (
        "**The camera's picture does not reach this server.** It travels over WebRTC, which many firewalls "
        "and networks let through only with the help of a TURN server. A snapshot takes the same way as this "
        "page, and works."
    )


@dataclass(slots=True)
class Attempt:
    """One visitor's try to connect.

    Attributes:
        began: when, by `time.monotonic`; None while there is none.
        failed: whether the last one ended without a picture.
    """

    began: float | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Connection:
    """How the camera's connection stands.

    Attributes:
        playing: pictures come and go.
        connecting: both sides are looking for a way.
        trouble: why it cannot be; None if nothing is known against it.
    """

    playing: bool = False
    connecting: bool = False
    trouble: Trouble | None = None


def load_camera() -> "LiveCamera":
    """Return this visitor's camera; without models the page ends here, and says why."""
    from fer_core.live.session import LiveCamera

    try:
        classifiers = load_analyzer().classifiers
    except FerError as error:
        st.error(
            "**The model cannot be loaded, so faces cannot be looked at.** "
            + message_as_text(error),
            icon=":material/report:",
        )
        st.stop()
    camera = st.session_state.get(_LIVE)
    if not isinstance(camera, LiveCamera) or camera.classifiers != classifiers:
        camera = LiveCamera(classifiers, _short_titles(classifiers))
        st.session_state[_LIVE] = camera
    return camera


def _short_titles(classifiers: "Mapping[str, Classifier]") -> dict[str, str]:
    """Return what stands before each network's answer on the picture, where there is little room."""
    return {
        name: "pixels" if classifier.bundle.spec.landmark_features is None else "+ landmarks"
        for name, classifier in classifiers.items()
    }


def show_camera(camera: "LiveCamera") -> Connection:
    """Show the camera's picture with a button to start it, and return how its connection stands."""
    try:
        servers = ice_servers()
    except SettingError as error:
        st.error(
            f"**The live camera is not set up rightly.** {message_as_text(error)}",
            icon=":material/report:",
        )
        return Connection()
    from streamlit_webrtc import webrtc_streamer
    from streamlit_webrtc.webrtc import SignallingTimeoutError

    try:
        context = webrtc_streamer(
            key="camera",
            # Never left out, even without any: both sides would then ask a server of Google's.
            rtc_configuration={"iceServers": servers},
            media_stream_constraints=_MEDIA,
            sendback_audio=False,
            queued_video_frames_callback=_newest_of(camera),
            on_video_ended=camera.close,
            video_html_attrs=_VIDEO,
            translations={
                "start": "Start the camera",
                "stop": "Stop",
                "select_device": "Choose camera",
            },
            media_toggle_controls=False,
        )
    except SignallingTimeoutError:
        return Connection(trouble=Trouble.NOT_CONNECTED)
    camera.show_landmarks = st.toggle("Draw landmarks", value=True, key=_LANDMARKS)
    playing, connecting = context.state
    camera.on_idle = partial(_end_track, context.output_video_track)
    slow = _follow_attempt(playing=playing, connecting=connecting)
    trouble = None if playing else _what_the_browser_says()
    if trouble is None and slow:
        trouble = Trouble.NOT_CONNECTED
    return Connection(playing, connecting, trouble)


def offer_snapshot(connection: Connection) -> None:
    """Say why there is no live picture, as far as that is known, and offer a photo instead."""
    if connection.playing:
        return

    def offer() -> None:
        trouble = connection.trouble
        if trouble is None and connection.connecting and _is_slow():
            trouble = Trouble.NOT_CONNECTED
        if trouble:
            st.warning(str(trouble), icon=":material/videocam_off:")
        else:
            st.caption(
                "The browser asks whether this page may use the camera. Without one, or where it does not "
                "start, a photo does."
            )
        if st.button("Take a snapshot or upload a photo", icon=":material/photo_camera:"):
            photo_intake.open_camera()
            st.switch_page("../analyze.py")

    # Looked at anew once, when the time for connecting is over.
    st.fragment(offer, run_every=_SLOW_SECONDS + 0.5 if connection.connecting else None)()


def show_answers(connection: Connection) -> None:
    """Show each network's answer now and over the last half minute, anew every second."""
    running = connection.playing or connection.connecting

    def show() -> None:
        camera, now = _camera(), time.monotonic()
        state = camera.state(now)
        if state.history:
            _show_now(camera, state, playing=connection.playing)
            _show_strip(camera, state, now)
        elif running:
            st.info("Waiting for the first picture.", icon=":material/hourglass_top:")
        else:
            st.info(
                "Start the camera: the answers of the networks and a strip of the last half minute appear "
                "here.",
                icon=":material/videocam:",
            )

    st.fragment(show, run_every=_SECONDS if connection.playing else None)()


def offer_freeze(connection: Connection) -> None:
    """Offer to keep the picture of this moment, and show the one that is kept."""

    def offer() -> None:
        st.button(
            "Freeze this moment",
            icon=":material/pause_circle:",
            disabled=not connection.playing,
            on_click=_freeze,
        )
        frame, taken = st.session_state.get(_FROZEN) or (None, None)
        if frame is not None and taken is not None:
            _show_frozen(frame, taken)

    st.fragment(offer)()


def _camera() -> "LiveCamera":
    """Return this visitor's camera where a fragment runs.

    Streamlit keeps fragments beyond the visit, so they must not hold what is to go with it.
    """
    camera: LiveCamera = st.session_state[_LIVE]
    return camera


def _newest_of(
    camera: "LiveCamera",
) -> "Callable[[list[VideoFrame]], Awaitable[list[VideoFrame]]]":
    """Return what makes one annotated frame of those that came while the last was looked at."""

    async def newest(frames: "list[VideoFrame]") -> "list[VideoFrame]":
        from av import VideoFrame

        frame = frames[-1]
        factor = min(1.0, _LONGEST_SIDE / max(frame.width, frame.height))
        width, height = (max(2, round(side * factor)) for side in (frame.width, frame.height))
        picture = camera.look(
            frame.to_ndarray(format="rgb24", width=width, height=height),
            seconds=time.monotonic(),
            dropped=len(frames) - 1,
        )
        return [VideoFrame.from_ndarray(picture, format="rgb24")]

    return newest


def _end_track(track: "MediaStreamTrack | None") -> None:
    """End a track that gives no more frames, and the thread behind it, which holds its last picture.

    Where a connection breaks off, nothing else may: each link of aiortc's chain learns of its end only by
    asking the one before it for a frame.
    """
    if track is not None and track.readyState == "live":
        track.stop()


def _what_the_browser_says() -> Trouble | None:
    """Return what keeps the browser from giving the page its camera; None if nothing is known to."""
    said = _check_camera(key="camera_check", on_camera_change=lambda: None, height=1).get("camera")
    return {
        "unavailable": Trouble.UNAVAILABLE,
        "denied": Trouble.DENIED,
        "missing": Trouble.MISSING,
    }.get(str(said))


def _follow_attempt(*, playing: bool, connecting: bool) -> bool:
    """Note how the try to connect goes, and return whether it took too long or has failed."""
    attempt = st.session_state.setdefault(_ATTEMPT, Attempt())
    if playing:
        attempt.began, attempt.failed = None, False
    elif connecting and attempt.began is None:
        attempt.began, attempt.failed = time.monotonic(), False
    elif not connecting and attempt.began is not None:
        # A visitor who stops at once has not waited for it to fail.
        attempt.failed, attempt.began = _is_slow(), None
    return bool(attempt.failed) or _is_slow()


def _is_slow() -> bool:
    attempt = st.session_state.get(_ATTEMPT)
    began = attempt.began if attempt else None
    return began is not None and time.monotonic() - began > _SLOW_SECONDS


def _show_now(camera: "LiveCamera", state: "LiveState", *, playing: bool) -> None:
    """Show each network's answer for the chosen face, and how fast frames are looked at."""
    faces = {face.number: face for face in state.frame.faces} if state.frame else {}
    chosen = st.session_state.get(_FACE)
    if len(faces) > 1 or chosen is not None:
        chosen = st.pills(
            "Face",
            sorted(faces.keys() | ({chosen} if chosen is not None else set())),
            format_func=str,
            key=_FACE,
            help="By default the largest one is shown.",
        )
    face = faces.get(chosen) if chosen is not None else next(iter(faces.values()), None)
    with st.container(horizontal=True):
        for name in camera.classifiers if face is None else face.predictions:
            prediction = face.predictions[name] if face else None
            with st.container(width=160, gap="xxsmall"):
                st.metric(title_of(name), answer(prediction) if prediction else "No face")
                st.caption(
                    f"{prediction.confidence:.0%} {prediction.expression}"
                    if prediction
                    else "\u2013"
                )
    if playing:
        st.caption(
            f"Frames a second: {state.rate:.0f}. Each takes {1000 * state.look_seconds:.0f} ms."
        )
    else:
        st.caption("The camera is off.")


def _show_strip(camera: "LiveCamera", state: "LiveState", now: float) -> None:
    """Show each network's probabilities over the last half minute."""
    from fer_core.live.session import HISTORY_SECONDS, series
    from fer_core.live.strip import strip_html

    number = st.session_state.get(_FACE)
    _draw_strip(
        key="live_strip",
        data=strip_html(
            {
                title_of(name): series(state.history, name, number=number)
                for name in camera.classifiers
            },
            next(iter(camera.classifiers.values())).bundle.spec.labels,
            now=now,
            seconds=HISTORY_SECONDS,
        ),
    )
    whose = "the largest face" if number is None else f"face {number}"
    st.caption(
        f"Probabilities for {whose}, smoothed over half a second; empty where no face was seen."
    )


def _freeze() -> None:
    """Keep the picture of this moment, also as the photo that the other pages look at.

    They are reached by a link: a switch of pages from here can lose the new page's content, where the strip
    asks for its next second at the same time.
    """
    frame = _camera().state(time.monotonic()).frame
    if frame is not None:
        taken = datetime.now().astimezone()
        st.session_state[_FROZEN] = frame, taken
        photo_intake.take_picture(_file_name(taken), frame.image_rgb)


def _discard(taken: datetime) -> None:
    del st.session_state[_FROZEN]
    photo_intake.drop_picture(_file_name(taken))


def _file_name(taken: datetime, ending: str = "") -> str:
    return f"camera_{taken:%Y-%m-%d_%H-%M-%S}{ending}.png"


def _show_frozen(frame: "LiveFrame", taken: datetime) -> None:
    """Show a frozen picture, with what can be done with it."""
    from fer_core.drawing import encode_png

    n = len(frame.faces)
    found = "no face" if n == 0 else "1 face" if n == 1 else f"{n} faces"
    st.image(
        frame.annotated_rgb,
        caption=f"Frozen at {taken:%H:%M:%S}, server time",
        width="stretch",
        alt=f"Frozen picture with {found} marked",
    )
    with st.container(horizontal=True):
        offer_file(
            "Annotated PNG",
            lambda: encode_png(frame.annotated_rgb),
            _file_name(taken, "_annotated"),
            "image/png",
        )
        st.page_link("../analyze.py", label="Open in Analyze", icon=":material/frame_person:")
        st.button(
            "Discard",
            icon=":material/delete:",
            on_click=_discard,
            args=(taken,),
        )
