"""Analyze: a photo in, every face in it with its apparent expression out."""

import streamlit as st

from pages.shared import notes, results
from pages.shared.models import current_photo

st.title("See the expressions in a photo")
st.markdown(
    "Every face gets a number, the expression that it appears to show, and how sure the model is."
)

current = current_photo()
if current is not None:
    photo, analysis = current.photo, current.analysis
    notes.show_turned(analysis)
    left, right = st.columns([5, 4], gap="medium")
    with left:
        results.show_photo(photo, analysis)
        number = results.choose_face(photo, analysis)
        results.offer_downloads(photo, current.intake, current.analyses)
    with right:
        if number is None:
            notes.show_no_face(analysis)
        else:
            results.show_face(photo, analysis, number)

notes.show_limits()
