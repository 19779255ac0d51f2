"""Settings of the HTTP API: what is understood, and what is refused in words."""

import re
from pathlib import Path

import pytest

from fer_core import settings
from fer_core.errors import SettingError
from fer_core.settings import (
    SETTINGS,
    api_is_on,
    api_origins,
    api_tokens,
    require_known_settings,
)

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
        # Browsers omit the default port of a scheme.
        (
            "https://example.org:443,http://example.org:80,https://example.org:80,http://[::80]",
            (
                *("https://example.org", "http://example.org"),
                *("https://example.org:80", "http://[::80]"),
            ),
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


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("FER_API_TOKEN", "FER_API_TOKENS"),
        ("FER_NETWORK", "FER_NETWORKS"),
        ("FER_HUB_REPOS_CNN", "FER_HUB_REPO_NAME"),
        ("FER_HUB_REPO_", "FER_HUB_REPO_NAME"),
    ],
)
def test_a_mistyped_setting_is_refused_with_the_nearest(monkeypatch, name, meant):
    monkeypatch.setenv(name, "secret-value")
    with pytest.raises(SettingError, match=rf"^{name} is set .* Did you mean {meant}\?") as error:
        require_known_settings()
    assert "secret" not in str(error.value)


def test_a_name_like_none_is_refused_with_all_settings(monkeypatch):
    monkeypatch.setenv("FER_ZZZZZZZZZ", "")
    with pytest.raises(SettingError, match=r"FER_API, .*, FER_NETWORKS and FER_HUB_REPO_NAME"):
        require_known_settings()


def test_every_setting_is_known(monkeypatch):
    text = Path(settings.__file__).read_text(encoding="utf-8")
    read = set(re.findall(r'(?:environ\.get|_listed)\("(FER_\w+)"', text))
    assert read == set(SETTINGS)
    for name in (*SETTINGS, "FER_HUB_REPO_CNN_PHOTOS"):
        monkeypatch.setenv(name, "x")
    require_known_settings()


@pytest.mark.parametrize(
    "name",
    ["FER_SERVICE_HOST", "FER_API_PORT", "FER_APP_SERVICE_PORT_HTTP", "FER_PORT_8501_TCP_ADDR"],
)
def test_what_kubernetes_sets_for_a_service_called_fer_is_no_mistake(
    monkeypatch: pytest.MonkeyPatch, name: str
):
    monkeypatch.setenv(name, "10.0.0.1")
    require_known_settings()
