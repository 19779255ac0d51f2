"""The address of the HTTP API for the visitor's browser."""

from typing import Final
from urllib.parse import quote, urlsplit

import streamlit as st

#: Where the API listens by default, for documents.
LOCAL: Final = "http://localhost:8501/api"
_PATH: Final = "/api"
#: What may stand in an address as it is; none of it has a meaning in a string of a program.
_IN_ADDRESSES: Final = "/:[]%"


def api_address() -> str:
    """Return the address of the HTTP API, such as LOCAL, safe to insert into a program."""
    page = urlsplit(st.context.url or LOCAL)
    # That of the page, which is the app's own on *Photo* and ends in the API's path on *API*.
    base = page.path.rstrip("/").removesuffix(_PATH)
    return f"{page.scheme}://{quote(page.netloc + base + _PATH, safe=_IN_ADDRESSES)}"
