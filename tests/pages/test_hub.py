"""What pages say of weights that come from the Hub, or should."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.networks.bundles import resolve
from tests.conftest import NAVIGATION, PROJECT
from tests.hub_server import HubServer

NAME = "landmarks_only"
REPO = "somebody/faces"


def open_page(page: str, **query: str) -> AppTest:
    app = AppTest.from_file(NAVIGATION, default_timeout=60)
    app.switch_page(f"../{page}.py")
    app.query_params.update(query)
    return app.run()


def texts(page: AppTest) -> str:
    return "\n".join(element.value for element in page.markdown)


@pytest.fixture
def published(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """A shipped bundle on the Hub, wanted from there: its commit."""
    folder = PROJECT / "models" / NAME
    paths = [path for path in folder.rglob("*") if path.is_file()]
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    revision = hub.add(REPO, files)
    monkeypatch.setenv("FER_HUB_REPO_LANDMARKS_ONLY", f"{REPO}@{revision}")
    return revision


def test_the_models_page_shows_what_came_from_the_hub(published: str):
    page = open_page("models", model=NAME)
    assert not page.exception
    assert not page.error
    assert f"Loaded from the Hub, {REPO} at {published[:7]}." in texts(page)
    assert str(resolve(NAME).path) not in texts(page)
    files = page.dataframe[-1].value.set_index("File")
    assert files.loc["model.tflite", "Checksum"] == "verified"
    assert "model.keras" not in files.index
    assert len(page.get("plotly_chart")) == 3


def test_how_it_was_trained_is_told_of_the_weights_that_answer(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
):
    folder = PROJECT / "models" / NAME
    paths = [path for path in folder.rglob("*") if path.is_file()]
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    files["history.csv"] = b"\n".join(files["history.csv"].splitlines()[:3])
    monkeypatch.setenv("FER_HUB_REPO_LANDMARKS_ONLY", f"{REPO}@{hub.add(REPO, files)}")
    page = open_page("models", model=NAME)
    assert not page.exception
    chart = page.get("plotly_chart")[-1]
    curve = json.loads(chart.proto.spec)["data"][0]
    assert len(curve["x"]) == 2


def test_the_about_page_says_why_embedded_weights_answer(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    assert "local weights" not in texts(open_page("about"))
    monkeypatch.setenv("FER_HUB_REPO_CNN_PHOTOS", f"{REPO}@{'0' * 40}")
    said = texts(open_page("about"))
    assert (
        f"The local weights are used for `cnn_photos`: {REPO} on 127.0.0.1 is private, or" in said
    )
    assert len(hub.requests) == 2, "each look at the page asks the Hub again"


def test_a_branch_is_refused_in_words(hub: HubServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FER_HUB_REPO_CNN_PHOTOS", f"{REPO}@main")
    page = open_page("models", model="cnn_photos")
    assert not page.exception
    assert "OWNER/NAME@COMMITHASH" in page.error[0].value
    page = open_page("analyze")
    assert not page.exception
    page.button[0].click().run()
    assert not page.exception
    assert "OWNER/NAME@COMMITHASH" in page.warning[0].value
    assert hub.requests == []
