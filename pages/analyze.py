"""Photo: upload a photo to see each face's apparent expression."""

from functools import partial

import streamlit as st

from pages.shared import notes, results
from pages.shared.current_photo import current_photo
from pages.shared.visit_photos import has_own_photos

st.title("See the expressions in a photo")
if not has_own_photos():
    st.markdown(
        "Upload a photo to see each face's apparent expression and each network's confidence."
    )

current = current_photo()
if current is not None:
    photo, analysis = current.photo, current.analysis
    notes.show_turned(analysis)
    left, right = st.columns([5, 4], gap="medium")
    with left:
        results.show_photo(
            photo,
            analysis,
            number=results.chosen_face(photo, analysis),
            choose=partial(results.remember_face, photo.key),
        )
        number = results.choose_face(photo, analysis)
    with right:
        if number is None:
            notes.show_no_face(analysis)
        else:
            results.show_face(photo, analysis, number, links=True)
        results.offer_downloads(photo, current.intake, current.analyses)

notes.show_fair_use()
