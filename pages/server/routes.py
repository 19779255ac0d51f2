"""Routes of our own, beside those that Streamlit's server has."""

import sys
from typing import Final

import streamlit as st
from starlette.routing import BaseRoute, Mount

from fer_core.errors import SettingError
from pages.server.api.app import create_api

_MEGABYTE: Final = 1024 * 1024


def routes() -> list[BaseRoute]:
    """Return them, under the path that the app is served at (`server.baseUrlPath`).

    Raises:
        SystemExit: a setting of the API is wrong.
    """
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    try:
        api = create_api(most_bytes=int(st.get_option("server.maxUploadSize")) * _MEGABYTE)
    except SettingError as error:
        # Nothing runs yet: a sentence, and no traceback, for whoever starts the server.
        sys.exit(f"Error: {error}")
    return [Mount(f"/{base}/api" if base else "/api", app=api)]
