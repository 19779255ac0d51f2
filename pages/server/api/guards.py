"""Checks that run before each address under /api.

Each is an ASGI middleware of its own, so that an address takes those that it needs: `RequestLog` and the
exception handlers are for all; `OriginCheck` for all, with other origins; `Switch`, `Tokens` and `Errors` for
some.
"""

import hmac
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.logger import get_logger

from fer_core.errors import (
    AnalysisError,
    BundleError,
    BusyError,
    FerError,
    ImageMemoryError,
    ImageTooLargeError,
    NotAnImageError,
    TooManyFacesError,
)
from pages.shared.verbatim import without_paths

#: Streamlit's own kind of logger: its level and format are settings of the server.
log: Final[logging.Logger] = get_logger(__name__)

#: Seconds after which a client may ask again, in `Retry-After`.
RETRY_SECONDS: Final = 10
#: In the log, for a path that is none of ours: clients put names of files there (`curl -T`).
_OTHER_PATH: Final = "(another path)"
_OTHER_METHOD: Final = "(another method)"
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_SAFE_SITES: Final = ("same-origin", "none")
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_SENTENCES: Final = {
    404: "There is nothing at this address. See openapi.json for all addresses.",
}
_FAILED: Final = "The server failed on this request. The cause is in its log."


def error_response(
    status: int, sentence: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return the response for an error: {"error": sentence}.

    Args:
        status: of HTTP; 429 and 503 also tell when to ask again.
        sentence: for whoever meets it.
        headers: further ones.
    """
    told = dict(headers or {})
    if status in (429, 503):
        told.setdefault("Retry-After", str(RETRY_SECONDS))
    return JSONResponse({"error": sentence}, status_code=status, headers=told)


async def _of_http(_request: Request, error: HTTPException) -> Response:
    # Starlette's own errors say the name of their status, and ours a sentence.
    is_bare = error.detail == HTTPStatus(error.status_code).phrase
    sentence = _SENTENCES.get(error.status_code) if is_bare else None
    if is_bare and (allowed := (error.headers or {}).get("Allow")):
        sentence = f"This address does not support this method. It supports: {allowed}."
    return error_response(error.status_code, sentence or error.detail, error.headers)


def _answers(status: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(_request: Request, error: Exception) -> Response:
        return error_response(status, without_paths(error))

    return handle


async def _of_memory(_request: Request, _error: MemoryError) -> Response:
    return error_response(503, "There is not enough memory at the moment. Try again soon.")


async def _of_leaving(_request: Request, _error: ClientDisconnect) -> Response:
    # Nobody reads it; the log tells the status.
    return error_response(400, "The body is incomplete. Send the request again.")


#: From what is raised to the answer, for `Starlette(exception_handlers=...)`.
HANDLERS: Final[Mapping[Any, Callable[[Request, Any], Awaitable[Response]]]] = {
    HTTPException: _of_http,
    BusyError: _answers(429),
    TooManyFacesError: _answers(413),
    AnalysisError: _answers(503),
    BundleError: _answers(503),
    NotAnImageError: _answers(415),
    ImageTooLargeError: _answers(413),
    ImageMemoryError: _answers(503),
    FerError: _answers(400),
    MemoryError: _of_memory,
    ClientDisconnect: _of_leaving,
}


class RequestLog:
    """Logs one line per request: method, path, status and milliseconds, and nothing that the client chose.

    What neither a handler nor `Errors` has answered becomes an answer in JSON here; where it was raised goes
    to the log, without the message, which may quote the request.
    """

    def __init__(self, app: ASGIApp, *, paths: Sequence[str], quiet: Sequence[str] = ()) -> None:
        """Wrap an app.

        Args:
            app: what answers.
            paths: those that may stand in the log, as the app sees them.
            quiet: those of them whose successes and 429s would drown all else in the log, and have no line.
        """
        self._app = app
        self._paths = tuple(paths)
        self._quiet = frozenset(quiet)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.setdefault("Cache-Control", "no-store")
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception as error:
            answer = _of_fault(error)
            if not status:
                await answer(scope, receive, send_noted)
        finally:
            milliseconds = 1000 * (time.perf_counter() - began)
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            is_usual = status < HTTPStatus.BAD_REQUEST or status == HTTPStatus.TOO_MANY_REQUESTS
            if path not in self._quiet or not is_usual:
                method = scope["method"] if scope["method"] in _METHODS else _OTHER_METHOD
                shown = scope["path"] if path in self._paths else _OTHER_PATH
                log.info("%s %s %d %.0f ms", method, shown, status, milliseconds)


def _of_fault(error: Exception) -> Response:
    """Log where an unexpected error was raised, and return what is said of it."""
    log.error("%s at %s", type(error).__name__, _places(error))
    return error_response(500, _FAILED)


async def _of_unexpected(_request: Request, error: Exception) -> Response:
    return _of_fault(error)


class Errors(ExceptionMiddleware):
    """Answers errors inside the guards around it, so that those add their headers to the answer."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an app."""
        super().__init__(app, handlers={**HANDLERS, Exception: _of_unexpected})


def _places(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return " <- ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames))


class OriginCheck:
    """Rejects requests that a browser sends for a page of another site, with 403.

    `Sec-Fetch-Site` decides where there is one, else `Origin`, which must name our own `Host`. What has
    neither comes from no browser's page.
    """

    def __init__(self, app: ASGIApp, *, allowed: Sequence[str] | None = None) -> None:
        """Wrap an app.

        Args:
            app: what answers.
            allowed: origins of other sites whose pages may ask, such as "https://example.org"; None where no
                setting allows any.
        """
        self._app = app
        self._allowed = frozenset(allowed or ())
        mend = (
            " Its operator can allow an origin with FER_API_ORIGINS." if allowed is not None else ""
        )
        self._refusal = f"Pages of other sites may not use this server.{mend}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and not self._is_ours(Headers(scope=scope)):
            await error_response(403, self._refusal)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_ours(self, headers: Headers) -> bool:
        origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site")
        if origin is not None and origin.lower() in self._allowed:
            return True
        if site is not None:
            return site in _SAFE_SITES
        return origin is None or _is_at(origin, headers.get("Host", ""))


def _is_at(origin: str, host: str) -> bool:
    """Return whether an origin has this host and port; origins omit the default port of their scheme."""
    try:
        parts = urlsplit(origin.lower())
    except ValueError:
        return False
    default = _DEFAULT_PORTS.get(parts.scheme)
    return default is not None and parts.netloc == host.lower().removesuffix(default)


class Switch:
    """Answers every request with 404 if the API is switched off."""

    def __init__(self, app: ASGIApp, *, is_on: bool) -> None:
        """Wrap an app."""
        self._app = app
        self._is_on = is_on

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and not self._is_on:
            sentence = "The HTTP API of this server is switched off (FER_API=off)."
            await error_response(404, sentence)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class Tokens:
    """Rejects requests without a valid token, with 401; without configured tokens, all are accepted."""

    def __init__(self, app: ASGIApp, *, tokens: Sequence[str]) -> None:
        """Wrap an app."""
        self._app = app
        self._tokens = tuple(token.encode() for token in tokens)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and self._tokens and not self._is_known(Headers(scope=scope)):
            sentence = (
                "This server requires a token. Send it in the header Authorization: Bearer TOKEN."
            )
            challenge = {"WWW-Authenticate": "Bearer"}
            await error_response(401, sentence, challenge)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_known(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        # All are compared, so that the time tells nothing of which one was like it.
        given = token.strip().encode()
        found = [hmac.compare_digest(given, known) for known in self._tokens]
        return scheme.lower() == "bearer" and any(found)
