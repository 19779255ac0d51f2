"""Evaluation: accuracy, confusions and confidence of each network on labelled faces."""

import streamlit as st

from pages.parts.evaluation.choice import choose_predictions
from pages.parts.evaluation.questions import QUESTIONS
from pages.shared.links import linked, tell_unknown

st.title("Evaluation")
st.caption(
    "Every figure is computed from stored predictions on labelled faces. "
    "The URL keeps your selection: bookmark or share it."
)

words = list(QUESTIONS)
tell_unknown("view", words)
# The choice stands above the views, of which some have faces of their own.
named = st.query_params.get("view", words[0])
applies = named not in QUESTIONS or QUESTIONS[named].is_of_chosen
chosen = choose_predictions(applies=applies)
if chosen is not None:
    on_change = linked("view", {word: word for word in words}, words[0], key="view")
    view = st.pills(
        "View",
        words,
        format_func=lambda word: QUESTIONS[word].title,
        required=True,
        key="view",
        on_change=on_change,
        label_visibility="collapsed",
    )
    question = QUESTIONS[str(view)]
    if question.is_of_chosen and not question.has_captions:
        st.caption(chosen.on)
    question.show(chosen)
