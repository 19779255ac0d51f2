"""Networks that are loaded before a photo comes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

PROBE = """
import asyncio, sys
from pages.server import ahead
ahead.SECONDS_FIRST = 0
asyncio.run(ahead.load_ahead())
print('ai_edge_litert' in sys.modules, 'mediapipe' in sys.modules)
"""


def probe(monkeypatch: pytest.MonkeyPatch, **environment: str) -> tuple[str, str]:
    """Return what a fresh process says of its modules after the load, and its log."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=PROJECT, capture_output=True, text=True, timeout=120
    )
    assert found.returncode == 0, found.stderr
    return found.stdout.strip(), found.stderr


def test_networks_are_loaded_and_run_once(monkeypatch: pytest.MonkeyPatch):
    loaded, said = probe(monkeypatch)
    assert loaded == "True True"
    assert "Traceback" not in said
    assert "ScriptRunContext" not in said


def test_nothing_is_asked_of_the_hub_before_a_visitor_comes(monkeypatch: pytest.MonkeyPatch):
    loaded, _ = probe(monkeypatch, FER_HUB_REPO_CNN=f"somebody/cnn@{'0' * 40}")
    assert loaded == "False False"


def test_what_cannot_be_loaded_ahead_stops_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _, said = probe(monkeypatch, FER_MODELS=str(tmp_path))
    assert "Traceback" not in said
    assert "could not be loaded ahead: " in said
