"""Notes for visitors: the meaning of predictions, their limits, and messages about a photo."""

from typing import TYPE_CHECKING

import streamlit as st

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
