"""Analyze: a photo in, every face in it with its apparent expression out."""

import streamlit as st

from fer_core.errors import FerError
from pages.shared import notes, results
from pages.shared.models import analyze_photos
from pages.shared.photo_intake import choose_photo, offer_photos

st.title("See the expressions in a photo")
st.markdown(
    "Every face gets a number, the expression that it appears to show, and how sure the model is."
)

intake = offer_photos()
for file in intake.unreadable:
    st.error(f"**{file.name}**: {file.message}", icon=":material/broken_image:")

try:
    analyses = analyze_photos(intake.photos)
except FerError as error:
    notes.show_model_error(error)
    st.stop()

photo = choose_photo(intake, analyses)
if photo is not None:
    analysis = analyses[photo.key]
    left, right = st.columns([5, 4], gap="medium")
    with left:
        results.show_photo(photo, analysis)
        number = results.choose_face(photo, analysis)
        results.offer_downloads(photo, intake, analyses)
    with right:
        if number is None:
            notes.show_no_face()
        else:
            results.show_face(photo, analysis, number)

notes.show_limits()
