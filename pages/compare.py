"""Compare: both networks on one face, why they answer so, and which of them to trust."""

import streamlit as st

from fer_core.bundles import opinions
from pages.shared import notes, results, second_opinion
from pages.shared.entry import enter_through_app
from pages.shared.models import current_photo

enter_through_app("pages/compare.py")

st.title("Compare the two opinions")
st.markdown(
    "One network sees the pixels of a face, the other the pixels and where its landmarks lie. Does that "
    "second look help?"
)

current = current_photo()
if len(opinions()) < 2:
    second_opinion.show_only_one()
elif current is not None:
    photo, analysis = current.photo, current.analysis
    number = results.choose_face(photo, analysis)
    if number is None:
        notes.show_no_face()
    else:
        results.show_face(photo, analysis, number)
        second_opinion.show_seconds(analysis)
        second_opinion.show_trust(analysis, number)
        second_opinion.show_pixels(photo, analysis, number)
        if analysis.faces[number - 1].face.mesh is None:
            notes.show_no_landmarks()
        else:
            second_opinion.show_regions(analysis, number)
            second_opinion.show_what_if(photo, analysis, number)

notes.show_limits()
