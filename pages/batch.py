"""Batch: many photos at once in a table and in sum, and videos with every face over time."""

from functools import partial

import streamlit as st

from pages.parts.batch import results
from pages.parts.batch.videos import show_videos
from pages.parts.batch.work import current_batch, current_videos, go_on
from pages.shared import notes

st.title("See the expressions in many photos, and in videos")
st.markdown(
    "Photos: every face in a table, with what both networks say and what it all adds up to. Videos: every "
    "face followed, its expression over time, and when it changes."
)

batch = current_batch()
show_videos(current_videos())
bar = st.empty()
if batch is not None and batch.results and not batch.is_looking:
    place = st.container()
    with place:
        results.show_results(batch)
else:
    # Not a container: what stood there before would stay, in grey, for as long as the work takes.
    place = st.empty()
notes.show_fair_use()
if batch is not None and batch.is_busy:
    go_on(batch, bar, partial(results.show_growing_table, place))
