"""Second Look: page configuration, navigation and the sidebar that all pages share."""

from pathlib import Path

import streamlit as st

from pages.server.kept_files import keep_files_for_a_while
from pages.server.leaving import forget_who_left
from pages.shared.entry import look_no_address_up, open_app
from pages.shared.notes import show_sidebar
from pages.shared.photo_intake import keep_uploads_in_memory

st.set_page_config(
    page_title="Second Look",
    # A file of our own: Streamlit would fetch a Material icon from a server of Google's.
    page_icon=Path(__file__).parent / "pages" / "shared" / "icon.png",
    layout="wide",
)
keep_uploads_in_memory()
look_no_address_up()
forget_who_left()
keep_files_for_a_while()

page = st.navigation(
    [
        st.Page("pages/analyze.py", title="Analyze", icon=":material/frame_person:", default=True),
        st.Page("pages/landmarks.py", title="Landmarks", icon=":material/face_6:"),
        st.Page("pages/compare.py", title="Compare", icon=":material/compare:"),
        st.Page("pages/live.py", title="Live", icon=":material/videocam:"),
        st.Page("pages/batch.py", title="Batch", icon=":material/photo_library:"),
        st.Page("pages/evaluation.py", title="Evaluation", icon=":material/monitoring:"),
        st.Page("pages/studies.py", title="Studies", icon=":material/experiment:"),
        st.Page("pages/models.py", title="Models", icon=":material/deployed_code:"),
    ]
)
open_app()
show_sidebar()
page.run()
