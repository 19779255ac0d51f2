"""The models page without a browser: every bundle, damaged ones, and none at all."""

import json
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.data_names import data_name
from fer_core.networks import bundles, speed
from fer_core.networks.bundles import (
    CARD_FILE,
    HISTORY_FILE,
    SERVING_FILE,
    bundle_folders,
    default_networks,
    resolve,
)
from fer_core.networks.kinds import open_any_bundle
from fer_core.networks.layers import LAYERS_FILE
from fer_core.networks.titles import short_title
from pages.parts.models.files import card_body
from tests.conftest import NAVIGATION

SECONDS = 60
SECTIONS = [
    "Accuracy by data set",
    "Architecture",
    "Cost by stage",
    "Speed on this server",
    "Training",
    "Files",
]


def open_page(model: str | None = None) -> AppTest:
    app = AppTest.from_file(NAVIGATION, default_timeout=SECONDS)
    app.switch_page("../models.py")
    if model:
        app.query_params["model"] = model
    return app.run()


def choose(page: AppTest, model: str) -> AppTest:
    return page.selectbox(key="model").set_value(model).run()


def headings(page: AppTest) -> list[str]:
    return [heading.value for heading in page.subheader]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models with two small ones that a test may change."""
    for name in ("keypoints", "landmarks_only"):
        shutil.copytree(resolve("cnn").path.parent / name, tmp_path / name)
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("folder", bundle_folders(), ids=lambda folder: folder.name)
def test_every_bundle_opens_by_its_address(folder: Path):
    spec = open_any_bundle(folder).spec
    page = open_page(folder.name)
    assert not page.exception
    assert not page.error
    assert page.selectbox(key="model").value == folder.name
    has_history = (folder / HISTORY_FILE).is_file()
    assert [h for h in headings(page) if h != "Learning curves"] == [
        short_title(folder.name, spec),
        *SECTIONS,
    ]
    assert len(page.get("plotly_chart")) == 2 + has_history
    measured, _, files = (frame.value for frame in page.dataframe)
    assert measured["Data"].tolist() == [data_name(data) for data in spec.metrics]
    checked = files.set_index("File").loc[list(spec.sha256)]
    assert checked["sha256"].tolist() == list(spec.sha256.values())
    assert set(checked["Checksum"]) == {"verified"}
    assert any(spec.code_commit in markdown.value for markdown in page.markdown)


@pytest.mark.parametrize(
    ("threshold", "said"),
    [(0.0, "**Threshold** 0%"), (0.4, "**Threshold** 40.0%"), (1.1, "**Threshold**: none")],
)
def test_what_a_threshold_means_is_said_in_words(models: Path, threshold: float, said: str):
    file = models / "landmarks_only" / "spec.json"
    spec = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(spec | {"abstention_threshold": threshold}), encoding="utf-8")
    page = open_page("landmarks_only")
    assert any(said in markdown.value for markdown in page.markdown)


def test_what_was_measured_is_what_the_spec_says():
    measured = (
        open_page("dual").dataframe[0].value.set_index("Data").loc["FER2013 PrivateTest (test)"]
    )
    metrics = resolve("dual").spec.metrics["fer2013:test"]
    assert measured["Accuracy, clean"] == pytest.approx(100 * metrics.accuracy_clean)
    assert measured["MCC, whole"] == metrics.value("mcc")
    assert measured["Rows, clean"] == metrics.n_clean


def test_faces_that_a_network_cannot_name_are_said_to_be_left_out():
    table = open_page("resnet5").dataframe[0].value.set_index("Data")
    metrics = resolve("resnet5").spec.metrics["fer2013:test"]
    assert table.loc["FER2013 PrivateTest (test)", "Left out"] == "fear 528, neutral 626"
    assert metrics.n + 528 + 626 == 3589


def test_an_unknown_name_in_the_address_is_told_and_opens_the_network_in_use():
    page = open_page("no_such_model")
    assert not page.exception
    assert page.selectbox(key="model").value == default_networks()[-1]
    assert "`no_such_model`, which is not available here" in page.warning[0].value


def test_learning_curves_say_what_chose_the_epoch():
    page = open_page("cnn_photos")
    chart = page.get("plotly_chart")[-1]
    traces = json.loads(chart.proto.spec)["data"]
    assert {trace["mode"] for trace in traces} == {"lines+markers"}, "two points make a short line"
    names = {trace["name"] for trace in traces}
    assert names == {"training", "validation", "validation, FER+", "validation, ExpW"}
    said = "by mean accuracy on the clean rows of FER+ PublicTest"
    assert any(said in markdown.value for markdown in page.markdown)


def test_no_path_of_the_server_is_shown(models: Path):
    (models / "landmarks_only" / SERVING_FILE).write_bytes(b"damaged")
    (models / "landmarks_only" / LAYERS_FILE).write_text("stage\nhead\n")
    page = open_page("landmarks_only")
    kinds = (page.markdown, page.caption, page.info, page.warning, page.error)
    said = "\n".join(element.value for kind in kinds for element in kind)
    assert "damaged" in said
    assert str(models) not in said
    assert "`landmarks_only`" in said


def test_a_damaged_spec_is_explained_and_the_others_still_open(models: Path):
    file = models / "keypoints" / "spec.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"parameters": "many"}))
    page = open_page("keypoints")
    assert not page.exception
    assert "parameters" in page.error[0].value
    assert headings(page) == []
    choose(page, "landmarks_only")
    assert not page.exception
    assert not page.error
    assert [h for h in headings(page)[1:] if h != "Learning curves"] == SECTIONS


def test_a_bundle_without_layers_or_card_shows_the_rest(models: Path):
    (models / "landmarks_only" / LAYERS_FILE).unlink()
    (models / "landmarks_only" / CARD_FILE).unlink()
    page = open_page("landmarks_only")
    assert not page.exception
    assert "training describe" in page.info[0].value
    assert "no readable card" in page.info[1].value
    assert "Architecture" not in headings(page)
    assert "Accuracy by data set" in headings(page)


def test_a_broken_table_of_layers_is_explained(models: Path):
    (models / "landmarks_only" / LAYERS_FILE).write_text("stage\nhead\n")
    page = open_page("landmarks_only")
    assert not page.exception
    assert "Its layers cannot be shown" in page.warning[0].value
    assert "Accuracy by data set" in headings(page)


def test_a_damaged_or_missing_weight_file_is_named(models: Path):
    folder = models / "landmarks_only"
    (folder / SERVING_FILE).write_bytes(b"damaged")
    (folder / "model.keras").unlink()
    page = open_page("landmarks_only")
    assert not page.exception
    said = " ".join(error.value for error in page.error)
    assert f"{SERVING_FILE} is damaged" in said
    assert "model.keras is missing" in said
    checked = page.dataframe[-1].value.set_index("File")["Checksum"]
    assert checked[SERVING_FILE] == "differs"
    assert "verified" not in set(checked)
    page.button[0].click().run()
    assert not page.exception
    assert "is damaged" in page.warning[0].value


def test_an_installed_package_need_not_hold_the_keras_files(
    models: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bundles, "shipped_root", lambda: models.parent)
    (models / "landmarks_only" / "model.keras").unlink()
    page = open_page("landmarks_only")
    assert not page.exception
    assert not page.error


def test_a_repaired_file_is_checked_again(models: Path):
    file = models / "landmarks_only" / SERVING_FILE
    content = file.read_bytes()
    file.write_bytes(b"damaged")
    page = open_page("landmarks_only")
    assert page.error
    file.write_bytes(content)
    assert not page.run().error


def test_weights_that_were_not_measured_say_so(models: Path):
    file = models / "landmarks_only" / "spec.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"metrics": {}}))
    page = open_page("landmarks_only")
    assert not page.exception
    assert "not evaluated" in page.info[0].value


def test_without_a_model_the_page_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = open_page()
    assert not page.exception
    assert "There is no network" in page.error[0].value
    assert not page.selectbox


@pytest.mark.usefixtures("models")
def test_speed_is_measured_when_asked_and_kept_for_that_model():
    page = open_page("landmarks_only")
    labels = [metric.label for metric in page.metric]
    assert not any("at a time" in label for label in labels)
    page.button[0].click().run()
    assert not page.exception
    shown = {m.label: m.value for m in page.metric if "at a time" in m.label}
    assert list(shown) == ["One face at a time", "32 faces at a time"]
    assert all(float(value.removesuffix(" ms per face")) > 0 for value in shown.values())
    assert any(speed.cpu_name() in caption.value for caption in page.caption)
    choose(page, "keypoints")
    assert not any("at a time" in metric.label for metric in page.metric)
    choose(page, "landmarks_only")
    assert {m.label: m.value for m in page.metric if "at a time" in m.label} == shown


@pytest.mark.usefixtures("models")
def test_a_busy_machine_is_explained():
    page = open_page("landmarks_only")
    with speed._measuring:
        page.button[0].click().run()
    assert not page.exception
    assert "Try again in a few seconds" in page.warning[0].value


def test_a_card_loses_its_metadata_and_keeps_its_code():
    card = "---\nlicense: x\n---\n\n# cnn\n\n## Use\n\n```python\n# a comment\n```\n\n---\n"
    assert card_body(card) == "## cnn\n\n### Use\n\n```python\n# a comment\n```\n\n---"
    assert card_body("# plain") == "## plain"
    assert card_body("---\nnever closed") == "---\nnever closed"
