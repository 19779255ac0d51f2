"""Networks that are loaded before a photo comes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fer_core.networks.bundles import DEFAULT_PAIR, SERVING_FILE, resolve
from tests.conftest import PROJECT

#: Loads, and tells what the server says of itself.
HEALTH = """
import asyncio, json, os, sys
from pages.server import ahead
from pages.server.api.health import readiness
ahead.SECONDS_FIRST, ahead.LIBRARIES = 0, ()
def look():
    asyncio.run(ahead.load_ahead())
    print(json.dumps([readiness.networks, readiness.reason]))
look()
"""
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
    pins = {f"FER_HUB_REPO_{name.upper()}": f"somebody/{name}@{'0' * 40}" for name in DEFAULT_PAIR}
    loaded, _ = probe(monkeypatch, **pins)
    assert loaded == "False False"


def test_a_pin_of_another_network_does_not_keep_the_default_ones_from_loading(
    monkeypatch: pytest.MonkeyPatch,
):
    loaded, said = probe(monkeypatch, FER_HUB_REPO_CNN=f"somebody/cnn@{'0' * 40}")
    assert loaded == "True True"
    assert "could not be loaded" not in said


def test_what_cannot_be_loaded_ahead_stops_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _, said = probe(monkeypatch, FER_MODELS=str(tmp_path))
    assert "Traceback" not in said
    assert "could not be loaded ahead: " in said
    assert said.rstrip().endswith("There are: none. Check FER_MODELS.")


def health(script: str, **environment: str) -> tuple[list[tuple[dict, str | None]], str]:
    """Return what a fresh server says of its readiness, each time that it looked, and its log."""
    found = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | environment,
    )
    assert found.returncode == 0, found.stderr
    return [tuple(json.loads(line)) for line in found.stdout.splitlines()], found.stderr


def digest(network: str) -> str:
    return resolve(network).spec.sha256[SERVING_FILE]


def test_a_network_that_is_repaired_is_loaded_at_the_next_look(tmp_path: Path):
    shutil.copytree(resolve("cnn").path, tmp_path / "cnn")
    lacking = tmp_path / "cnn" / SERVING_FILE
    kept = lacking.rename(tmp_path / SERVING_FILE)
    mend = f"look()\nos.rename({str(kept)!r}, {str(lacking)!r})\nlook()"
    looks, said = health(HEALTH + mend, FER_MODELS=str(tmp_path), FER_NETWORKS="cnn")
    (networks, reason), again, mended = looks
    assert networks == {}
    assert reason.startswith("models/cnn/model.tflite is missing.")
    assert again == (networks, reason)
    assert said.count("could not be loaded ahead") == 1, "what is known is not logged again"
    assert mended == ({"cnn": digest("cnn")}, None)


def test_a_mistyped_network_is_named_with_its_setting_and_the_others_are_loaded():
    ((networks, reason),), said = health(HEALTH, FER_NETWORKS="cnn,dual_fotos")
    assert networks == {"cnn": digest("cnn")}
    assert "No network is called 'dual_fotos'" in reason
    assert "Did you mean dual_photos" in reason
    assert said.rstrip().endswith("Check FER_NETWORKS.")


def test_what_comes_from_the_hub_is_ready_and_not_downloaded():
    pin = f"somebody/cnn@{'0' * 40}"
    ((networks, reason),), said = health(
        HEALTH, FER_HUB_REPO_CNN=pin, FER_NETWORKS="cnn,dual", HF_ENDPOINT="http://127.0.0.1:1"
    )
    assert (networks, reason) == ({"cnn": None, "dual": digest("dual")}, None)
    # A try to reach the Hub would have been an error.
    assert "could not be loaded" not in said
    assert "Hub" not in said


def test_a_pin_that_is_no_commit_is_named_at_the_start():
    ((networks, reason),), said = health(HEALTH, FER_HUB_REPO_CNN="somebody/cnn@main")
    assert list(networks) == list(DEFAULT_PAIR)
    assert reason.startswith("FER_HUB_REPO_CNN is `somebody/cnn@main`")
    assert "FER_HUB_REPO_CNN is" in said
