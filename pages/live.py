"""Live: the camera's picture with every face's apparent expression on it, as it changes."""

import streamlit as st

from pages.parts import live
from pages.shared import notes

st.title("See expressions live")
st.markdown(
    "The camera's picture goes to this server, and comes back with every face's landmarks and two opinions "
    "on its expression. Nothing is recorded."
)

camera = live.load_camera()
left, right = st.columns([5, 4], gap="medium")
with left:
    connection = live.show_camera(camera)
    live.offer_snapshot(connection)
    live.offer_freeze(connection)
with right:
    live.show_answers(connection)

notes.show_limits()
