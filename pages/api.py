"""API: how programs send photos to this server, its responses, and example programs."""

import streamlit as st

from pages.parts import api
from pages.shared import notes
from pages.shared.address import api_address

st.title("Use it from a program")
st.markdown(
    "Send a photo over HTTP and get every face with its apparent expression, as JSON. Predictions, limits "
    "and privacy are those of the pages: photos are processed in memory on this server and not stored."
)

if api.is_offered():
    address = api_address()
    api.show_token()
    st.subheader("Examples")
    api.show_examples(address)
    st.subheader("Requests")
    api.show_addresses(address)
    st.subheader("Response")
    api.show_fields()
    st.subheader("Limits")
    api.show_limits()
else:
    api.show_switched_off()

notes.show_fair_use()
