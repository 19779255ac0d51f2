"""Routes of our own, beside those that Streamlit's server has."""

from starlette.routing import BaseRoute


def routes() -> list[BaseRoute]:
    """Return them, under the path that the app is served at (`server.baseUrlPath`)."""
    return []
