"""Live: the camera's picture with every face's apparent expression on it, as it changes."""

import streamlit as st

from pages.parts.live import camera
from pages.shared import notes

st.title("See expressions live")
st.markdown(
    "Your browser sends small pictures of the camera to this server, which answers with each face's "
    "landmarks and two predictions. Pictures are not stored."
)

camera.show_camera(camera.load_visit())
camera.show_frozen()
camera.offer_photo()

notes.show_fair_use()
