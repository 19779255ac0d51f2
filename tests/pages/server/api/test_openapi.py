"""The description of the API: valid, true of every answer, and tried out by schemathesis."""

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.applications import Starlette
from starlette.routing import Mount

from fer_core import __version__
from fer_core.networks.bundles import bundle_names
from pages.server.api.answers import PARTS, Photo, described_fields
from pages.server.api.app import create_api
from pages.server.api.health import readiness
from pages.server.api.openapi import document

_APP = Starlette(routes=[Mount("/api", app=create_api(most_bytes=1_000_000))])
_SCHEMA = schemathesis.openapi.from_asgi("/api/openapi.json", _APP)
_SLOW_ALLOWED = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@pytest.fixture(autouse=True, scope="module")
def _loaded():
    """A server that is ready: one that is not answers as a server at fault does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readiness, "reason", None)
        patch.setattr(readiness, "networks", {"cnn": "0" * 64, "from_hub": None})
        yield


@_SCHEMA.parametrize()
@settings(max_examples=10, derandomize=True, **_SLOW_ALLOWED)
def test_what_is_asked_is_answered_as_described(case):
    check(case)


@pytest.mark.slow
@_SCHEMA.parametrize()
@settings(max_examples=200, **_SLOW_ALLOWED)
def test_whatever_is_asked_is_answered_as_described(case):
    check(case)


def check(case: schemathesis.Case) -> None:
    # No schema says which bytes are a photo: what keeps to it may be refused.
    case.call_and_validate(excluded_checks=[positive_data_acceptance])


def test_the_description_is_valid():
    _SCHEMA.validate()


def test_the_description_tells_its_own_address_and_no_token(client):
    told = client.get("/api/openapi.json").json()
    assert told == document("/api", bundle_names(), token=False)
    assert told["servers"] == [{"url": "/api"}]
    assert "security" not in told


def test_the_description_asks_for_a_token_where_the_server_does(client_of):
    token = "0123456789abcdef"
    client = client_of(FER_API_TOKENS=token)
    told = client.get("/api/openapi.json", headers={"Authorization": f"Bearer {token}"}).json()
    assert told["security"] == [{"token": []}]
    assert told["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


def test_whether_it_is_ready_is_told_without_a_token(client_of):
    told = client_of(FER_API_TOKENS="0123456789abcdef").get("/api/health")
    assert told.json() == {
        "status": "ready",
        "version": __version__,
        "networks": {"cnn": "0" * 64, "from_hub": None},
    }
    assert document("/api", [], token=True)["paths"]["/health"]["get"]["security"] == []


@pytest.mark.parametrize("query", ["", "?landmarks=1&columns=full&networks=dual,landmarks_only"])
@pytest.mark.parametrize("photo", ["portrait", "no_face_png"])
def test_answers_have_the_described_fields_and_no_others(client, request, query, photo):
    content = request.getfixturevalue(photo)
    answered = client.post(f"/api/analyze{query}", content=content).json()
    model = Photo.model_validate(answered, extra="forbid")
    assert len(model.faces) == (photo == "portrait")
    components = document("/api", [], token=False)["components"]
    schema = {"$ref": "#/components/schemas/Photo", "components": components}
    jsonschema.Draft202012Validator(schema).validate(answered)
    assert list(answered) == list(Photo.model_fields)
    for face in answered["faces"]:
        asked_for = ["landmarks", "measures"]
        assert [name for name in asked_for if name in face] == (asked_for if query else [])
        assert [*face, *([] if query else asked_for)] == list(PARTS["answer.faces[]"].model_fields)


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS.keys())
def test_every_field_is_described_in_a_sentence(part):
    for name, meaning in described_fields(part).items():
        assert meaning.endswith("."), name
