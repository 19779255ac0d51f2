"""`GET /api/openapi.json`: the API in OpenAPI 3.1, with schemas from the types in `answers`."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fer_core import __version__
from fer_core.face_columns import FaceColumns
from fer_core.networks.bundles import bundle_names
from fer_core.settings import api_tokens
from pages.server.api.analyze import BODY_SECONDS
from pages.server.api.answers import Error, Health, Networks, Photo
from pages.server.api.bodies import FIELD

_SCHEMAS: Final = "#/components/schemas/"
_JSON: Final = "application/json"
_BINARY: Final = {"type": "string", "format": "binary"}
_TOKEN: Final = "token"
#: Why each status comes, beside 200.
WHY: Final = {
    400: "A parameter is wrong or unknown, a network unknown, the image is empty, damaged or cut short, or "
    f"it did not arrive within {BODY_SECONDS:g} seconds.",
    401: "The server requires a token, and the request has no valid one.",
    403: "The request is from a page of another site.",
    404: "The API of this server is switched off.",
    413: "The file has too many bytes, or the image too many pixels or places that look like faces.",
    415: "The file is not an image in a supported format.",
    429: "Too many photos are waiting, too many requests are uploading, or their files are too large "
    "together.",
    503: "The server is busy or short of memory, or a network is missing.",
}
_FOR_ALL: Final = (401, 403, 404)
_FOR_PHOTOS: Final = (400, 413, 415, 429, 503)
#: Of these the answer says when to ask again.
_LATER: Final = (429, 503)


def describe(request: Request) -> Response:
    """Answer a request."""
    server = request.scope.get("root_path") or "/"
    return JSONResponse(document(server, bundle_names(), token=bool(api_tokens())))


def document(server: str, networks: Sequence[str], *, token: bool) -> dict[str, Any]:
    """Return the description.

    Args:
        server: the path that all paths in it begin at, such as "/api".
        networks: names of those that can be asked.
        token: whether requests must bear a token.
    """
    components: dict[str, Any] = {"schemas": _schemas()}
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Second Look",
            "version": __version__,
            "summary": "Finds every face in a photo and names its apparent expression.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server}],
        "paths": {
            "/analyze": {"post": _analyze(networks)},
            "/networks": {"get": _get("listNetworks", "List the networks", Networks.__name__)},
            "/openapi.json": {"get": _get("describe", "Describe the API in OpenAPI 3.1", None)},
            "/health": {"get": _health()},
        },
        "components": components,
    }
    if token:
        components["securitySchemes"] = {_TOKEN: {"type": "http", "scheme": "bearer"}}
        described["security"] = [{_TOKEN: []}]
    return described


@cache
def _schemas() -> dict[str, Any]:
    _, schemas = models_json_schema(
        [(model, "serialization") for model in (Photo, Networks, Health, Error)],
        ref_template=_SCHEMAS + "{model}",
    )
    found: dict[str, Any] = schemas["$defs"]
    return found


def _analyze(networks: Sequence[str]) -> dict[str, Any]:
    return {
        "operationId": "analyze",
        "summary": "Find every face in a photo and name its apparent expression",
        "parameters": [
            {
                "name": "networks",
                "in": "query",
                "description": "Names of networks, separated by commas. Default: those with is_default.",
                "style": "form",
                "explode": False,
                "schema": {
                    "type": "array",
                    "items": {"type": "string"} | ({"enum": list(networks)} if networks else {}),
                    "minItems": 1,
                },
            },
            {
                "name": "landmarks",
                "in": "query",
                "description": "1 adds each face's landmarks.",
                "schema": {"type": "integer", "enum": [0, 1], "default": 0},
            },
            {
                "name": "columns",
                "in": "query",
                "description": "full adds each face's measures.",
                "schema": {
                    "type": "string",
                    "enum": list(FaceColumns),
                    "default": FaceColumns.BASIC,
                },
            },
        ],
        "requestBody": {
            "description": "One image file: JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF or HEIC.",
            "required": True,
            "content": {
                "image/*": {"schema": _BINARY},
                "application/octet-stream": {"schema": _BINARY},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {FIELD: _BINARY},
                        "required": [FIELD],
                    }
                },
            },
        },
        "responses": _responses(Photo.__name__, (*_FOR_PHOTOS, *_FOR_ALL)),
    }


def _get(name: str, summary: str, model: str | None) -> dict[str, Any]:
    return {"operationId": name, "summary": summary, "responses": _responses(model, _FOR_ALL)}


def _health() -> dict[str, Any]:
    return {
        "operationId": "health",
        "summary": "Tell whether the default networks are loaded; needs no token",
        "security": [],
        "responses": _responses(Health.__name__, (403, 503)),
    }


def _responses(model: str | None, statuses: Sequence[int]) -> dict[str, Any]:
    schema = {"$ref": _SCHEMAS + model} if model else {"type": "object"}
    found: dict[str, Any] = {
        "200": {"description": "The answer.", "content": {_JSON: {"schema": schema}}}
    }
    for status in sorted(statuses):
        found[str(status)] = _failure(WHY[status])
        if status in _LATER:
            found[str(status)]["headers"] = {
                "Retry-After": {
                    "description": "Seconds after which to try again.",
                    "schema": {"type": "integer"},
                }
            }
    return found | {"default": _failure("Any other error.")}


def _failure(why: str) -> dict[str, Any]:
    return {
        "description": why,
        "content": {_JSON: {"schema": {"$ref": _SCHEMAS + Error.__name__}}},
    }
