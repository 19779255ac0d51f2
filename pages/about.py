"""About: the meaning of predictions, their accuracy, and the handling of photos."""

import streamlit as st

from pages.parts import about

st.title("About Second Look")
about.show_meaning()
about.show_accuracy()
about.show_limits()
about.show_fair_use()
about.show_privacy()
about.show_sources()
