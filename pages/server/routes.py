"""Routes of our own, beside those that Streamlit's server has."""

from typing import Final

import streamlit as st
from starlette.routing import BaseRoute, Mount

from pages.server.api.app import create_api

_MEGABYTE: Final = 1024 * 1024


def routes() -> list[BaseRoute]:
    """Return them, under the path that the app is served at (`server.baseUrlPath`)."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    api = create_api(most_bytes=int(st.get_option("server.maxUploadSize")) * _MEGABYTE)
    return [Mount(f"/{base}/api" if base else "/api", app=api)]
