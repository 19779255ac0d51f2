"""Settings of the HTTP API: what is understood, and what is refused in words."""

import pytest

from fer_core.errors import SettingError
from fer_core.settings import api_is_on, api_origins, api_tokens

TOKEN = "0123456789abcdef"


@pytest.mark.parametrize(
    ("value", "is_on"), [(None, True), ("", True), ("on", True), (" ON ", True), ("off", False)]
)
def test_the_api_is_on_unless_it_is_switched_off(monkeypatch, value, is_on):
    if value is not None:
        monkeypatch.setenv("FER_API", value)
    assert api_is_on() is is_on


@pytest.mark.parametrize("value", ["no", "0", "of", "off,on"])
def test_a_switch_is_on_or_off(monkeypatch, value):
    monkeypatch.setenv("FER_API", value)
    with pytest.raises(SettingError, match=f"FER_API is '{value}'. Set it to on or off"):
        api_is_on()


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        (None, ()),
        ("", ()),
        ("  ", ()),
        (TOKEN, (TOKEN,)),
        (f" {TOKEN} , {TOKEN}==,,{TOKEN}", (TOKEN, f"{TOKEN}==")),
    ],
)
def test_tokens_have_commas_between(monkeypatch, value, tokens):
    if value is not None:
        monkeypatch.setenv("FER_API_TOKENS", value)
    assert api_tokens() == tokens


@pytest.mark.parametrize(
    "value", [",", " , ", TOKEN[1:], f"{TOKEN},short", f"{TOKEN} {TOKEN}", f"{TOKEN}\u00e9"]
)
def test_tokens_that_protect_nothing_are_refused_and_not_quoted(monkeypatch, value):
    monkeypatch.setenv("FER_API_TOKENS", value)
    with pytest.raises(SettingError, match="openssl rand -hex 32") as error:
        api_tokens()
    assert TOKEN not in str(error.value)


@pytest.mark.parametrize(
    ("value", "origins"),
    [
        (None, ()),
        ("", ()),
        ("https://example.org", ("https://example.org",)),
        (
            "HTTPS://Example.org, http://localhost:3000,http://[::1]:8080",
            ("https://example.org", "http://localhost:3000", "http://[::1]:8080"),
        ),
    ],
)
def test_origins_have_commas_between(monkeypatch, value, origins):
    if value is not None:
        monkeypatch.setenv("FER_API_ORIGINS", value)
    assert api_origins() == origins


@pytest.mark.parametrize(
    "value",
    [
        *("*", "example.org", "https://", "https://example.org/", "https://example.org/path"),
        *("https://*.example.org", "https://user@example.org", "ftp://example.org", "null"),
        *("https://example.org https://example.com", "https://example.org:port"),
    ],
)
def test_what_is_no_origin_is_refused(monkeypatch, value):
    monkeypatch.setenv("FER_API_ORIGINS", value)
    with pytest.raises(SettingError, match=r"FER_API_ORIGINS names .* which is no origin"):
        api_origins()
