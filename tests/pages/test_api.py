"""The page on the HTTP API without a browser: as it is, with a token, and switched off."""

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from pages.server.api.answers import PARTS
from pages.server.api.examples import examples
from tests.conftest import NAVIGATION

SECONDS = 60
TOKEN = "0123456789abcdef"


def open_page() -> AppTest:
    app = AppTest.from_file(NAVIGATION, default_timeout=SECONDS)
    page = app.switch_page("../api.py").run()
    assert not page.exception
    return page


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch):
    """Set the address that the browser shows."""

    def put(url: str) -> None:
        monkeypatch.setattr(ContextProxy, "url", property(lambda _: url))

    return put


def test_the_examples_have_this_servers_address(at):
    at("https://faces.example.org:8443/look/api")
    page = open_page()
    told = examples("https://faces.example.org:8443/look/api", "dual_photos")
    assert [tab.label for tab in page.tabs] == ["curl", "Python", "JavaScript"]
    assert [code.value for code in page.code] == [example.code for example in told]
    assert [heading.value for heading in page.subheader] == [
        "Examples",
        "Requests",
        "Response",
        "Limits",
    ]
    assert not page.info


@pytest.mark.parametrize(
    "path", ["/'; rm -rf ~ '/api", '/"$(x)`x`/api', "/{address}/api", "/a b\\/api"]
)
def test_an_address_does_nothing_in_a_program(at, path):
    at(f"http://localhost:8501{path}")
    programs = open_page().code
    assert programs
    for code in programs:
        address = code.value.split("http://", 1)[1].split("/analyze")[0]
        assert not set(address) & set("\"'`$\\ (){}<>;&|")


def test_every_field_of_the_answer_is_told():
    tables = open_page().table
    told = [name for table in tables for name in table.value.iloc[:, 0]]
    for part in PARTS.values():
        for name in part.model_fields:
            assert f"`{name}`" in told


def test_a_token_is_asked_for_where_the_server_does(monkeypatch):
    monkeypatch.setenv("FER_API_TOKENS", TOKEN)
    page = open_page()
    (said,) = page.info
    assert "requires a token" in said.value
    assert page.code
    assert all("Bearer" in code.value for code in page.code)
    # A link cannot carry the token.
    assert "openapi.json" in page.code[-1].value
    assert not page.get("link_button")
    assert TOKEN not in str(page)


def test_origins_that_may_ask_are_named(monkeypatch):
    monkeypatch.setenv("FER_API_ORIGINS", "https://example.org")
    assert any("https://example.org" in caption.value for caption in open_page().caption)


def test_a_server_without_the_api_says_so(monkeypatch):
    monkeypatch.setenv("FER_API", "off")
    page = open_page()
    (said,) = page.info
    assert "switched off" in said.value
    assert not page.code
    assert not page.table
