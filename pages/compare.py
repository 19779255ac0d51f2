"""Compare: two networks on one face, the odds of their predictions, explanations, and what-if changes."""

import streamlit as st

from pages.parts.compare import networks, odds, overall, what_if, why
from pages.shared import notes, results
from pages.shared.current_photo import current_photo
from pages.shared.examples import OFFICER

st.title("Compare two networks")
st.markdown(
    "See what two networks predict for one face, how often such predictions are right, and what changes them."
)

current = current_photo(example=OFFICER)
if current is not None:
    photo, analysis = current.photo, current.analysis
    notes.show_stand_in(photo)
    notes.show_turned(analysis)
    number = results.choose_face(photo, analysis)
    face = analysis.faces[number - 1] if number else None
    if number is None or face is None:
        notes.show_no_face(analysis)
    else:
        results.show_face(photo, analysis, number)
        if len(face.predictions) < 2:
            networks.show_only_one()
        else:
            odds.show_odds(face)
            shape = why.average_face() if face.face.mesh else None
            if shape:
                what_if.show_what_if(photo, analysis, number, shape)
            why.show_pixels(photo, face, number)
            if face.face.mesh is None:
                notes.show_no_landmarks()
            elif shape:
                why.show_regions(face, number, shape)
            overall.show_overall(*networks.pair_of(face))
        networks.show_seconds(analysis)

notes.show_fair_use()
