"""Models: every network that is here, from what it sees and costs to where it comes from."""

import streamlit as st

from pages.parts import models
from pages.shared import notes

st.title("Look into the models")
st.markdown(
    "Each network with what it sees, what it was measured to be worth, how it is built, how fast it is, "
    "and where its weights come from."
)

bundle = models.choose_bundle()
if bundle is not None:
    layers = models.layers_or_explain(bundle)
    models.show_facts(bundle, layers)
    models.show_measured(bundle)
    if layers:
        models.show_architecture(bundle, layers)
    models.show_speed(bundle)
    models.show_training(bundle)
    models.show_files(bundle)
    models.show_card(bundle)

notes.show_fair_use()
