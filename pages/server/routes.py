"""Routes of our own, beside those that Streamlit's server has."""

import streamlit as st
from starlette.routing import BaseRoute, Mount

from pages.server.api.app import create_api


def routes() -> list[BaseRoute]:
    """Return them, under the path that the app is served at (`server.baseUrlPath`)."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return [Mount(f"/{base}/api" if base else "/api", app=create_api())]
