"""Landmarks: where the features of a face are, its action units, and the pose of the head."""

import streamlit as st

from pages.parts import landmarks
from pages.shared import notes, results
from pages.shared.current_photo import current_photo
from pages.shared.examples import ASTRONAUT

st.title("See the landmarks of a face")
st.markdown(
    "MediaPipe's 478 landmarks, with estimated action units, head pose, gaze and blendshapes."
)

current = current_photo(example=ASTRONAUT)
if current is not None:
    photo, analysis = current.photo, current.analysis
    notes.show_stand_in(photo)
    notes.show_turned(analysis)
    number = results.choose_face(photo, analysis)
    face = analysis.faces[number - 1].face if number else None
    mesh = face.mesh if face else None
    if number is None or face is None:
        notes.show_no_face(analysis)
    elif mesh is None:
        notes.show_no_landmarks()
    else:
        left, right = st.columns(2, gap="medium")
        with left:
            landmarks.show_overlays(photo, face, mesh, number)
        with right:
            landmarks.show_numbers_or_mesh(mesh, number)
            results.offer_full_record(photo, analysis)

notes.show_fair_use()
