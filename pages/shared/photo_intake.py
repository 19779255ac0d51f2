"""The one way for photos into the app.

Photos live in the visitor's session and nowhere else: no cache, which all visitors share, and no disk.
What one page took in is there on the others.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.content import check_is_photo
from fer_core.errors import ImageDecodeError
from fer_core.photos.decode import NO_MEMORY, Photo, decode
from pages.server.connection import uploads_are_refused, visit_was_lost
from pages.shared.turns import turn

if TYPE_CHECKING:
    import numpy as np

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
_SENT: Final = "sent_files"
_GENERATION: Final = "intake_generation"
_SOURCE: Final = "photo_source"


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
class SentFile:
    """A file that is not read yet.

    Attributes:
        key: stands for the file in the session.
        name: of the file.
        content: gives its bytes.
    """

    key: str
    name: str
    content: Callable[[], bytes]

    def read(self) -> ChosenPhoto | UnreadableFile:
        """Decode it."""
        try:
            content = self.content()
            check_is_photo(content)
            return ChosenPhoto(self.key, self.name, decode(content))
        except ImageDecodeError as error:
            return UnreadableFile(self.name, str(error))
        except MemoryError:
            # `decode` says this of its own work; `content` copies the file.
            return UnreadableFile(self.name, NO_MEMORY)


@dataclass(frozen=True, slots=True, eq=False)
class Intake:
    """What the visitor gave last."""

    photos: tuple[ChosenPhoto, ...] = ()
    unreadable: tuple[UnreadableFile, ...] = ()

    def with_one_more(self, file: ChosenPhoto | UnreadableFile) -> "Intake":
        """Return the intake with a file added: as unreadable where a visit holds no more pixels."""
        if isinstance(file, ChosenPhoto):
            pixels = sum(p.photo.width * p.photo.height for p in (*self.photos, file))
            if pixels <= MAX_MEGAPIXELS_KEPT * 1_000_000:
                return Intake((*self.photos, file), self.unreadable)
            file = UnreadableFile(
                file.name,
                f"One visit holds {MAX_MEGAPIXELS_KEPT} megapixels, and this photo goes beyond. "
                "Remove other photos, or analyze folders with python -m fer_core analyze.",
            )
        return Intake(self.photos, (*self.unreadable, file))


def offer_photos() -> Intake:
    """Show the ways to give photos and return what was given last, on this page or another.

    Raises:
        BusyError: the server has too much to do; what was given is kept.
    """
    generation = st.session_state.setdefault(_GENERATION, _new_generation())
    if visit_was_lost() and _INTAKE not in st.session_state:
        st.info(
            "**This page lost its server for a while.** Photos are kept in its memory only, so those that "
            "you gave are gone. Please choose them again.",
            icon=":material/restart_alt:",
        )
    tell_if_uploads_are_refused("Uploads and the camera")
    upload, camera = st.tabs([_UPLOAD, _CAMERA], key=_SOURCE, on_change="rerun")
    with upload:
        st.file_uploader(
            "Photos with faces",
            accept_multiple_files=True,
            key=f"upload_{generation}",
            on_change=_take_widget,
            args=(f"upload_{generation}",),
        )
    # Only in the open tab: the browser asks for the camera as soon as the widget is there.
    if camera.open:
        with camera:
            st.camera_input(
                "Take a picture",
                resolution="720p",
                width=480,
                key=f"camera_{generation}",
                on_change=_take_widget,
                args=(f"camera_{generation}",),
            )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Try the example photo",
            icon=":material/photo_library:",
            on_click=_take_example,
        )
        st.caption(EXAMPLE_CREDIT, width="content")
    _read_what_was_sent()
    return current_intake()


def open_camera() -> None:
    """Let the camera be the way that is open when photos are offered next."""
    st.session_state[_SOURCE] = _CAMERA


def take_picture(name: str, image_rgb: "np.ndarray") -> None:
    """Take a picture, uint8 (H, W, 3), into the session, in place of what was there."""
    from fer_core.drawing import encode_png

    _empty_ways_in()
    _take([SentFile(name, name, lambda: encode_png(image_rgb))])


def drop_picture(name: str) -> None:
    """Forget the picture that was taken in under this name, if it is still there, read or not."""
    sent = st.session_state.get(_SENT, ())
    if any(file.key == name for file in (*sent, *current_intake().photos)):
        _take(())


def tell_if_uploads_are_refused(what: str) -> None:
    """Say that the ways in named by `what` do not work here, where that is so, and where they do."""
    if uploads_are_refused():
        st.warning(
            f"**{what} do not work here.** Your browser keeps back the cookie that protects "
            "them, as browsers do where a page is shown within one of another site. They work where it is a "
            "page of its own.",
            icon=":material/tab_close:",
        )
        if st.context.url:
            st.link_button("Open as a page", st.context.url, icon=":material/open_in_new:")


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
        # Names alone: Streamlit keeps what names the choices for longer than a visit lasts.
        names = {
            key: f"{photo.name} \u2013 {_count(analyses[key])}" for key, photo in photos.items()
        }
        current = st.selectbox(
            f"Photo ({len(photos)} in all)",
            list(photos),
            format_func=names.__getitem__,
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
    _take(SentFile(file.file_id, file.name, file.getvalue) for file in files)


def _empty_ways_in() -> None:
    """Give the other ways in new keys: they would still show what is no longer looked at."""
    st.session_state[_GENERATION] = _new_generation()


def _new_generation() -> int:
    # Random, since a page that outlived its session still shows the files that it gave under the old keys.
    return secrets.randbelow(1_000_000_000)


def _take_example() -> None:
    _empty_ways_in()
    _take([SentFile("example", EXAMPLE_NAME, EXAMPLE_FILE.read_bytes)])


def _take(files: Iterable[SentFile]) -> None:
    """Put files in place of what was there; those that were read before need not be read again."""
    known = {photo.key: photo for photo in current_intake().photos}
    st.session_state[_SENT] = tuple(known.get(file.key, file) for file in files)
    st.session_state[_INTAKE] = Intake()


def _read_what_was_sent() -> None:
    """Decode what waits for it, file by file: where this is cut short, the next run goes on.

    Raises:
        BusyError: the server has too much to do; what is not read yet is kept.
    """
    place = st.empty()
    while sent := st.session_state.get(_SENT):
        file, *others = sent
        if isinstance(file, SentFile):
            with turn(place.status):
                read = file.read()
        else:
            read = file
        st.session_state[_INTAKE] = current_intake().with_one_more(read)
        st.session_state[_SENT] = tuple(others)
    place.empty()
