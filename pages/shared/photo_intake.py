"""The photo intake of all pages: uploads, clipboard, camera, examples.

Photos live in the visitor's session and nowhere else: no cache, which all visitors share, and no disk.
What one page took in is there on the others, in a bar with a thumbnail for each.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, Self

import streamlit as st

from fer_core.content import check_is_photo
from fer_core.errors import ImageDecodeError
from fer_core.photos.decode import NO_MEMORY, Photo, decode
from pages.server.connection import uploads_are_refused, visit_was_lost
from pages.shared.examples import EXAMPLES, Example
from pages.shared.networks import offer_networks, others_are_chosen
from pages.shared.paste import take_pasted_files
from pages.shared.turns import show_working, turn
from pages.shared.verbatim import name_as_code

if TYPE_CHECKING:
    import numpy as np


#: Decoded pixels that one visitor may keep on the server, 3 bytes each: ten photos of a phone.
MAX_MEGAPIXELS_KEPT: Final = 120

#: Side in pixels of a photo's picture in the bar, and of the bar's parts.
_THUMBNAIL: Final = 160
_CARD_WIDTH: Final = 80
_EXAMPLE_WIDTH: Final = 136
_SHOW, _SHOWN = ":material/visibility:", ":material/check:"
_UPLOAD, _CAMERA = "Upload", "Camera"
# Keys in the session. Those of widgets are separate, since a widget's state ends with its page.
_INTAKE: Final = "intake"
_CURRENT: Final = "current_photo"
_SENT: Final = "sent_files"
_GENERATION: Final = "intake_generation"
_SOURCE: Final = "photo_source"
_STAND_IN: Final = "stand_in_example"


@dataclass(frozen=True, slots=True, eq=False)
class ChosenPhoto:
    """A photo of this visitor.

    Attributes:
        key: stands for the photo in the session.
        name: of the file.
        photo: the pixels.
        thumbnail: uint8 (side, side, 3), a square of the photo of 160 pixels a side at most.
    """

    key: str
    name: str
    photo: Photo
    thumbnail: "np.ndarray"

    @classmethod
    def of(cls, key: str, name: str, photo: Photo) -> Self:
        """Return a photo with its thumbnail."""
        from fer_core.drawing import fit_long_side

        height, width = photo.rgb.shape[:2]
        side = min(height, width)
        # The upper part of a portrait, where faces mostly are.
        left = (width - side) // 2
        square = photo.rgb[:side, left : left + side]
        return cls(key, name, photo, fit_long_side(square, smallest=1, largest=_THUMBNAIL).copy())


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A file that is not a photo, with the reason for the visitor."""

    name: str
    message: str


@dataclass(frozen=True, slots=True, eq=False)
class SentFile:
    """A file that was not read yet.

    Attributes:
        key: stands for the file in the session.
        name: of the file.
        content: gives its bytes.
    """

    key: str
    name: str
    content: Callable[[], bytes]

    def read(self) -> ChosenPhoto | UnreadableFile:
        """Decode the file."""
        try:
            content = self.content()
            check_is_photo(content)
            return ChosenPhoto.of(self.key, self.name, decode(content))
        except ImageDecodeError as error:
            return UnreadableFile(self.name, str(error))
        except MemoryError:
            # `decode` says this of its own work; `content` copies the file.
            return UnreadableFile(self.name, NO_MEMORY)


@dataclass(frozen=True, slots=True, eq=False)
class Intake:
    """The photos of a visit, and the unreadable files of the last upload."""

    photos: tuple[ChosenPhoto, ...] = ()
    unreadable: tuple[UnreadableFile, ...] = ()

    def with_one_more(self, file: ChosenPhoto | UnreadableFile) -> "Intake":
        """Return the intake with a file added; as unreadable if the visit's pixel limit is exceeded."""
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
    """Show the photo intake and return the visitor's photos, from this page or another.

    Raises:
        BusyError: the server is busy; the given files are kept.
    """
    if visit_was_lost() and _INTAKE not in st.session_state:
        st.info(
            "**The connection to the server was lost.** Photos are kept in its memory only, so yours are "
            "gone. Please add them again.",
            icon=":material/restart_alt:",
        )
    tell_if_uploads_are_refused("Uploads and the camera")
    has_some = has_photos()
    if has_some:
        bar, ways = st.columns([5, 3], gap="medium")
    else:
        bar, ways = None, st.container()
    with ways:
        _offer_ways_in(is_small=has_some)
    if not has_some:
        _offer_examples()
        # Else whoever opens a link to a choice of networks would not see it arrive.
        if others_are_chosen():
            offer_networks()
    _read_what_was_sent()
    if has_some and not has_photos():
        # Of the first files none could be read: back to the first screen, with the reasons.
        st.rerun()
    if bar is not None:
        with bar:
            _show_bar()
            offer_networks()
    return current_intake()


def _offer_ways_in(*, is_small: bool) -> None:
    """Show the uploader, which also takes what is pasted anywhere on the page, and the camera."""
    generation = st.session_state.setdefault(_GENERATION, _new_generation())
    upload, camera = st.tabs([_UPLOAD, _CAMERA], key=_SOURCE, on_change="rerun")
    with upload:
        st.file_uploader(
            "Drop, paste or choose photos",
            accept_multiple_files=True,
            key=f"upload_{generation}",
            on_change=_take_widget,
            args=(f"upload_{generation}",),
            label_visibility="collapsed" if is_small else "visible",
        )
        take_pasted_files()
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


def _offer_examples() -> None:
    st.caption("Or try an example:")
    with st.container(horizontal=True):
        for example in EXAMPLES:
            with st.container(width=_EXAMPLE_WIDTH, gap="xxsmall"):
                st.image(_example_picture(example), width="stretch", alt=example.credit)
                st.button(
                    example.title,
                    key=f"example_{example.file.stem}",
                    help=example.credit,
                    width="stretch",
                    on_click=take_example,
                    args=(example,),
                )


@lru_cache
def _example_picture(example: Example) -> "np.ndarray":
    """Return an example's picture for its button, uint8 (side, side, 3): the upper square of the photo."""
    import numpy as np
    from PIL import Image, ImageOps

    # By Pillow, which is there already: what analyzing takes is loaded with the first photo.
    with Image.open(example.file) as image:
        return np.asarray(
            ImageOps.fit(
                image.convert("RGB"), (2 * _EXAMPLE_WIDTH, 2 * _EXAMPLE_WIDTH), centering=(0.5, 0)
            )
        )


def _show_bar() -> None:
    """Show a thumbnail of each photo of the visit, to select or remove it."""
    intake = current_intake()
    current = current_key(intake)
    with st.container(horizontal=True, key="photo_bar"):
        for photo in intake.photos:
            with st.container(width=_CARD_WIDTH, gap="xxsmall"):
                st.image(photo.thumbnail, width="stretch", alt=f"Thumbnail of {photo.name}")
                with st.container(horizontal=True, gap="xxsmall", wrap=False):
                    st.button(
                        "",
                        icon=_SHOWN if photo.key == current else _SHOW,
                        key=f"show_{photo.key}",
                        help=f"Show {name_as_code(photo.name)}",
                        type="primary" if photo.key == current else "secondary",
                        on_click=_select,
                        args=(photo.key,),
                    )
                    st.button(
                        "",
                        key=f"remove_{photo.key}",
                        help=f"Remove {name_as_code(photo.name)}",
                        icon=":material/close:",
                        type="tertiary",
                        on_click=_remove,
                        args=(photo.key,),
                    )


def has_photos() -> bool:
    """Return whether the visitor has added photos, read or not."""
    return bool(current_intake().photos or st.session_state.get(_SENT))


def current_key(intake: Intake) -> str | None:
    """Return the key of the current photo: the chosen one, else the newest; None without photos."""
    keys = [photo.key for photo in intake.photos]
    current = st.session_state.get(_CURRENT)
    return current if current in keys else keys[-1] if keys else None


def _select(key: str) -> None:
    st.session_state[_CURRENT] = key


def _remove(key: str) -> None:
    intake = current_intake()
    st.session_state[_INTAKE] = Intake(tuple(p for p in intake.photos if p.key != key))


def open_camera() -> None:
    """Open the camera tab the next time the intake is shown."""
    st.session_state[_SOURCE] = _CAMERA


def take_picture(name: str, image_rgb: "np.ndarray") -> None:
    """Add a picture, uint8 (H, W, 3), to the photos of the session."""
    from fer_core.drawing import encode_png

    take([SentFile(name, name, lambda: encode_png(image_rgb))])


def drop_picture(name: str) -> None:
    """Remove the picture that was added under this name, read or not."""
    st.session_state[_SENT] = tuple(f for f in st.session_state.get(_SENT, ()) if f.key != name)
    _remove(name)


def tell_if_uploads_are_refused(what: str) -> None:
    """If uploads are refused here, explain that those in `what` do not work, and where they do."""
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
    """Return the photos of this visit."""
    intake = st.session_state.get(_INTAKE)
    return intake if isinstance(intake, Intake) else Intake()


def _take_widget(key: str) -> None:
    value = st.session_state[key]
    files = value if isinstance(value, list) else [value] if value is not None else []
    take(SentFile(file.file_id, file.name, file.getvalue) for file in files)
    # The bar shows the added files; the widget is reset to empty.
    st.session_state[_GENERATION] = _new_generation()


def _new_generation() -> int:
    # Random, since a page that outlived its session still shows the files that it gave under the old keys.
    return secrets.randbelow(1_000_000_000)


def example_key(example: Example) -> str:
    """Return the key of an example in the session."""
    return f"example_{example.file.stem}"


def take_example(example: Example, *, is_stand_in: bool = False) -> None:
    """Add an example to the photos of the session.

    Args:
        example: to add.
        is_stand_in: whether it is dropped when the visitor adds a photo.
    """
    key = example_key(example)
    take([SentFile(key, example.file.name, example.file.read_bytes)])
    st.session_state[_STAND_IN] = key if is_stand_in else None


def take(files: Iterable[SentFile]) -> None:
    """Add files to the photos of the session; the last one becomes the current one, also if it was there."""
    given = list(files)
    known = {photo.key for photo in current_intake().photos}
    waiting = st.session_state.get(_SENT, ())
    sent = [file for file in given if file.key not in {*known, *(w.key for w in waiting)}]
    st.session_state[_SENT] = (*waiting, *sent)
    # What could not be read was said once.
    st.session_state[_INTAKE] = Intake(current_intake().photos)
    if given:
        st.session_state[_CURRENT] = given[-1].key


def _read_what_was_sent() -> None:
    """Decode waiting files one by one; the next rerun continues if this one is interrupted.

    Raises:
        BusyError: the server is busy; files that were not read yet are kept.
    """
    place = st.empty()
    while sent := st.session_state.get(_SENT):
        file, *others = sent
        with turn(partial(show_working, place)):
            read = file.read()
        intake = current_intake()
        stand_in = st.session_state.get(_STAND_IN)
        if isinstance(read, ChosenPhoto) and read.key != stand_in:
            own = tuple(photo for photo in intake.photos if photo.key != stand_in)
            intake = Intake(own, intake.unreadable)
        st.session_state[_INTAKE] = intake.with_one_more(read)
        st.session_state[_SENT] = tuple(others)
    place.empty()
