"""The landmarks page without a browser: good, bad and odd input."""

import re
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fer_core.drawing import Overlay
from fer_core.networks.bundles import resolve
from fer_core.networks.keypoints import resolve_keypoints
from tests.conftest import NAVIGATION, png

PROJECT = Path(__file__).resolve().parents[2]
SECONDS = 60


def open_page() -> AppTest:
    app = AppTest.from_file(NAVIGATION, default_timeout=SECONDS)
    return app.switch_page("../landmarks.py").run()


def upload(page: AppTest, name: str, content: bytes) -> AppTest:
    return page.file_uploader[0].set_value([(name, content, "image/png")]).run()


def strengths(page: AppTest) -> list[float]:
    """The strengths of the action units beside their bars."""
    bars, _ = [part.proto.body for part in page.get("html") if "fer-bars" in part.proto.body]
    return [float(strength) for strength in re.findall(r"<div>(\d\.\d\d)</div>", bars)]


def test_an_example_has_its_mesh_pose_and_movements_at_once():
    page = open_page()
    assert not page.exception
    # Its mesh is drawn when its tab is opened.
    assert not page.get("plotly_chart")
    assert [heading.value for heading in page.subheader] == [
        "Strongest action units, estimated",
        "Head pose, gaze and features",
        "Strongest blendshapes",
    ]
    values = [m.value for m in page.markdown if m.value.startswith("**")]
    assert "**straight**" in values
    assert len(strengths(page)) == 8
    assert strengths(page) == sorted(strengths(page), reverse=True)
    page.session_state["mesh_tab"] = "3D mesh"
    assert len(page.run().get("plotly_chart")) == 1
    page.toggle[0].set_value(True).run()
    assert not page.exception


def test_no_overlay_at_all_is_allowed():
    page = open_page()
    page.button_group[0].set_value([]).run()
    assert not page.exception
    assert strengths(page)


def test_a_photo_without_a_face_gets_advice(no_face_png: bytes):
    page = upload(open_page(), "coffee.png", no_face_png)
    assert not page.exception
    assert "No face found" in page.info[0].value


def test_a_broken_file_is_explained(astronaut_png: bytes):
    page = upload(open_page(), "cut.png", astronaut_png[:5000])
    assert not page.exception
    assert page.error[0].value.startswith("`cut.png`: ")


@pytest.mark.usefixtures("no_landmarks")
def test_a_face_without_landmarks_is_explained(astronaut_png: bytes):
    page = upload(open_page(), "me.png", astronaut_png)
    assert not page.exception
    assert "no landmarks" in page.info[0].value
    assert not page.get("plotly_chart")


def test_a_visit_that_was_lost_is_explained_beside_the_example(monkeypatch, astronaut_png):
    monkeypatch.setattr("pages.shared.notes.visit_was_lost", lambda: True)
    page = open_page().run()
    assert "connection to the server was lost" in page.info[0].value
    assert any(c.value.startswith("Example: Astronaut") for c in page.caption)
    page = page.file_uploader[0].set_value([("me.png", astronaut_png, "image/png")]).run()
    assert not page.info


def test_all_measures_can_be_downloaded():
    labels = [widget.label for widget in open_page().download_button]
    assert "All measures (JSON)" in labels


def test_one_of_ten_faces_is_chosen(astronaut: np.ndarray):
    page = upload(open_page(), "crowd.png", png(np.tile(astronaut, (2, 5, 1))))
    assert not page.exception
    cards = [widget for widget in page.button if widget.label.startswith("Face ")]
    assert len(cards) == 10
    cards[6].click().run()
    assert not page.exception
    assert strengths(page)


def test_the_15_point_model_comes_with_its_measured_error():
    spec = resolve_keypoints().spec
    page = open_page()
    said = "The 15-point model is a network"
    assert not any(said in text.value for text in page.markdown)
    page.button_group[0].set_value([Overlay.KEYPOINTS, Overlay.OWN_KEYPOINTS]).run()
    assert not page.exception
    (text,) = [text.value for text in page.markdown if said in text.value]
    measured = spec.metrics["keypoints:test"]
    assert f"{measured.normalized_mean_error:.1%}" in text
    assert f"{measured.n:,} test images of {measured.persons} persons" in text


def test_without_the_15_point_model_its_overlay_is_not_offered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    for name in ("cnn", "dual"):
        (tmp_path / name).symlink_to(resolve(name).path)
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = open_page()
    assert not page.exception
    assert page.button_group[0].options == ["Mesh", "Contours", "Irises", "Gaze", "Keypoints"]


def test_a_damaged_keypoint_network_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "cnn").symlink_to(resolve("cnn").path)
    (tmp_path / "keypoints").mkdir()
    (tmp_path / "keypoints" / "spec.json").write_text('{"task": "keypoints"}')
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = open_page()
    assert not page.exception
    assert "The 15-point model cannot be loaded" in page.warning[0].value
    assert str(tmp_path) not in page.warning[0].value
