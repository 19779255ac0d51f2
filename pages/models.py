"""Models: every network that is here, from what it sees and costs to where it comes from."""

import streamlit as st

from pages.shared import model_parts, notes
from pages.shared.entry import enter_through_app

enter_through_app("pages/models.py")

st.title("Look into the models")
st.markdown(
    "Each network with what it sees, what it was measured to be worth, how it is built, how fast it is, "
    "and where its weights come from."
)

bundle = model_parts.choose_bundle()
if bundle is not None:
    layers = model_parts.layers_or_explain(bundle)
    model_parts.show_facts(bundle, layers)
    model_parts.show_measured(bundle)
    if layers:
        model_parts.show_architecture(bundle, layers)
    model_parts.show_speed(bundle)
    model_parts.show_training(bundle)
    model_parts.show_files(bundle)
    model_parts.show_card(bundle)

notes.show_limits()
