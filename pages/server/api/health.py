"""`GET /api/health`: whether the default networks are loaded, for probes and load balancers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fer_core import __version__
from pages.server.api.answers import Health
from pages.server.api.guards import error_response

_LOADING = "The networks are being loaded. Try again soon."


@dataclass
class Readiness:
    """What the server has loaded.

    Attributes:
        networks: SHA-256 of each default network's weights by its name; None for one from the Hub, which
            is downloaded for the first photo.
        reason: why the server is not ready; None if it is.
    """

    networks: Mapping[str, str | None] = field(default_factory=dict)
    reason: str | None = _LOADING


#: Of this server. `pages.server.ahead` writes it; the route only reads it, and so costs nothing.
readiness = Readiness()


class HealthEndpoint(HTTPEndpoint):
    """Answers from what is loaded. A class, so that other methods get 405 here and no other route."""

    async def get(self, _request: Request) -> Response:
        """Answer a request."""
        if readiness.reason is not None:
            return error_response(503, readiness.reason)
        health = Health(status="ready", version=__version__, networks=dict(readiness.networks))
        return JSONResponse(health.model_dump(mode="json"))
