"""The photo intake of all pages: uploads, clipboard, camera, examples, and a bar of the visit's photos."""

import secrets
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import streamlit as st

from pages.shared import notes
from pages.shared.connection import uploads_are_refused
from pages.shared.examples import EXAMPLES, Example
from pages.shared.networks import offer_networks, others_are_chosen
from pages.shared.paste_drop import take_pasted_and_dropped_files
from pages.shared.uploads import delete_uploads, still_there
from pages.shared.verbatim import name_as_code
from pages.shared.visit_photos import (
    ChosenPhoto,
    Intake,
    SentFile,
    current_intake,
    current_key,
    has_own_photos,
    has_photos,
    is_stand_in,
    read_what_was_sent,
    remove,
    select,
    take,
    take_example,
    took_any,
)

if TYPE_CHECKING:
    import numpy as np

_STYLE: Final = Path(__file__).parent / "photo_bar.css"
#: Pixels. A thumbnail, and the two buttons beside the thumbnails.
_CARD_WIDTH: Final = 80
_ADD_WIDTH: Final = 128
_EXAMPLE_WIDTH: Final = 136
_SHOW, _SHOWN = ":material/visibility:", ":material/check:"
_UPLOAD, _CAMERA = "Upload", "Camera"
# Keys in the session.
_GENERATION: Final = "intake_generation"
_SOURCE: Final = "photo_source"
_CAMERA_IS_OPEN: Final = "camera_is_open"


def offer_photos() -> Intake:
    """Show the photo intake and return the visitor's photos, from this page or another.

    Raises:
        BusyError: the server is busy; the given files are kept.
    """
    if not took_any():
        notes.show_lost_visit()
    tell_if_uploads_are_refused("Uploads and the camera")
    had_some = has_photos()
    if had_some:
        # The files that were just given are read first, so that the bar shows them.
        bar = st.container(horizontal=True, vertical_alignment="center")
    else:
        _offer_first_ways_in()
        _offer_examples()
        # Else whoever opens a link to a choice of networks would not see it arrive.
        if others_are_chosen():
            offer_networks()
    read_what_was_sent()
    if not had_some:
        return current_intake()
    if not has_photos():
        # Of the first files none could be read: back to the first screen, with the reasons.
        st.rerun()
    with bar:
        _show_bar()
        with st.container(width="content"):
            offer_networks()
    return current_intake()


def _offer_first_ways_in() -> None:
    """Show a large uploader and the camera."""
    upload, camera = st.tabs([_UPLOAD, _CAMERA], key=_SOURCE, on_change="rerun")
    with upload:
        _show_uploader(label_visibility="visible")
    # Only in the open tab: the browser asks for the camera as soon as the widget is there.
    if camera.open:
        with camera:
            _show_camera()


def _offer_more() -> None:
    """Show a small uploader and the camera."""
    _show_uploader(label_visibility="collapsed")
    camera = st.popover(
        _CAMERA,
        icon=":material/photo_camera:",
        width="stretch",
        key=_CAMERA_IS_OPEN,
        on_change="rerun",
    )
    if camera.open:
        with camera:
            _show_camera()


def _show_uploader(*, label_visibility: Literal["visible", "collapsed"]) -> None:
    key = f"upload_{_generation()}"
    st.file_uploader(
        "Drop, paste or choose photos",
        accept_multiple_files=True,
        key=key,
        on_change=_take_widget,
        args=(key,),
        label_visibility=label_visibility,
    )
    take_pasted_and_dropped_files()


def _show_camera() -> None:
    key = f"camera_{_generation()}"
    st.camera_input(
        "Take a picture",
        resolution="720p",
        width=480,
        key=key,
        on_change=_take_widget,
        args=(key,),
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
    """Show a thumbnail of each photo of the visit, to select or remove it, and ways to add others."""
    st.html(_STYLE)
    intake = current_intake()
    current = current_key(intake)
    with st.container(horizontal=True, width="content", key="photo_bar"):
        for photo in intake.photos:
            with st.container(width=_CARD_WIDTH, gap=None, key=f"thumbnail_{photo.key}"):
                _show_thumbnail(photo, is_current=photo.key == current)
        with st.container(width=_ADD_WIDTH, gap="xxsmall", key="add_photos"):
            _offer_more()


def _show_thumbnail(photo: ChosenPhoto, *, is_current: bool) -> None:
    """Show a photo's thumbnail with a button over it that selects it, and one that removes it."""
    st.image(photo.thumbnail, width="stretch", alt=f"Thumbnail of {photo.name}")
    # The labels are read by screen readers alone: the style hides them.
    st.button(
        f"{'Shown' if is_current else 'Show'}: {name_as_code(photo.name)}",
        icon=_SHOWN if is_current else _SHOW,
        key=f"show_{photo.key}",
        help=f"Show {name_as_code(photo.name)}",
        type="primary" if is_current else "secondary",
        width="stretch",
        on_click=select,
        args=(photo.key,),
    )
    if is_stand_in(photo):
        # It goes by itself when the visitor adds a photo.
        return
    st.button(
        f"Remove {name_as_code(photo.name)}",
        key=f"remove_{photo.key}",
        help=f"Remove {name_as_code(photo.name)}",
        icon=":material/close:",
        on_click=remove,
        args=(photo.key,),
    )


def open_camera() -> None:
    """Open the camera the next time the intake is shown."""
    if has_own_photos():
        st.session_state[_CAMERA_IS_OPEN] = True
    else:
        st.session_state[_SOURCE] = _CAMERA


def tell_if_uploads_are_refused(what: str) -> None:
    """If uploads are refused here, explain that those in `what` do not work, and where they do."""
    if uploads_are_refused():
        st.warning(
            f"**{what} do not work here.** Your browser blocks the cookie that protects them. Browsers do "
            "this when a page is embedded in another site. Open the app in its own tab.",
            icon=":material/tab_close:",
        )
        if st.context.url:
            st.link_button("Open in a tab", st.context.url, icon=":material/open_in_new:")


def _take_widget(key: str) -> None:
    value = st.session_state[key]
    listed = value if isinstance(value, list) else [value] if value is not None else []
    files = still_there(listed)
    if listed and not files:
        return
    take(SentFile(file.file_id, file.name, file.getvalue) for file in files)
    # What waits to be read holds its bytes itself.
    delete_uploads(file.file_id for file in files)
    # The bar shows the added files; the widget is reset to empty, and the camera is switched off.
    st.session_state[_GENERATION] = _new_generation()
    st.session_state[_CAMERA_IS_OPEN] = False


def _generation() -> int:
    """Return what the keys of the intake's widgets end with: other widgets after each use."""
    return int(st.session_state.setdefault(_GENERATION, _new_generation()))


def _new_generation() -> int:
    # Random, since a page that outlived its session still shows the files that it gave under the old keys.
    return secrets.randbelow(1_000_000_000)
