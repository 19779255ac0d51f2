"""The live page without a browser: before a camera, with bad settings, with answers and a frozen picture."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import NAVIGATION

SECONDS = 60


@pytest.fixture(autouse=True)
def no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FER_ICE_SERVERS", raising=False)


@pytest.fixture(autouse=True)
def no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """streamlit-webrtc looks for the visitor's session, and AppTest has only the shell of a server."""
    monkeypatch.setattr("streamlit_webrtc.component.get_this_session_info", lambda: None)


def open_page() -> AppTest:
    app = AppTest.from_file(NAVIGATION, default_timeout=SECONDS).run()
    return app.switch_page("../live.py").run()


def button(page: AppTest, label: str) -> Any:
    (found,) = [widget for widget in page.button if widget.label == label]
    return found


def connection(page: AppTest) -> dict[str, Any]:
    """What the page tells the browser's side of the connection."""
    (component,) = page.get("component_instance")
    return json.loads(component.proto.json_args)


def look(page: AppTest, frame: np.ndarray, n: int = 3) -> Any:
    """Let the visitor's camera look at some frames, as its own thread does, and return the last."""
    import time

    camera = page.session_state["live_camera"]
    now = time.monotonic()
    for i in range(n):
        camera.look(frame, seconds=now - 0.25 * (n - 1 - i))
    return camera.state(now).frame


def test_before_the_camera_starts_a_snapshot_is_offered():
    page = open_page()
    assert not page.exception
    assert "Start the camera" in page.info[0].value
    assert button(page, "Freeze this moment").disabled
    assert not page.warning
    assert not page.error


def test_the_snapshot_is_the_camera_of_the_analyze_page():
    page = open_page()
    button(page, "Take a snapshot or upload a photo").click().run()
    assert not page.exception
    assert page.title[0].value == "See the expressions in a photo"
    assert page.session_state["photo_source"] == "Camera"


def test_without_a_setting_neither_side_is_told_of_any_server(monkeypatch: pytest.MonkeyPatch):
    """Left to itself, streamlit-webrtc takes Google's, or asks for others with these very tokens."""
    for name in ("HF_TOKEN", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        monkeypatch.setenv(name, "token")
    asked: list[object] = []
    monkeypatch.setattr(urllib.request, "urlopen", lambda *a, **_: asked.append(a))
    told = connection(open_page())
    assert told["rtc_configuration"] == {"iceServers": []}
    assert told["media_stream_constraints"]["audio"] is False
    assert asked == []


def test_servers_of_the_setting_reach_the_browser(monkeypatch: pytest.MonkeyPatch):
    turn = {"urls": ["turn:turn.example.org"], "username": "anna", "credential": "secret"}
    monkeypatch.setenv("FER_ICE_SERVERS", json.dumps([turn]))
    assert connection(open_page())["rtc_configuration"] == {"iceServers": [turn]}


def test_a_wrong_setting_is_explained_and_a_snapshot_offered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FER_ICE_SERVERS", '[{"urls": "turn:turn.example.org"}]')
    page = open_page()
    assert not page.exception
    assert "FER_ICE_SERVERS" in page.error[0].value
    assert "needs username and credential" in page.error[0].value
    assert not page.get("component_instance")
    assert button(page, "Take a snapshot or upload a photo")


def test_without_models_the_page_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = open_page()
    assert not page.exception
    assert "model cannot be loaded" in page.error[0].value
    assert not page.get("component_instance")


def test_answers_and_a_strip_appear_once_frames_came(astronaut: np.ndarray):
    page = open_page()
    look(page, astronaut)
    page.run()
    assert not page.exception
    assert [metric.value for metric in page.metric] == ["Happy", "Happy"]
    (strip,) = [c for c in page.get("bidi_component") if c.proto.component_name == "live_strip"]
    assert "Dual-input, web photos" in strip.proto.json


def test_of_two_faces_one_is_chosen(astronaut: np.ndarray):
    page = open_page()
    close = astronaut[:260, 90:350]
    look(page, np.concatenate([close, close[:, ::-1]], axis=1))
    page.run()
    assert page.button_group[0].options == ["1", "2"]
    page.button_group[0].set_value(2).run()
    assert not page.exception
    assert any("for face 2, smoothed" in caption.value for caption in page.caption)
    # The face that was chosen leaves: the page says so rather than showing another.
    look(page, astronaut, n=1)
    page.run()
    assert not page.exception


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch, astronaut: np.ndarray) -> AppTest:
    """The page after a frame was frozen, as if its connection stood."""
    from pages.parts import live

    playing = live.Connection(playing=True)
    monkeypatch.setattr(live, "show_camera", lambda _: playing)
    page = open_page()
    look(page, astronaut, n=1)
    button(page.run(), "Freeze this moment").click().run()
    assert not page.exception
    return page


def test_a_frozen_picture_is_the_photo_of_the_other_pages_without_what_was_drawn(
    frozen: AppTest, astronaut: np.ndarray
):
    assert [link.proto.label for link in frozen.get("page_link")] == ["Open in Analyze"]
    page = frozen.switch_page("../analyze.py").run()
    assert not page.exception
    (photo,) = page.session_state["intake"].photos
    assert photo.name.startswith("camera_2")
    np.testing.assert_array_equal(photo.photo.rgb, astronaut)
    assert [metric.value for metric in page.metric] == ["Happy", "Happy"]


def test_a_discarded_picture_is_nowhere(frozen: AppTest):
    button(frozen, "Discard").click().run()
    assert not frozen.exception
    assert "live_frozen" not in frozen.session_state
    page = frozen.switch_page("../analyze.py").run()
    assert not page.exception
    assert page.session_state["intake"].photos == ()
    assert not page.metric
