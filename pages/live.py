"""Live: each face's apparent expression in the camera's picture, in real time."""

import streamlit as st

from pages.parts.live import camera
from pages.shared import notes
from pages.shared.networks import offer_networks

st.title("See expressions live")
st.markdown(
    "Your browser sends small pictures of the camera to this server, which answers with each face's "
    "landmarks and each network's prediction. Pictures are not stored."
)

offer_networks()
camera.show_camera(camera.load_visit())
camera.show_frozen()
camera.offer_photo()

notes.show_fair_use()
