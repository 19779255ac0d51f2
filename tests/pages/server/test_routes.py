"""Addresses beside the pages."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit import config

from pages.server.routes import routes


@pytest.mark.parametrize("base", ["", "tools/fer"])
def test_the_first_page_is_found_by_its_files_name_too(base: str):
    before = config.get_option("server.baseUrlPath")
    config.set_option("server.baseUrlPath", base)
    try:
        client = TestClient(Starlette(routes=routes()), follow_redirects=False)
        prefix = f"/{base}" if base else ""
        answer = client.get(f"{prefix}/analyze?networks=cnn,dual")
        assert answer.status_code == 307
        assert answer.headers["Location"] == f"{prefix}/?networks=cnn,dual"
        assert client.get(f"{prefix}/api/networks").status_code == 200
    finally:
        config.set_option("server.baseUrlPath", before)


@pytest.mark.parametrize(("name", "value"), [("FER_API_TOKEN", "x" * 32), ("FER_API", "no")])
def test_no_server_starts_with_a_wrong_setting(monkeypatch, name: str, value: str):
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=f"Error: {name} is"):
        routes()
