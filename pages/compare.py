"""Compare: both networks on one face, why they answer so, and which of them to trust."""

import streamlit as st

from pages.parts import compare
from pages.shared import notes, results
from pages.shared.models import current_photo

st.title("Compare the two opinions")
st.markdown(
    "One network sees the pixels of a face, the other the pixels and where its landmarks lie. Does that "
    "second look help?"
)

current = current_photo(or_example=True)
if current is not None:
    photo, analysis = current.photo, current.analysis
    notes.show_turned(analysis)
    number = results.choose_face(photo, analysis)
    face = analysis.faces[number - 1] if number else None
    if number is None or face is None:
        notes.show_no_face(analysis)
    else:
        results.show_face(photo, analysis, number)
        compare.show_seconds(analysis)
        if len(face.predictions) < 2:
            compare.show_only_one()
        else:
            compare.show_trust(face)
            compare.show_pixels(photo, face)
            if face.face.mesh is None:
                notes.show_no_landmarks()
            elif shape := compare.average_face():
                compare.show_regions(face, number, shape)
                compare.show_what_if(photo, face, number, shape)

notes.show_fair_use()
