"""The script that Streamlit runs for every page: settings, menu and the sidebar that all pages share."""

from pathlib import Path

import streamlit as st

from pages.shared.notes import show_sidebar

_PAGES = Path(__file__).resolve().parents[1]

st.set_page_config(
    page_title="Second Look",
    # A file of our own: Streamlit would fetch a Material icon from a server of Google's.
    page_icon=_PAGES / "shared" / "icon.png",
    layout="wide",
)
page = st.navigation(
    [
        st.Page(
            _PAGES / "analyze.py", title="Analyze", icon=":material/frame_person:", default=True
        ),
        st.Page(_PAGES / "landmarks.py", title="Landmarks", icon=":material/face_6:"),
        st.Page(_PAGES / "compare.py", title="Compare", icon=":material/compare:"),
        st.Page(_PAGES / "live.py", title="Live", icon=":material/videocam:"),
        st.Page(_PAGES / "batch.py", title="Batch", icon=":material/photo_library:"),
        st.Page(_PAGES / "evaluation.py", title="Evaluation", icon=":material/monitoring:"),
        st.Page(_PAGES / "studies.py", title="Studies", icon=":material/experiment:"),
        st.Page(_PAGES / "models.py", title="Models", icon=":material/deployed_code:"),
        st.Page(_PAGES / "api.py", title="API", icon=":material/api:"),
    ]
)
show_sidebar()
page.run()
