"""Predictions for a changed face: sliders and presets that warp it."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.faces.shape import Movement
from pages.parts.compare.bars import show_change
from pages.parts.compare.networks import pair_of
from pages.shared.loading import load_classifiers
from pages.shared.visit_photos import ChosenPhoto

if TYPE_CHECKING:
    from fer_core.analysis import Analysis
    from fer_core.faces.shape import FaceShape

#: Movements that have a slider, with where it begins: a face can also smile less, or close its mouth.
_SLIDERS: Final = {
    Movement.SMILE: -1.0,
    Movement.FROWN: 0.0,
    Movement.JAW_OPEN: -1.0,
    Movement.BROWS_UP: 0.0,
    Movement.BROWS_DOWN: 0.0,
    Movement.EYES_WIDE: 0.0,
}
#: What each preset sets the sliders to; those that it does not name go to 0. A smile is taken back first: on
#: a face without one this changes nothing.
_PRESETS: Final[Mapping[str, Mapping[Movement, float]]] = {
    "Make it smile": {Movement.SMILE: 1.0},
    "Make it frown": {Movement.SMILE: -1.0, Movement.FROWN: 1.0, Movement.BROWS_DOWN: 1.0},
    "Surprise": {
        Movement.SMILE: -1.0,
        Movement.JAW_OPEN: 0.8,
        Movement.BROWS_UP: 1.0,
        Movement.EYES_WIDE: 0.6,
    },
    "Reset": {},
}
_ICONS: Final = {
    "Make it smile": ":material/sentiment_satisfied:",
    "Make it frown": ":material/sentiment_dissatisfied:",
    "Surprise": ":material/sentiment_excited:",
    "Reset": ":material/undo:",
}
_WIDTH: Final = 240
_STYLE: Final = Path(__file__).parent / "what_if.css"
_SHOWN_SIDE: Final = 480


# A slider reruns this alone, not the page.
@st.fragment
def show_what_if(photo: ChosenPhoto, analysis: "Analysis", number: int, shape: "FaceShape") -> None:
    """Offer movements of the face, and show both networks' predictions for the result."""
    from fer_core.drawing import fit_long_side
    from fer_core.faces.warp import portrait
    from fer_core.networks.explain import what_if

    st.subheader("What if the face moved?")
    place = f"what_if_{photo.key}_{number}"
    with st.container(horizontal=True):
        for name, preset in _PRESETS.items():
            st.button(
                name,
                key=f"{place}_{name}",
                icon=_ICONS[name],
                on_click=_set_sliders,
                args=(place, preset),
            )
    st.html(_STYLE)
    view, sliders = st.columns([7, 3], gap="medium")
    with sliders:
        amounts = {movement: _slider(movement, place) for movement in _SLIDERS}
    face = analysis.faces[number - 1]
    before = pair_of(face)
    shown, after = portrait(photo.photo.rgb, face.face, analysis.framing), before
    if any(amounts.values()):
        classifiers = load_classifiers()[0]
        shown, predictions = what_if({n: classifiers[n] for n in before}, shown, shape, amounts)
        after = {
            name: dataclasses.replace(prediction, is_doubtful=before[name].is_doubtful)
            for name, prediction in predictions.items()
        }
    moved = ", ".join(f"{m} {amount:+.0%}" for m, amount in amounts.items() if amount)
    with view, st.container(horizontal=True, wrap=False, gap="medium", key="what_if"):
        with st.container(width=_WIDTH):
            st.image(
                fit_long_side(shown.rgb, smallest=_SHOWN_SIDE, largest=_SHOWN_SIDE),
                width="stretch",
                output_format="JPEG",
                alt=f"Face {number}, {moved or 'original'}",
            )
        show_change(
            {name: (was, after[name]) for name, was in before.items()},
            alt=f"Probabilities for face {number}, {moved or 'original'}",
        )
    st.caption(
        "If a prediction changes, the network relies on what you moved. If not, it relies more on the rest."
    )
    with st.expander("Details"):
        st.markdown(
            "How landmarks move with each blendshape was estimated on FER2013's training faces. The pixels "
            "follow by a piecewise affine warp. This shows what the networks make of a shape, not what this "
            "person would look like. Teeth stay, so frowning changes a broad smile little."
        )


def _slider(movement: Movement, place: str) -> float:
    key = _key(place, movement)
    # In place of a default: presets set it through the session, and Streamlit warns where both do.
    st.session_state.setdefault(key, 0.0)
    return st.slider(
        str(movement).capitalize(),
        _SLIDERS[movement],
        1.0,
        step=0.05,
        format="percent",
        key=key,
    )


def _set_sliders(place: str, preset: Mapping[Movement, float]) -> None:
    for movement in _SLIDERS:
        st.session_state[_key(place, movement)] = preset.get(movement, 0.0)


def _key(place: str, movement: Movement) -> str:
    return f"{place}_{movement.name}"
