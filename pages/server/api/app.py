"""The addresses under /api, each with its guards."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from pages.server.api.guards import HANDLERS, RequestLog
from pages.server.live.route import LiveRoute


def create_api() -> Starlette:
    """Return the app that is mounted at /api.

    The log and the errors in JSON are for all. The other guards are the `middleware` of a route, for
    instance `[Middleware(OriginCheck)]`.
    """
    live = LiveRoute().route()
    routes: list[BaseRoute] = [live]  # one line an address
    paths = [path for route in routes if (path := getattr(route, "path", None))]
    return Starlette(
        routes=routes,
        middleware=[Middleware(RequestLog, paths=paths, quiet=[live.path])],
        exception_handlers=HANDLERS,
    )
