"""Where our own routes lie, and what a wrong setting does to the start."""

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from pages.server.routes import routes

OPTIONS = {"server.maxUploadSize": 1, "server.baseUrlPath": ""}


@pytest.mark.parametrize(
    ("base", "address"),
    [("", "/api"), ("/", "/api"), ("look", "/look/api"), ("/look/at/", "/look/at/api")],
)
def test_the_api_lies_below_the_path_of_the_app(monkeypatch, base, address):
    monkeypatch.setattr(st, "get_option", (OPTIONS | {"server.baseUrlPath": base}).__getitem__)
    client = TestClient(Starlette(routes=routes()))
    told = client.get(f"{address}/openapi.json").json()
    assert told["servers"] == [{"url": address}]
    # The limit of uploads, in MB.
    refused = client.post(f"{address}/analyze", content=bytes(1024 * 1024 + 1))
    assert refused.status_code == 413
    assert "1 MB" in refused.json()["error"]


def test_a_wrong_setting_ends_the_start_in_a_sentence(monkeypatch):
    monkeypatch.setattr(st, "get_option", OPTIONS.__getitem__)
    monkeypatch.setenv("FER_API", "maybe")
    with pytest.raises(SystemExit, match=r"^Error: FER_API is 'maybe'\."):
        routes()
