"""The address of this server for the visitor's browser."""

from typing import Final
from urllib.parse import quote, urlsplit

import streamlit as st

from pages.server.api.examples import LOCAL

#: What may stand in an address as it is; none of it has a meaning in a string of a program.
_IN_ADDRESSES: Final = "/:[]%"


def app_address() -> str:
    """Return the address of the app, the base of the HTTP API, safe to insert into a program."""
    page = urlsplit(st.context.url or LOCAL)
    return f"{page.scheme}://{quote(page.netloc + page.path.rstrip('/'), safe=_IN_ADDRESSES)}"
