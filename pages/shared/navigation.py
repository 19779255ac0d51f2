"""The script that Streamlit runs for every page: settings, menu and what all pages share."""

from pathlib import Path

import streamlit as st

from pages.shared.style import add_style

_PAGES = Path(__file__).resolve().parents[1]
_ICON = _PAGES / "shared" / "icon.png"

# Before the menu, and a file of our own: Streamlit would fetch the icon of a page from a server of Google's.
st.set_page_config(page_icon=_ICON, layout="wide")
page = st.navigation(
    {
        "Analyze": [
            st.Page(
                _PAGES / "analyze.py", title="Photo", icon=":material/frame_person:", default=True
            ),
            st.Page(_PAGES / "live.py", title="Live", icon=":material/videocam:"),
            st.Page(_PAGES / "batch.py", title="Batch and video", icon=":material/photo_library:"),
        ],
        "Understand": [
            st.Page(_PAGES / "landmarks.py", title="Landmarks", icon=":material/face_6:"),
            st.Page(_PAGES / "compare.py", title="Compare", icon=":material/compare:"),
        ],
        "Research": [
            st.Page(_PAGES / "evaluation.py", title="Evaluation", icon=":material/monitoring:"),
            st.Page(_PAGES / "studies.py", title="Experiments", icon=":material/experiment:"),
            st.Page(_PAGES / "models.py", title="Models", icon=":material/deployed_code:"),
        ],
        "About": [
            st.Page(_PAGES / "about.py", title="About", icon=":material/info:"),
            st.Page(_PAGES / "api.py", title="API", icon=":material/api:"),
        ],
    }
)
st.set_page_config(page_title=f"{page.title} \u00b7 Second Look")
st.logo(_PAGES / "shared" / "logo.svg", icon_image=_ICON, size="large")
add_style()
page.run()
