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

words = {word: word for word in QUESTIONS}
tell_unknown("view", words)
on_change = linked("view", words, next(iter(words)), key="view")
question = QUESTIONS[st.session_state["view"]]
# The choice stands above the views, of which some have faces of their own.
choice = st.container()
st.pills(
    "View",
    list(words),
    format_func=lambda word: QUESTIONS[word].title,
    required=True,
    key="view",
    on_change=on_change,
    label_visibility="collapsed",
)
with choice:
    chosen = choose_predictions(applies=question.is_of_chosen)
if chosen is not None:
    if question.is_of_chosen and not question.has_captions:
        st.caption(chosen.on)
    question.show(chosen)
