"""Batch: many photos at once in a table, a contact sheet and charts, and videos with every face over time."""

from functools import partial

import streamlit as st

from pages.parts.batch import results
from pages.parts.batch.intake import current_batch, current_videos, resume
from pages.parts.batch.videos import show_videos
from pages.shared import notes

st.title("Batch and video")
st.markdown(
    "Upload many files to see each face's apparent expression and each network's confidence."
)

batch = current_batch()
videos = current_videos()
work_on_video = show_videos(videos, waits=batch is not None and batch.is_busy)
if videos and batch is not None:
    st.divider()
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
    # Photos come first: they take seconds, a video minutes.
    resume(batch, bar, partial(results.show_growing_table, place))
elif work_on_video is not None:
    work_on_video()
