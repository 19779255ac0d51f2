"""What pages say and do when something goes wrong under a running server, and after it was mended."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.runtime.uploaded_file_manager import UploadedFile
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Element

from fer_core.errors import TooManyFacesError
from fer_core.faces import mediapipe_models
from fer_core.faces.finder import FaceFinder
from fer_core.networks import hub as weights
from fer_core.networks.bundles import SERVING_FILE, SPEC_FILE, resolve
from fer_core.photos import decode
from fer_core.settings import landmarker_path
from pages.shared import loading
from tests.conftest import NAVIGATION, PROJECT
from tests.hub_server import HubServer

REPO = "somebody/faces"
BOTH = "CNN (FER2013) + Dual-input (FER2013)"
SHIPPED = "CNN (web photos) + Dual-input (web photos)"
ONE = "CNN (FER2013)"


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of our own with the two default networks."""
    folder = tmp_path / "models"
    for name in ("cnn", "dual"):
        (folder / name).mkdir(parents=True)
        for file in (SPEC_FILE, SERVING_FILE):
            shutil.copy(resolve(name).path / file, folder / name)
    monkeypatch.setenv("FER_MODELS", str(folder))
    return folder


def example() -> AppTest:
    """The first page with the example photo on it."""
    page = AppTest.from_file(NAVIGATION, default_timeout=60).run()
    return again(page.button[0].click())


def upload(page: AppTest, *names: str, content: bytes) -> AppTest:
    return again(page.file_uploader[0].set_value([(n, content, "image/png") for n in names]))


def again(changed: AppTest | Element) -> AppTest:
    page = changed.run()
    assert not page.exception
    return page


def predictions_on(page: AppTest) -> str:
    """Return the titles of the networks whose bars are shown; nothing without an answer."""
    bars = "".join(element.proto.body for element in page.get("html"))
    return " + ".join(re.findall(r"</i>(.*?)</span>", bars))


def said(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.info, page.warning, page.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def halved(file: Path) -> bytes:
    """Cut a file to half of itself and return what it was."""
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    return content


def test_the_page_on_hosting_names_tests_that_there_are():
    text = (PROJECT / "docs" / "deploy.md").read_text(encoding="utf-8")
    table, _, held = text.partition("## When something goes wrong")[2].partition(
        "A test covers each row"
    )
    held = held.partition("## Size")[0]
    named = {}
    for word in re.findall(r"`(tests/[\w/.]+|test_\w+)`", held):
        if word.endswith(".py"):
            source = (PROJECT / word).read_text(encoding="utf-8")
        else:
            named[word] = f"def {word}(" in source
    assert named
    assert all(named.values()), named
    numbers = {int(number) for number in re.findall(r"\[(\d+)\]", table)}
    assert sorted(numbers) == [int(n) for n in re.findall(r"^(\d+)\. ", held, re.MULTILINE)]


# Files of the networks


def test_half_a_network_is_explained_and_answers_when_it_is_whole(models: Path):
    """As while a large file is being copied: the photo given meanwhile gets both predictions later."""
    page = None
    for name in (SERVING_FILE, SPEC_FILE):
        file = models / "dual" / name
        content = halved(file)
        page = again(page) if page else example()
        assert predictions_on(page) == ONE
        assert f"dual/{name}" in page.warning[0].value
        file.write_bytes(content)
        again(page)
        assert predictions_on(page) == BOTH
        assert not page.warning


def test_a_network_in_memory_answers_on_when_its_file_is_gone(models: Path, astronaut_png: bytes):
    page = example()
    (models / "cnn" / "model.tflite").unlink()
    halved(models / "dual" / "model.tflite")
    upload(page, "new.png", content=astronaut_png)
    assert predictions_on(page) == BOTH
    assert not page.warning
    assert not page.error


def test_all_networks_gone_and_back(models: Path):
    page = example()
    models.rename(models.with_name("away"))
    again(page)
    assert "**No network can be loaded" in page.error[0].value
    assert predictions_on(page) == ""
    models.with_name("away").rename(models)
    again(page)
    assert not page.error
    assert predictions_on(page) == BOTH


def test_the_same_weights_calibrated_anew_answer_at_once(models: Path):
    page = example()
    assert page.metric[0].value == "Happy"
    file = models / "dual" / "spec.json"
    spec = json.loads(file.read_text())
    file.write_text(json.dumps(spec | {"abstention_threshold": 1.5}))
    again(page)
    assert page.metric[0].value == "Probably happy"


def test_half_a_landmarker_is_explained_and_works_when_it_is_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    file = Path(shutil.copy(landmarker_path(), tmp_path))
    monkeypatch.setattr(mediapipe_models, "landmarker_path", lambda: file)
    loading._load_finder.clear()
    content = halved(file)
    page = example()
    assert "face_landmarker.task is missing or damaged" in page.error[0].value
    file.write_bytes(content)
    again(page)
    assert not page.error
    assert predictions_on(page) == SHIPPED


# The Hub


@pytest.fixture
def published(hub: HubServer, models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """On the Hub `dual` is never confident; its folder in the cache, once it is there."""
    folder = models / "dual"
    files = {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }
    spec = json.loads(files["spec.json"]) | {"abstention_threshold": 1.5}
    revision = hub.add(REPO, files | {"spec.json": json.dumps(spec).encode()})
    monkeypatch.setenv("FER_HUB_REPO_DUAL", f"{REPO}@{revision}")
    return models.parent / "cache" / f"models--{REPO.replace('/', '--')}"


def test_a_hub_that_is_gone_and_comes_back(
    hub: HubServer, published: Path, monkeypatch: pytest.MonkeyPatch
):
    from huggingface_hub import constants

    address = constants.HUGGINGFACE_CO_URL_TEMPLATE
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", address.replace(hub.url, "http://127.0.0.1:9")
    )
    page = example()
    assert predictions_on(page) == BOTH
    assert page.metric[0].value == "Happy"
    assert "The local weights are used for `dual`" in said(page)
    assert "cannot be reached" in said(page)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address)
    again(page)
    assert page.metric[0].value == "Happy", "the Hub is asked again before its time"
    monkeypatch.setattr(weights, "RETRY_SECONDS", 0.0)
    again(page)
    assert page.metric[0].value == "Probably happy"
    assert "The local weights" not in said(page)
    assert "`dual` is from the Hub" in said(page)


def test_what_came_from_a_hub_answers_without_it_until_the_cache_is_emptied(
    hub: HubServer, published: Path, monkeypatch: pytest.MonkeyPatch
):
    page = example()
    assert "`dual` is from the Hub" in said(page)
    asked = len(hub.requests)
    again(page)
    assert len(hub.requests) == asked
    # What a program that clears old files leaves: links to nothing.
    shutil.rmtree(published / "blobs")
    again(page)
    assert "`dual` is from the Hub" in said(page)
    assert len(hub.requests) > asked
    hub.repos[REPO].private = True
    shutil.rmtree(published / "blobs")
    again(page)
    assert "The local weights are used for `dual`" in said(page)
    assert page.metric[0].value == "Happy"
    hub.repos[REPO].private = False
    monkeypatch.setattr(weights, "RETRY_SECONDS", 0.0)
    again(page)
    assert "`dual` is from the Hub" in said(page)
    assert page.metric[0].value == "Probably happy"


# Memory


def test_a_photo_that_cannot_be_looked_at_is_explained_and_the_others_are_answered(
    monkeypatch: pytest.MonkeyPatch, astronaut_png: bytes
):
    photos = ["large.png", "small.png"]
    page = AppTest.from_file(NAVIGATION, default_timeout=60).run()
    with monkeypatch.context() as patch:
        find = FaceFinder.find_upright
        patch.setattr(FaceFinder, "find_upright", fail_once(MemoryError(), find))
        upload(page, *photos, content=astronaut_png)
    assert page.error[0].value.startswith("`large.png`: There was not enough memory to analyze")
    assert predictions_on(page) == SHIPPED
    again(page)
    assert not page.error
    assert predictions_on(page) == SHIPPED


def test_a_photo_with_too_many_faces_is_searched_once_and_no_other_stands_in_its_place(
    monkeypatch: pytest.MonkeyPatch, astronaut_png: bytes
):
    page = AppTest.from_file(NAVIGATION, default_timeout=60).run()
    upload(page, "small.png", content=astronaut_png)
    searches = []

    def refuse(*_: object, **__: object) -> None:
        searches.append(1)
        raise TooManyFacesError("Too many. Cut it into parts.")

    monkeypatch.setattr(FaceFinder, "find_upright", refuse)
    upload(page, "crowd.png", content=astronaut_png)
    again(page)
    assert page.error[0].value == "`crowd.png`: Too many. Cut it into parts."
    assert len(searches) == 1
    assert predictions_on(page) == ""
    again(next(b for b in page.button if b.label == "Show: `small.png`").click())
    assert page.error
    assert predictions_on(page) == SHIPPED
    again(next(b for b in page.button if b.label == "Remove `crowd.png`").click())
    assert not page.error


def test_what_could_not_be_read_is_said_until_it_is_dismissed(astronaut_png: bytes):
    page = AppTest.from_file(NAVIGATION, default_timeout=60).run()
    upload(page, "small.png", content=astronaut_png)
    upload(page, "notes.png", content=b"no photo")
    assert "`notes.png`" in page.error[0].value
    assert "2 files" in "".join(str(e.proto.label) for e in page.get("download_button"))
    again(next(b for b in page.button if b.label == "Dismiss").click())
    assert not page.error
    assert predictions_on(page) == SHIPPED


def fail_once(error: Exception, then: Callable[..., object]) -> Callable[..., object]:
    errors = [error]

    def function(*arguments: object) -> object:
        if errors:
            raise errors.pop()
        return then(*arguments)

    return function


def test_a_photo_too_large_for_the_memory_is_read_when_it_is_given_again(
    monkeypatch: pytest.MonkeyPatch, astronaut_png: bytes
):
    monkeypatch.setattr(UploadedFile, "getvalue", fail_once(MemoryError(), UploadedFile.getvalue))
    monkeypatch.setattr(decode, "_read", fail_once(MemoryError(), decode._read))
    page = AppTest.from_file(NAVIGATION, default_timeout=60).run()
    for _ in ("the file is copied", "its pixels are decoded"):
        upload(page, "large.png", content=astronaut_png)
        assert "not enough memory to read" in page.error[0].value
        assert predictions_on(page) == ""
    upload(page, "large.png", content=astronaut_png)
    assert not page.error
    assert predictions_on(page) == SHIPPED
