"""The live camera: a component in the browser, and frozen pictures.

The browser sends frames to the route of `pages.server.live` and draws the answers. What comes of them stays
in a `LiveCamera` in the visitor's session; the networks behind it are everybody's.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from fer_core.errors import FerError
from pages.server.live.visits import open_visit
from pages.shared import photo_intake, visit_photos
from pages.shared.downloads import offer_file
from pages.shared.loading import load_analyzer
from pages.shared.titles import title_of
from pages.shared.verbatim import public_message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fer_core.live.session import LiveCamera, LiveFrame
    from fer_core.networks.classifier import Classifier

_FOLDER: Final = Path(__file__).parent
#: Width of the lines over the picture in its own pixels.
_MESH_WIDTH, _CONTOUR_WIDTH = 0.4, 1.2
# Keys in the session.
_LIVE: Final = "live_visit"
_FROZEN: Final = "live_frozen"

_component = st.components.v2.component(
    "live_camera",
    html=(_FOLDER / "live.html").read_text(encoding="utf-8"),
    css=(_FOLDER / "live.css").read_text(encoding="utf-8"),
    # Joined, since a component of Streamlit's is one module.
    js="\n".join(file.read_text(encoding="utf-8") for file in sorted(_FOLDER.glob("*.js"))),
)


@dataclass(frozen=True, slots=True)
class Visit:
    """One visitor's camera, with the token of its frames."""

    camera: "LiveCamera"
    token: str


@dataclass(frozen=True, slots=True, eq=False)
class Frozen:
    """A frozen picture.

    Attributes:
        frame: the picture with its faces.
        taken: when.
        titles: before each network's prediction, by bundle name; the visit's networks may change later.
    """

    frame: "LiveFrame"
    taken: datetime
    titles: dict[str, str]


def load_visit() -> Visit:
    """Return this visitor's camera; without models, show the reason and stop the page."""
    from fer_core.live.session import LiveCamera

    try:
        classifiers = load_analyzer().classifiers
    except FerError as error:
        st.error(
            "**No network can be loaded, so faces cannot be analyzed.** " + public_message(error),
            icon=":material/report:",
        )
        st.stop()
    visit = st.session_state.get(_LIVE)
    if not isinstance(visit, Visit) or visit.camera.classifiers != classifiers:
        camera = LiveCamera(classifiers)
        visit = Visit(camera, open_visit(camera))
        st.session_state[_LIVE] = visit
    return visit


def show_camera(visit: Visit) -> None:
    """Show the camera with its buttons, predictions and timelines, all drawn by the browser."""
    _component(
        key="live_camera",
        data={
            "token": visit.token,
            "networks": _networks(visit.camera.classifiers),
            "legend": _legend(visit.camera.classifiers),
            "edges": _edges(),
            "units": _units(),
        },
        on_frozen_change=_freeze,
    )


def offer_photo() -> None:
    """Offer a photo in place of the live camera."""
    if st.button("Take a snapshot or upload a photo", icon=":material/photo_camera:"):
        photo_intake.open_camera()
        st.switch_page("../analyze.py")


def show_frozen() -> None:
    """Show the frozen picture, if there is one, with its actions."""
    from fer_core.drawing import draw_live, encode_png

    frozen = st.session_state.get(_FROZEN)
    if not isinstance(frozen, Frozen):
        return
    frame, taken = frozen.frame, frozen.taken
    picture = draw_live(frame.image_rgb, frame.faces, titles=frozen.titles)
    n = len(frame.faces)
    found = "no face" if n == 0 else "1 face" if n == 1 else f"{n} faces"
    st.image(
        picture,
        caption=f"Frozen at {taken:%H:%M:%S}. It was added to the photos of your visit.",
        alt=f"Frozen picture with {found} marked",
    )
    with st.container(horizontal=True):
        offer_file(
            "Annotated PNG",
            lambda: encode_png(picture),
            _file_name(taken, "_annotated"),
            "image/png",
        )
        if st.button("Open on the Photo page", icon=":material/frame_person:"):
            # Taken again, which selects it; or adds it, if it was removed since.
            visit_photos.add_picture(_file_name(taken), frame.image_rgb)
            st.switch_page("../analyze.py")
        st.button("Discard", icon=":material/delete:", on_click=_discard, args=(taken,))


def _networks(classifiers: "Mapping[str, Classifier]") -> list[dict[str, Any]]:
    """Return each network's data for the browser."""
    from fer_core.drawing import text_color
    from fer_core.expressions import COLORS
    from fer_core.records import prediction_columns

    short = _short_titles(classifiers)
    return [
        {
            "name": name,
            "title": title_of(name),
            "short": short[name],
            "labels": [str(label) for label in classifier.bundle.spec.labels],
            "colors": [COLORS[label] for label in classifier.bundle.spec.labels],
            "inks": [text_color(COLORS[label]) for label in classifier.bundle.spec.labels],
            "columns": prediction_columns(name, classifier.bundle.spec.labels),
        }
        for name, classifier in classifiers.items()
    ]


def _short_titles(classifiers: "Mapping[str, Classifier]") -> dict[str, str]:
    """Return the title before each network's prediction on the picture.

    It is what the network sees, or its own title where that would not tell the networks apart, or where one
    sees landmarks alone.
    """
    specs = {name: classifier.bundle.spec for name, classifier in classifiers.items()}
    seen = {
        name: "pixels" if spec.landmark_features is None else "+ landmarks"
        for name, spec in specs.items()
    }
    are_distinct = len(set(seen.values())) == len(seen)
    if are_distinct and all(spec.sees_pixels for spec in specs.values()):
        return seen
    return {name: title_of(name) for name in specs}


def _legend(classifiers: "Mapping[str, Classifier]") -> list[dict[str, str]]:
    """Return label and colour of each expression that any network knows, in the vocabulary's order."""
    from fer_core.expressions import COLORS, Expression

    known = {label for c in classifiers.values() for label in c.bundle.spec.labels}
    return [{"label": str(label), "color": COLORS[label]} for label in Expression if label in known]


def _units() -> list[dict[str, str]]:
    """Return the code and the name of each action unit."""
    from fer_core.faces.action_units import ACTION_UNITS

    return [{"code": unit.code, "name": unit.name} for unit in ACTION_UNITS]


@cache
def _edges() -> list[dict[str, Any]]:
    """Return the lines between landmarks: colour, width and pairs of end points of each kind."""
    import numpy as np

    from fer_core.drawing import CONTOUR_COLOR, IRIS_COLOR, MESH_COLOR
    from fer_core.faces.landmarks import contour_edges, mesh_edges

    contours = contour_edges()
    kinds = (
        (MESH_COLOR, _MESH_WIDTH, [mesh_edges()]),
        (CONTOUR_COLOR, _CONTOUR_WIDTH, [e for k, e in contours.items() if "iris" not in k]),
        (IRIS_COLOR, _CONTOUR_WIDTH, [e for k, e in contours.items() if "iris" in k]),
    )
    return [
        {"color": color, "width": width, "pairs": np.concatenate(edges).ravel().tolist()}
        for color, width, edges in kinds
    ]


def _freeze() -> None:
    """Keep the current picture, and add it to the photos of the other pages."""
    visit = st.session_state.get(_LIVE)
    if visit and (frame := visit.camera.frame) is not None:
        taken = datetime.now(_time_zone())
        titles = _short_titles(visit.camera.classifiers)
        st.session_state[_FROZEN] = Frozen(frame, taken, titles)
        visit_photos.add_picture(_file_name(taken), frame.image_rgb)


def _time_zone() -> tzinfo:
    """Return the visitor's time zone; the server's if the browser does not tell it."""
    name = st.context.timezone
    try:
        return ZoneInfo(name) if name else datetime.now().astimezone().tzinfo or UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _discard(taken: datetime) -> None:
    # A second click may come before the button is gone.
    st.session_state.pop(_FROZEN, None)
    visit_photos.remove_picture(_file_name(taken))


def _file_name(taken: datetime, ending: str = "") -> str:
    # It is the picture's key too: two may be frozen within a second.
    milliseconds = taken.microsecond // 1000
    return f"camera_{taken:%Y-%m-%d_%H-%M-%S}-{milliseconds:03}{ending}.png"
