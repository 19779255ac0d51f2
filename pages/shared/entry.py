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


def look_no_address_up() -> None:
    """Keep the server from asking others for its own address. Call it in app.py.

    Streamlit asks, a second or two long and answering nobody, whenever a page from elsewhere tries to open
    a connection to it, to see whether that is its own address by another name. Such a page is refused.
    """
    from streamlit import net_util

    net_util.get_internal_ip = net_util.get_external_ip = _unknown


def _unknown() -> str | None:
    return None


def enter_through_app(page: str) -> None:
    """Go back to app.py if it was passed by. Call it first in `page`, a path beside app.py.

    Until app.py has called `st.navigation` once, Streamlit takes each file in pages/ for an app of its
    own: a fresh server whose first visitor opens /landmarks would run that file without our settings,
    those that keep photos off the disk among them.
    """
    if not st.session_state.get(_ENTERED):
        # What the visitor's link says of the page, which changing pages would drop.
        query = {name: st.query_params.get_all(name) for name in st.query_params}
        st.session_state[_WANTED] = page, query
        st.switch_page("app.py")
