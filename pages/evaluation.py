"""Evaluation: how good each network is, on which faces, how sure, and compared with what."""

import streamlit as st

from pages.parts.evaluation import questions as parts
from pages.parts.evaluation.choice import choose_predictions

st.title("How good are they?")
st.markdown(
    "Every figure on this page is computed from what the networks said about faces with known labels. "
    "The address of the page brings back what you see."
)

chosen = choose_predictions()
if chosen is not None:
    question = st.pills(
        "Question",
        list(parts.QUESTIONS),
        default=next(iter(parts.QUESTIONS)),
        required=True,
        key="question",
        bind="query-params",
        label_visibility="collapsed",
    )
    parts.QUESTIONS[question](chosen)
