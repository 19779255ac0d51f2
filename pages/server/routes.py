"""Additional routes beside those of Streamlit's server."""

import sys
from typing import Final

import streamlit as st
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from fer_core.errors import SettingError
from fer_core.settings import require_known_settings
from pages.server.api.app import create_api

_MEGABYTE: Final = 1024 * 1024


def routes() -> list[BaseRoute]:
    """Return the routes, under the app's path (`server.baseUrlPath`).

    Raises:
        SystemExit: a setting of the API is wrong, or there is no setting of that name.
    """
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    prefix = f"/{base}" if base else ""
    try:
        require_known_settings()
        api = create_api(most_bytes=int(st.get_option("server.maxUploadSize")) * _MEGABYTE)
    except SettingError as error:
        # Nothing runs yet: a sentence, and no traceback, for whoever starts the server.
        sys.exit(f"Error: {error}")

    async def to_first_page(request: Request) -> Response:
        # Relative to the server, since only the browser knows the address that it used.
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{prefix}/{query}")

    return [
        Mount(f"{prefix}/api", app=api),
        # Where the first page would be were it like the others.
        Route(f"{prefix}/analyze", to_first_page),
    ]
