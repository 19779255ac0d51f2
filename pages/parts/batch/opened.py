"""An open photo of a batch: the photo with its faces, one face in detail, and navigation."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from fer_core.errors import BusyError, ImageDecodeError
from fer_core.photos.decode import decode
from pages.parts.batch.work import Batch
from pages.shared import notes, results
from pages.shared.verbatim import message_as_text, name_as_code
from pages.shared.visit_photos import ChosenPhoto, SentFile, take
from pages.shared.waiting import place_in_queue, show_busy, show_working

if TYPE_CHECKING:
    from fer_core.batch.results import PhotoResult

#: Scrolls to where the opened photo begins, since the face that was clicked may be far below, and tells its
#: name and place to screen readers.
_top = st.components.v2.component(
    "opened_photo",
    html='<span tabindex="-1" role="status"></span>',
    # Below Streamlit's header, which stays in view.
    css="span { display: block; height: 1px; overflow: hidden; outline: none; scroll-margin-top: 4.5rem; }",
    js="""
export default function ({ parentElement, data }) {
  const top = parentElement.querySelector("span");
  const isNew = top.textContent === "";
  if (top.textContent !== data) top.textContent = data;
  if (isNew) {
    top.focus({ preventScroll: true });
    top.scrollIntoView();
  }
}
""",
)
_OPENED: Final = "batch_opened"
_LAST: Final = "batch_last_opened"


# What a widget calls outlives the visit, as Streamlit keeps widgets: so it holds ids alone.
def open_face(face: str) -> None:
    """Open a photo.

    Args:
        face: id of one of its faces: "NUMBER:KEY", the face's number, 0 for a photo without a face, and the
            photo's key in its batch.
    """
    st.session_state[_OPENED] = st.session_state[_LAST] = face


def _open_other(key: str, number: int) -> None:
    """Open another face of the photo with a key."""
    open_face(f"{number}:{key}")


def close_photo() -> None:
    """Go back to all photos."""
    st.session_state.pop(_OPENED, None)


def opened_face(batch: Batch) -> str | None:
    """Return the id of the open face; None without one, or if its photo is gone."""
    face = st.session_state.get(_OPENED)
    number, _, key = str(face).partition(":")
    if face is None or key not in batch.results:
        return None
    return str(face) if int(number) <= len(batch.results[key].faces) else None


def last_opened() -> str | None:
    """Return the id of the last open face, after going back from it."""
    face = st.session_state.pop(_LAST, None)
    return str(face) if face else None


def show_opened(batch: Batch, face: str, others: Sequence[str]) -> None:
    """Show the photo of a face, with navigation back and to other faces.

    Args:
        batch: that the photo is of.
        face: id of the face.
        others: ids of the faces in the rows that are shown, this one among them or not.
    """
    number, _, key = face.partition(":")
    place = f", {others.index(face) + 1:,} of {len(others):,}" if face in others else ""
    _top(key="batch_top", data=f"{batch.results[key].name}{place}")
    _show_ways(face, others)
    _show_photo(batch.files[key], batch.results[key], key, int(number))


def _show_ways(face: str, others: Sequence[str]) -> None:
    place = others.index(face) if face in others else None
    before = others[place - 1] if place else None
    after = others[place + 1] if place is not None and place + 1 < len(others) else None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Back",
            icon=":material/arrow_back:",
            on_click=close_photo,
            type="primary",
            key="batch_back",
        )
        for label, icon, arrow, other in (
            ("Previous", ":material/chevron_left:", "ArrowLeft", before),
            ("Next", ":material/chevron_right:", "ArrowRight", after),
        ):
            st.button(
                label,
                icon=icon,
                on_click=open_face,
                args=(other,),
                disabled=other is None,
                key=f"batch_{label.lower()}",
                shortcut=arrow,
            )
        if place is not None:
            st.markdown(f"{place + 1:,} of {len(others):,}")


def _show_photo(file: Any, result: "PhotoResult", key: str, number: int) -> None:
    """Decode a photo again and show it, with the chosen face in detail."""
    if result.analysis is None:
        st.error(
            f"{name_as_code(result.name)}: {message_as_text(result.error)}",
            icon=":material/broken_image:",
        )
        return
    place = st.empty()
    try:
        with place_in_queue(partial(show_working, place)):
            upright = result.analysis.shown(decode(file.read()))
            photo = ChosenPhoto.of("batch", result.name, upright)
    except BusyError as error:
        show_busy(error, key="busy-row")
        return
    except ImageDecodeError as error:
        st.error(message_as_text(error), icon=":material/broken_image:")
        return
    finally:
        place.empty()
    notes.show_turned(result.analysis)
    left, right = st.columns([5, 4], gap="medium")
    with left:
        results.show_photo(
            photo,
            result.analysis,
            number=number or None,
            choose=partial(_open_other, key),
        )
    with right:
        if number:
            results.show_face(photo, result.analysis, number)
            _offer_comparison(file, key, number)
        else:
            notes.show_no_face(result.analysis)


def _offer_comparison(file: Any, key: str, number: int) -> None:
    """Offer to open the photo on the Compare page, with the same face selected."""
    if st.button("Compare the networks", icon=":material/compare:"):
        sent = SentFile(f"batch_{key}", file.name, file.read)
        take([sent])
        results.remember_face(sent.key, number)
        st.switch_page("../compare.py")
