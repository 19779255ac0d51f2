"""Experiments: each study of training as tables and figures, with the command that reproduces it."""

import streamlit as st

from fer_core.errors import DataError
from fer_core.studies.plans import SearchPlan, read_plan, study_names
from pages.parts import studies
from pages.shared.links import linked, tell_unknown
from pages.shared.verbatim import public_message

st.title("Experiments")
st.caption(
    "Training runs that differ in a few settings. "
    "The URL keeps your selection: bookmark or share it."
)

names = study_names()
if not names:
    studies.show_none()
else:
    tell_unknown("study", names)
    on_change = linked("study", {name: name for name in names}, names[0], key="study")
    name = st.selectbox(
        "Experiment",
        names,
        format_func=studies.study_title,
        key="study",
        on_change=on_change,
        width=480,
    )
    try:
        plan = read_plan(name)
        st.header(plan.title)
        st.markdown(plan.question)
        if isinstance(plan, SearchPlan):
            studies.show_search(plan)
        else:
            studies.show_study(plan)
    except DataError as error:
        st.error(public_message(error), icon=":material/report:")
