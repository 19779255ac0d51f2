"""Models: each network with its input, accuracy, architecture, speed, training and files."""

import streamlit as st

from pages.parts.models import facts, files, opened, training
from pages.shared import notes

st.title("Models")
st.caption(
    "Each network with its accuracy, architecture, speed, training and files. "
    "The URL keeps your selection: bookmark or share it."
)

bundle = opened.choose_bundle()
if bundle is not None:
    layers = opened.layers_or_explain(bundle)
    facts.show_facts(bundle, layers)
    facts.show_measured(bundle)
    if layers:
        training.show_architecture(bundle, layers)
    training.show_speed(bundle)
    training.show_training(bundle)
    files.show_files(bundle)
    files.show_card(bundle)

notes.show_fair_use()
