"""Studies: what was tried in training, as tables and figures, with the command that repeats it."""

import streamlit as st

from fer_core.errors import DataError
from fer_core.studies.plans import SearchPlan, read_plan, study_names
from pages.parts import studies
from pages.shared.verbatim import message_as_text

st.title("What was tried in training")
st.markdown(
    "Each study is a planned set of runs that differ in a few settings. Every figure comes from the tables "
    "that its command leaves."
)

names = study_names()
if not names:
    studies.show_none()
else:
    name = st.selectbox("Study", names, key="study", bind="query-params")
    try:
        plan = read_plan(name)
        st.header(plan.title)
        st.markdown(plan.question)
        if isinstance(plan, SearchPlan):
            studies.show_search(plan)
        else:
            studies.show_study(plan)
    except DataError as error:
        st.error(message_as_text(error), icon=":material/report:")
