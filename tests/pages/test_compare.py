"""The compare page without a browser: one network, two, no face, a face without landmarks."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fer_core.faces.finder import FaceFinder
from fer_core.faces.landmarks import upright_points
from fer_core.faces.shape import estimate, write_face_shape
from fer_core.networks.bundles import resolve
from fer_core.photos.decode import decode
from pages.parts import compare
from tests.conftest import NAVIGATION, png

PROJECT = Path(__file__).resolve().parents[2]
SECONDS = 60


@pytest.fixture
def two_opinions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, astronaut_png: bytes) -> None:
    """A folder of models in which a second bundle stands, and an average face."""
    cnn = resolve("cnn")
    for name in ("cnn", "dual"):
        shutil.copytree(cnn.path, tmp_path / name)
    spec = json.loads((tmp_path / "dual" / "spec.json").read_text())
    (tmp_path / "dual" / "spec.json").write_text(json.dumps(spec | {"name": "dual"}))
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    mesh = FaceFinder().find(decode(astronaut_png).rgb)[0].mesh
    assert mesh is not None
    rng = np.random.default_rng(0)
    points = upright_points(mesh) + rng.normal(0, 0.05, (100, 478, 3))
    write_face_shape(estimate(points, rng.random((100, 52))), tmp_path / "shape.npz")
    monkeypatch.setattr(compare, "face_shape_path", lambda: tmp_path / "shape.npz")
    compare._load_shape.clear()


def open_page() -> AppTest:
    app = AppTest.from_file(NAVIGATION, default_timeout=SECONDS).run()
    return app.switch_page("../compare.py").run()


def upload(page: AppTest, name: str, content: bytes) -> AppTest:
    return page.file_uploader[0].set_value([(name, content, "image/png")]).run()


def headings(page: AppTest) -> list[str]:
    return [heading.value for heading in page.subheader]


def test_with_one_network_there_is_nothing_to_compare(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    shutil.copytree(resolve("cnn").path, tmp_path / "cnn")
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = open_page().button[0].click().run()
    assert not page.exception
    assert "Missing here: cnn_photos, dual_photos; train with" in page.info[0].value
    assert len(page.metric) == 1


@pytest.mark.usefixtures("two_opinions")
def test_the_example_photo_is_explained():
    page = open_page().button[0].click().run()
    assert not page.exception
    assert [metric.label for metric in page.metric] == [
        "Face 1: CNN, FER2013",
        "Face 1: Dual-input, FER2013",
        "Both",
    ]
    assert headings(page) == [
        "Whom to trust",
        "What counted in the pixels",
        "What counted in the landmarks",
        "What if the landmarks moved?",
    ]
    assert len(page.get("plotly_chart")) == 3
    assert any(caption.value.startswith("Time of each network") for caption in page.caption)


@pytest.mark.usefixtures("two_opinions")
def test_trust_is_counted_on_the_stored_predictions():
    page = open_page().button[0].click().run()
    said = next(m.value for m in page.markdown if "in the training data (" in m.value)
    assert "(3,192 of FER2013)" in said
    assert "both networks' closest answer was happy" in said
    shown = next(metric.value for metric in page.metric if metric.label == "Both")
    assert 75 <= int(shown.removesuffix("%")) <= 95


@pytest.mark.usefixtures("two_opinions")
def test_sliders_move_and_go_back():
    page = open_page().button[0].click().run()
    page.slider[0].set_value(0.5).run()
    assert not page.exception
    next(b for b in page.button if b.label == "Back to the face as it is").click().run()
    assert not page.exception
    assert page.slider[0].value == 0


@pytest.mark.usefixtures("two_opinions")
def test_a_photo_without_a_face_gets_advice(no_face_png: bytes):
    page = upload(open_page(), "coffee.png", no_face_png)
    assert not page.exception
    assert "No face found" in page.info[0].value
    assert not headings(page)


@pytest.mark.usefixtures("two_opinions", "no_landmarks")
def test_a_face_without_landmarks_has_the_pixels_explained(astronaut_png: bytes):
    page = upload(open_page(), "me.png", astronaut_png)
    assert not page.exception
    assert headings(page) == ["Whom to trust", "What counted in the pixels"]
    assert "no landmarks" in page.info[0].value


@pytest.mark.usefixtures("two_opinions")
def test_one_of_ten_faces_is_chosen(astronaut: np.ndarray):
    page = upload(open_page(), "crowd.png", png(np.tile(astronaut, (2, 5, 1))))
    assert not page.exception
    cards = [widget for widget in page.button if widget.label.isdecimal()]
    cards[6].click().run()
    assert not page.exception
    assert page.metric[0].label == "Face 7: CNN, FER2013"


@pytest.mark.usefixtures("two_opinions")
def test_a_missing_average_face_says_how_to_make_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(compare, "face_shape_path", lambda: tmp_path / "none.npz")
    page = open_page().button[0].click().run()
    assert not page.exception
    assert ["face-shape fer2013" in warning.value for warning in page.warning] == [True]


@pytest.mark.usefixtures("two_opinions")
def test_a_damaged_second_network_leaves_the_first_at_work(tmp_path: Path):
    (tmp_path / "dual" / "model.tflite").write_bytes(b"damaged")
    page = open_page().button[0].click().run()
    assert not page.exception
    assert [metric.label for metric in page.metric] == ["Face 1: apparent expression"]
    assert "model.tflite is damaged" in page.warning[0].value


@pytest.mark.usefixtures("two_opinions")
def test_answers_are_not_kept_when_the_networks_change(tmp_path: Path):
    page = open_page().button[0].click().run()
    shutil.rmtree(tmp_path / "dual")
    page.run()
    assert not page.exception
    assert [metric.label for metric in page.metric] == ["Face 1: apparent expression"]


@pytest.mark.usefixtures("two_opinions")
def test_an_unsure_opinion_is_no_agreement(tmp_path: Path):
    file = tmp_path / "dual" / "spec.json"
    spec = json.loads(file.read_text())
    file.write_text(json.dumps(spec | {"abstention_threshold": 1.0}))
    page = open_page().button[0].click().run()
    assert page.metric[1].value == "Not sure"
    shown = "".join(m.value for m in page.markdown)
    assert "Not every opinion is sure" in shown
    assert "The opinions agree" not in shown
