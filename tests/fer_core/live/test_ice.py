"""FER_ICE_SERVERS: read as it is meant, or refused in words that give no secret away."""

import json

import pytest

from fer_core.errors import SettingError
from fer_core.live.ice import ice_servers

TURN = {"urls": "turn:turn.example.org:3478", "username": "anna", "credential": "hunter2"}


@pytest.mark.parametrize("value", [None, "", "  ", "[]"])
def test_by_default_there_is_no_server(monkeypatch: pytest.MonkeyPatch, value: str | None):
    monkeypatch.delenv("FER_ICE_SERVERS", raising=False)
    if value is not None:
        monkeypatch.setenv("FER_ICE_SERVERS", value)
    assert ice_servers() == []


def test_servers_are_read_in_the_form_that_both_sides_take(monkeypatch: pytest.MonkeyPatch):
    stun = {"urls": ["stun:a.example.org", "stun:b.example.org:3478"]}
    monkeypatch.setenv("FER_ICE_SERVERS", json.dumps([stun, TURN]))
    assert ice_servers() == [stun, TURN | {"urls": [TURN["urls"]]}]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("stun:a.example.org", "it is no JSON"),
        (json.dumps(TURN), "in it: Input should be a valid list"),
        ('["stun:a.example.org"]', "in server 1"),
        (json.dumps([TURN, {"url": "stun:a"}]), "in server 2, urls: Field required"),
        ('[{"urls": []}]', "an address is stun:HOST:PORT"),
        ('[{"urls": "https://a.example.org"}]', "an address is stun:HOST:PORT"),
        ('[{"urls": "stun:a?transport=udp"}]', "an address is stun:HOST:PORT"),
        ('[{"urls": "turn:a.example.org"}]', "needs username and credential"),
        (json.dumps([TURN | {"urls": ["turn:hunter2 x"]}]), "an address is stun:HOST:PORT"),
        (json.dumps([TURN | {"credential": ["hunter2"]}]), "in server 1, credential"),
    ],
)
def test_another_form_is_refused_in_words_without_the_secret(
    monkeypatch: pytest.MonkeyPatch, value: str, reason: str
):
    monkeypatch.setenv("FER_ICE_SERVERS", value)
    with pytest.raises(SettingError) as refused:
        ice_servers()
    assert reason in str(refused.value)
    assert "FER_ICE_SERVERS" in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_what_is_accepted_is_what_aiortc_can_read(monkeypatch: pytest.MonkeyPatch):
    """Its own check comes only once a visitor starts the camera."""
    from aiortc.rtcicetransport import parse_stun_turn_uri

    urls = ["stun:a", "stuns:a:1", "turn:a.b:80?transport=tcp", "turns:a-b.c:443", "turn:1.2.3.4"]
    monkeypatch.setenv("FER_ICE_SERVERS", json.dumps([TURN | {"urls": urls}]))
    for url in ice_servers()[0]["urls"]:
        parse_stun_turn_uri(url)
