"""The way into every page leads through app.py, also for a visitor who opens a page's own address."""

from typing import Final

import streamlit as st

_ENTERED: Final = "entered_through_app"
_WANTED: Final = "wanted_page"


def open_app() -> None:
    """Note that app.py runs, and go on to the page that the visitor asked for. Call it in app.py."""
    st.session_state[_ENTERED] = True
    if wanted := st.session_state.pop(_WANTED, None):
        page, query = wanted
        st.switch_page(page, query_params=query)


def enter_through_app(page: str) -> None:
    """Go back to app.py if it was passed by. Call it first in `page`, a path beside app.py.

    Until app.py has called `st.navigation` once, Streamlit takes each file in pages/ for an app of its
    own: a fresh server whose first visitor opens /landmarks would run that file without our settings,
    those that keep photos off the disk among them.
    """
    if not st.session_state.get(_ENTERED):
        # What the address says of the page's choices comes along.
        st.session_state[_WANTED] = page, st.query_params.to_dict()
        st.switch_page("app.py")
