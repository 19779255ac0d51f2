"""The live page without a browser: what the component is told, and pictures that were frozen."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from fer_core import drawing
from fer_core.expressions import Expression
from fer_core.networks.bundles import resolve
from pages.parts.live import camera as live
from pages.server.live.visits import camera_of
from tests.conftest import NAVIGATION
from tests.fer_core.views.test_style import contrast

SECONDS = 60


OPEN = "Open on the Photo page"


def open_page() -> AppTest:
    app = AppTest.from_file(NAVIGATION, default_timeout=SECONDS)
    return app.switch_page("../live.py").run()


def button(page: AppTest, label: str) -> Any:
    (found,) = [widget for widget in page.button if widget.label == label]
    return found


def told(page: AppTest) -> dict[str, Any]:
    """What the page tells the component in the browser."""
    (component,) = page.get("bidi_component")
    return json.loads(component.proto.json)


def test_the_browser_is_told_how_to_reach_its_own_camera_and_what_to_draw():
    page = open_page()
    assert not page.exception
    data = told(page)
    visit = page.session_state["live_visit"]
    assert camera_of(data["token"]) is visit.camera
    assert [network["name"] for network in data["networks"]] == list(visit.camera.classifiers)
    for network in data["networks"]:
        assert len(network["labels"]) == len(network["colors"]) == 7
        for color, ink in zip(network["colors"], network["inks"], strict=True):
            assert contrast(color, ink) >= 4.5
        assert network["columns"][0] == f"{network['name']}_expression"
    assert max(max(kind["pairs"]) for kind in data["edges"]) < 478
    # The camera is the visit's: another run of the page tells the same.
    assert told(page.run())["token"] == data["token"]
    assert told(open_page())["token"] != data["token"]


def networks(*names: str) -> Any:
    """Stands for networks that were loaded."""
    return {name: SimpleNamespace(bundle=resolve(name)) for name in names}


@pytest.mark.parametrize(
    ("names", "titles"),
    [
        (("cnn_photos", "dual_photos"), ["pixels", "+ landmarks"]),
        (("dual", "cnn"), ["+ landmarks", "pixels"]),
        (("ferplus",), ["pixels"]),
        (("cnn_photos", "expw_cnn"), ["CNN (web photos)", "CNN (ExpW)"]),
        (("landmarks_only", "cnn"), ["Landmarks alone (FER2013)", "CNN (FER2013)"]),
        (("resnet5", "landmarks_only"), ["Dual-input (five classes)", "Landmarks alone (FER2013)"]),
    ],
)
def test_the_titles_on_the_picture_are_true_and_tell_the_networks_apart(names, titles):
    assert live._short_titles(networks(*names)) == dict(zip(names, titles, strict=True))


def test_the_legend_has_every_expression_that_either_network_knows():
    seven = [str(label) for label in Expression][:7]
    for names, labels in (
        (("cnn_photos", "dual_photos"), seven),
        (("resnet5", "cnn"), seven),
        (("cnn", "ferplus"), [*seven, "contempt"]),
        (("ferplus", "resnet5"), [*seven, "contempt"]),
    ):
        assert [entry["label"] for entry in live._legend(networks(*names))] == labels


def test_a_snapshot_is_offered_and_is_the_camera_of_the_analyze_page():
    page = open_page()
    button(page, "Take a snapshot or upload a photo").click().run()
    assert not page.exception
    assert page.title[0].value == "See the expressions in a photo"
    assert page.session_state["photo_source"] == "Camera"


def test_without_models_the_page_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = open_page()
    assert not page.exception
    assert "No network can be loaded" in page.error[0].value
    assert str(tmp_path) not in page.error[0].value
    assert not page.get("bidi_component")


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch, astronaut: np.ndarray) -> AppTest:
    """The page after a frame was frozen, by a button that stands for the component's."""
    monkeypatch.setattr(
        live, "show_camera", lambda _: st.button("Freeze", on_click=live._freeze) and None
    )
    page = open_page()
    button(page, "Freeze").click().run()
    assert OPEN not in [widget.label for widget in page.button], "there was no picture yet"
    page.session_state["live_visit"].camera.look(astronaut, seconds=1.0)
    button(page, "Freeze").click().run()
    assert not page.exception
    return page


def test_a_frozen_picture_is_the_photo_of_the_other_pages_without_what_was_drawn(
    frozen: AppTest, astronaut: np.ndarray
):
    page = button(frozen, OPEN).click().run()
    assert not page.exception
    assert page.title[0].value == "See the expressions in a photo"
    (photo,) = page.session_state["intake"].photos
    assert photo.name.startswith("camera_2")
    np.testing.assert_array_equal(photo.photo.rgb, astronaut)
    assert [metric.value for metric in page.metric] == ["Happy"]


def test_the_frozen_picture_is_opened_after_another_photo_was_selected_or_it_was_removed(
    frozen: AppTest, no_face_png: bytes
):
    page = frozen.switch_page("../analyze.py").run()
    page.file_uploader[0].set_value([("coffee.png", no_face_png, "image/png")]).run()
    assert not page.metric
    page = button(page.switch_page("../live.py").run(), OPEN).click().run()
    assert not page.exception
    assert [metric.value for metric in page.metric] == ["Happy"]
    names = [photo.name for photo in page.session_state["intake"].photos]
    assert len(names) == 2
    page.button(key=f"remove_{names[0]}").click().run()
    assert not page.metric
    page = button(page.switch_page("../live.py").run(), OPEN).click().run()
    assert [metric.value for metric in page.metric] == ["Happy"]
    assert [photo.name for photo in page.session_state["intake"].photos] == names[::-1]


def test_a_frozen_picture_keeps_its_titles_when_other_networks_are_chosen(
    frozen: AppTest, monkeypatch: pytest.MonkeyPatch
):
    drawn: list[tuple[list[str], dict[str, str]]] = []

    def draw(image_rgb: np.ndarray, faces: Any, *, titles: dict[str, str]) -> np.ndarray:
        drawn.append((list(faces[0].predictions), titles))
        return image_rgb

    monkeypatch.setattr(drawing, "draw_live", draw)
    frozen.session_state["networks"] = ("expw_cnn", "landmarks_only")
    frozen.run()
    assert not frozen.exception
    ((names, titles),) = drawn
    assert names == list(titles) == ["cnn_photos", "dual_photos"]
    assert list(titles.values()) == ["pixels", "+ landmarks"]


def test_two_pictures_that_were_frozen_within_a_second_are_both_kept(
    frozen: AppTest, monkeypatch: pytest.MonkeyPatch
):
    first = frozen.session_state["live_frozen"].taken
    second = first.replace(microsecond=(first.microsecond + 500_000) % 1_000_000)
    monkeypatch.setattr(live, "datetime", SimpleNamespace(now=lambda _=None: second))
    button(frozen, "Freeze").click().run()
    assert not frozen.exception
    page = button(frozen, OPEN).click().run()
    names = [photo.name for photo in page.session_state["intake"].photos]
    assert len(names) == 2
    assert len({name[:-8] for name in names}) == 1, "they differ in the milliseconds"


def test_discarding_twice_is_discarding_once(frozen: AppTest, monkeypatch: pytest.MonkeyPatch):
    discard = live._discard

    def twice(taken: Any) -> None:
        discard(taken)
        discard(taken)

    monkeypatch.setattr(live, "_discard", twice)
    button(frozen.run(), "Discard").click().run()
    assert not frozen.exception
    assert "live_frozen" not in frozen.session_state


def test_a_discarded_picture_is_nowhere(frozen: AppTest):
    button(frozen, "Discard").click().run()
    assert not frozen.exception
    assert "live_frozen" not in frozen.session_state
    page = frozen.switch_page("../analyze.py").run()
    assert not page.exception
    assert page.session_state["intake"].photos == ()
    assert not page.metric
