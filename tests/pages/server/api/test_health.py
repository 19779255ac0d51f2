"""Whether the server is ready, as probes ask it."""

import pytest

from pages.server.api.health import Readiness, readiness


@pytest.fixture(autouse=True)
def _at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "networks", {})
    monkeypatch.setattr(readiness, "reason", Readiness().reason)


def test_until_the_networks_are_loaded_it_is_not_ready(client):
    told = client.get("/api/health")
    assert told.status_code == 503
    assert told.json() == {"error": "The networks are being loaded. Try again soon."}
    assert told.headers["Retry-After"]
    readiness.reason = None
    assert client.get("/api/health").status_code == 200


def test_why_it_is_not_ready_is_told(client):
    readiness.reason = "models/cnn/model.tflite is missing."
    assert client.get("/api/health").json() == {"error": "models/cnn/model.tflite is missing."}


@pytest.mark.parametrize(
    "settings", [{"FER_API": "off"}, {"FER_API_TOKENS": "0123456789abcdef"}], ids=["off", "token"]
)
def test_no_switch_and_no_token_keeps_a_probe_out(client_of, settings):
    readiness.reason = None
    client = client_of(**settings)
    assert client.get("/api/health").json()["status"] == "ready"
    assert client.post("/api/health").status_code == 405
    elsewhere = {"Origin": "https://elsewhere.example"}
    assert client.get("/api/health", headers=elsewhere).status_code == 403
    assert client.get("/api/networks").status_code in (401, 404)
