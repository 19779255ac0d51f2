"""The examples: the documents have them word for word, and they run."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from fer_core.faces.action_units import ACTION_UNITS
from fer_core.faces.face_measures import FACE_MEASURES
from fer_core.networks.bundles import DEFAULT_PAIR
from pages.server.api.answers import PARTS, described_fields
from pages.server.api.app import create_api
from pages.server.api.examples import examples
from pages.server.api.openapi import WHY
from pages.shared.address import LOCAL
from tests.conftest import PROJECT

DOCUMENT = (PROJECT / "docs" / "api.md").read_text(encoding="utf-8")
NETWORK = DEFAULT_PAIR[-1]
TOKEN = "0123456789abcdef"


def example(title: str, address: str, *, token: bool) -> str:
    (found,) = (e for e in examples(address, NETWORK, token=token) if e.title == title)
    return found.code


def test_the_document_has_the_examples_word_for_word():
    for told in examples(LOCAL, NETWORK):
        assert f"```{told.language}\n{told.code}\n```" in DOCUMENT, told.title


def test_the_document_has_all_action_units_and_counts_the_measures():
    for unit in ACTION_UNITS:
        made_of = ", ".join(f"`{movement}`" for movement in unit.movements)
        sides, checked = ("yes" if flag else "" for flag in (unit.has_sides, unit.is_checked))
        row = f"| `{unit.code}` | {unit.name} | {made_of} | {sides} | {checked or 'no'} |"
        assert row in DOCUMENT
    assert f"add {len(FACE_MEASURES)} measures to each face" in DOCUMENT


def test_the_document_has_all_fields_and_statuses():
    for part in PARTS.values():
        for name, meaning in described_fields(part).items():
            assert f"| `{name}` | {meaning} |" in DOCUMENT
    for status, why in WHY.items():
        assert f"| `{status}` | {why} |" in DOCUMENT


@contextlib.contextmanager
def served() -> Iterator[str]:
    """Serve the API on a port of its own; give its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        # Who comes before the server runs waits.
        listening.listen()
        app = Starlette(routes=[Mount("/api", app=create_api(most_bytes=1_000_000))])
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/api"
        finally:
            server.should_exit = True
            thread.join(10)


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "TOKEN": TOKEN},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("token", [False, True])
def test_the_examples_run(portrait, tmp_path, monkeypatch, token):
    if token:
        monkeypatch.setenv("FER_API_TOKENS", TOKEN)
    (tmp_path / "photo.jpg").write_bytes(portrait)
    with served() as address:
        said = run([sys.executable, "-c", example("Python", address, token=token)], tmp_path)
        assert "happy" in said
        if shutil.which("curl"):
            said = run(["sh", "-ec", example("curl", address, token=token)], tmp_path)
            decoder = json.JSONDecoder()
            answers = []
            while said:
                answer, end = decoder.raw_decode(said)
                answers.append(answer)
                said = said[end:]
            as_body, in_form, networks = answers
            assert NETWORK in as_body["faces"][0]["predictions"]
            assert list(in_form["faces"][0]["predictions"]) == [NETWORK]
            assert len(in_form["faces"][0]["landmarks"]) == 478
            assert networks["networks"]
