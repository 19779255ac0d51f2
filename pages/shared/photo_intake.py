"""The one way for photos into the app.

Photos live in the visitor's session and nowhere else: no cache, which all visitors share, and no disk.
What one page took in is there on the others.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.errors import ImageDecodeError
from fer_core.images import ACCEPTED_SUFFIXES, Photo, decode

if TYPE_CHECKING:
    from fer_core.analysis import Analysis

EXAMPLE_FILE: Final = Path(__file__).parent / "example_astronaut.png"
EXAMPLE_NAME: Final = "example_astronaut.png"
EXAMPLE_CREDIT: Final = "Astronaut Eileen Collins. NASA, public domain."
#: Decoded pixels that one visitor may keep on the server, 3 bytes each: ten photos of a phone.
MAX_MEGAPIXELS_KEPT: Final = 120

_UPLOAD, _CAMERA = "Upload", "Camera"
# Keys in the session. Those of widgets are separate, since a widget's state ends with its page.
_INTAKE: Final = "intake"
_CURRENT: Final = "current_photo"
_TURN: Final = "intake_turn"


@dataclass(frozen=True, slots=True, eq=False)
class ChosenPhoto:
    """A photo of this visitor.

    Attributes:
        key: stands for the photo in the session.
        name: of the file.
        photo: the pixels.
    """

    key: str
    name: str
    photo: Photo


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A file that is no photo, with the reason in words for the visitor."""

    name: str
    message: str


@dataclass(frozen=True, slots=True, eq=False)
class Intake:
    """What the visitor gave last."""

    photos: tuple[ChosenPhoto, ...] = ()
    unreadable: tuple[UnreadableFile, ...] = ()


def keep_uploads_in_memory() -> None:
    """Keep the server from writing uploads to temporary files.

    Starlette, which receives uploads for Streamlit, moves them to a file under /tmp once they pass
    1 MB. Zero is SpooledTemporaryFile's word for never; Streamlit itself enforces the upload limit
    while the bytes arrive.
    """
    from starlette.formparsers import MultiPartParser

    MultiPartParser.spool_max_size = 0


def offer_photos() -> Intake:
    """Show the ways to give photos and return what was given last, on this page or another."""
    turn = st.session_state.setdefault(_TURN, 0)
    upload, camera = st.tabs([_UPLOAD, _CAMERA], key="photo_source", on_change="rerun")
    with upload:
        st.file_uploader(
            "Photos with faces",
            type=[suffix.removeprefix(".") for suffix in ACCEPTED_SUFFIXES],
            accept_multiple_files=True,
            key=f"upload_{turn}",
            on_change=_take_widget,
            args=(f"upload_{turn}",),
        )
    # Only in the open tab: the browser asks for the camera as soon as the widget is there.
    if camera.open:
        with camera:
            st.camera_input(
                "Take a picture",
                resolution="720p",
                width=480,
                key=f"camera_{turn}",
                on_change=_take_widget,
                args=(f"camera_{turn}",),
            )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Try the example photo",
            icon=":material/photo_library:",
            on_click=_take_example,
        )
        st.caption(EXAMPLE_CREDIT, width="content")
    return current_intake()


def current_intake() -> Intake:
    """Return what the visitor gave last."""
    intake = st.session_state.get(_INTAKE)
    return intake if isinstance(intake, Intake) else Intake()


def choose_photo(intake: Intake, analyses: Mapping[str, "Analysis"]) -> ChosenPhoto | None:
    """Return the photo to look at, with a choice where there are several; None without any."""
    photos = {photo.key: photo for photo in intake.photos}
    if not photos:
        return None
    current = st.session_state.get(_CURRENT)
    if current not in photos:
        current = next(iter(photos))
    if len(photos) > 1:
        if st.session_state.get("photo_picker") not in photos:
            st.session_state["photo_picker"] = current
        current = st.selectbox(
            f"Photo ({len(photos)} in all)",
            list(photos),
            format_func=lambda key: f"{photos[key].name} \u2013 {_count(analyses[key])}",
            key="photo_picker",
        )
    st.session_state[_CURRENT] = current
    return photos[current]


def _count(analysis: "Analysis") -> str:
    n = len(analysis.faces)
    return f"{n or 'no'} face{'' if n == 1 else 's'}"


def _take_widget(key: str) -> None:
    value = st.session_state[key]
    files = value if isinstance(value, list) else [value] if value is not None else []
    _take((file.file_id, file.name, file.getvalue) for file in files)


def _take_example() -> None:
    # New keys empty the other ways in, which would still show what is no longer looked at.
    st.session_state[_TURN] += 1
    _take([("example", EXAMPLE_NAME, EXAMPLE_FILE.read_bytes)])


def _take(files: Iterable[tuple[str, str, Callable[[], bytes]]]) -> None:
    """Decode files of key, name and content into the session, in place of what was there."""
    known = {photo.key: photo for photo in current_intake().photos}
    photos: list[ChosenPhoto] = []
    unreadable: list[UnreadableFile] = []
    pixels = 0
    for key, name, content in files:
        try:
            photo = known.get(key) or ChosenPhoto(key, name, decode(content()))
        except ImageDecodeError as error:
            unreadable.append(UnreadableFile(name, str(error)))
            continue
        pixels += photo.photo.width * photo.photo.height
        if pixels > MAX_MEGAPIXELS_KEPT * 1_000_000:
            unreadable.append(
                UnreadableFile(
                    name,
                    f"One visit holds {MAX_MEGAPIXELS_KEPT} megapixels, and this photo goes beyond. "
                    "Remove other photos, or analyze folders with python -m fer_core analyze.",
                )
            )
            continue
        photos.append(photo)
    st.session_state[_INTAKE] = Intake(tuple(photos), tuple(unreadable))
