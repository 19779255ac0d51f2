"""The addresses under /api, each with its guards."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Mount, Route, Router

from fer_core.settings import api_is_on, api_origins, api_tokens
from pages.server.api.analyze import Analyze
from pages.server.api.guards import HANDLERS, Errors, OriginCheck, RequestLog, Switch, Tokens
from pages.server.api.health import HealthEndpoint
from pages.server.api.networks import list_networks
from pages.server.api.openapi import describe
from pages.server.live.route import LiveRoute


def create_api(*, most_bytes: int) -> Starlette:
    """Return the app that is mounted at /api.

    The log and the errors in JSON are for all. The other guards are the `middleware` of a route, for
    instance `[Middleware(OriginCheck)]`.

    Args:
        most_bytes: of one upload, as on the pages.

    Raises:
        SettingError: one of the settings FER_API, FER_API_TOKENS and FER_API_ORIGINS is wrong.
    """
    public: list[BaseRoute] = [
        Route("/analyze", Analyze(most_bytes=most_bytes).answer, methods=["POST"]),
        Route("/networks", list_networks),
        Route("/openapi.json", describe),
    ]
    live = LiveRoute().route()
    health = Route("/health", HealthEndpoint, middleware=[Middleware(OriginCheck)])
    # What a page of ours or a probe asks for: neither bears a token, and no switch ends it.
    open_to_all: list[BaseRoute] = [live, health]
    # An address with a slash behind it is another one: a redirect would name the Host that the client sent.
    programs = Router(public, redirect_slashes=False)
    routes = [*open_to_all, Mount("/", app=programs, middleware=_public_guards())]
    paths = [path for route in (*open_to_all, *public) if (path := getattr(route, "path", None))]
    api = Starlette(
        routes=routes,
        middleware=[Middleware(RequestLog, paths=paths, quiet=[live.path, health.path])],
        exception_handlers=HANDLERS,
    )
    api.router.redirect_slashes = False
    return api


def _public_guards() -> list[Middleware]:
    """Return the guards of the addresses that programs use, the outermost first."""
    origins = api_origins()
    guards = [Middleware(OriginCheck, allowed=origins)]
    if origins:
        # Inside, so that a wrong token can be read by the page that sent it; questions before a request
        # (preflight) bear none.
        guards.append(
            Middleware(
                CORSMiddleware,
                allow_origins=origins,
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization"],
                expose_headers=["Retry-After"],
            )
        )
    return [
        *guards,
        Middleware(Switch, is_on=api_is_on()),
        Middleware(Tokens, tokens=api_tokens()),
        # Pages of other sites can read errors as well: the answers pass CORSMiddleware.
        Middleware(Errors),
    ]
