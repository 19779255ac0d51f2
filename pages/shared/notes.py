"""Notes for visitors: the meaning of predictions, their limits, and messages about a photo."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.connection import visit_was_lost
from pages.shared.examples import EXAMPLES
from pages.shared.visit_photos import ChosenPhoto, example_key, is_stand_in

if TYPE_CHECKING:
    from fer_core.analysis import Analysis


def show_fair_use() -> None:
    """Show the fair-use line; the About page has the details."""
    st.caption(
        "Apparent expression, not emotion. Not for decisions at work, in school, in policing or in medicine. "
        "Photos are not stored."
    )
    # A link in the caption would open a new tab, without the visit's photos.
    st.page_link("../about.py", label="How accurate is it?", icon=":material/info:")


def show_lost_visit() -> None:
    """Explain why a visitor's photos are gone, if the server does not know the visit any more."""
    if visit_was_lost():
        st.info(
            "**The connection to the server was lost.** Photos are kept in its memory only, so yours are "
            "gone. Please add them again.",
            icon=":material/restart_alt:",
        )


def show_stand_in(photo: ChosenPhoto) -> None:
    """Name the example that is shown until the visitor adds a photo, if it is one."""
    if is_stand_in(photo):
        credit = next(e.credit for e in EXAMPLES if example_key(e) == photo.key)
        st.caption(f"Example: {credit} Add your own photo above.")


def show_no_landmarks() -> None:
    """Explain why a found face has no landmarks."""
    st.info(
        "**This face has no landmarks**, for instance because it is turned away or covered.",
        icon=":material/face_retouching_off:",
    )


def show_no_face(analysis: "Analysis") -> None:
    """Explain the search and what to try if no face was found."""
    st.info(
        "**No face found in this photo.** The photo was searched for faces of at least "
        f"{analysis.smallest_face_pixels} pixels, and for large faces also in the other three orientations. "
        "What may help:\n"
        "- a face that looks towards the camera, with eyes and mouth in view\n"
        "- the original photo, if this is a reduced copy\n"
        "- more light",
        icon=":material/person_search:",
    )


def show_turned(analysis: "Analysis") -> None:
    """State that a photo was turned, if it was."""
    if analysis.quarter_turns:
        turn = ("a quarter turn to the left", "half a turn", "a quarter turn to the right")
        st.info(
            f"**This photo was turned.** Its faces are upright after {turn[analysis.quarter_turns - 1]}.",
            icon=":material/rotate_90_degrees_ccw:",
        )
