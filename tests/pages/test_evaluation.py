"""The evaluation page without a browser: every question answers, and its numbers are those of the files."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from fer_core.data_names import data_name
from fer_core.evaluation.photo_accuracy import read_photo_accuracy
from fer_core.evaluation.predictions import compare, predictions_path, read_predictions
from fer_core.networks.bundles import resolve
from pages.parts.evaluation.questions import QUESTIONS
from tests.conftest import NAVIGATION, PROJECT

SECONDS = 60


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(NAVIGATION, default_timeout=SECONDS).run()
    app.switch_page("../evaluation.py")
    for name, value in ({"data": data_name("fer2013:test")} | query).items():
        app.query_params[name] = value
    return app.run()


def texts(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.info, page.warning, page.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def predictions(name: str) -> Path:
    return predictions_path(resolve(name).path, "fer2013", "test")


def test_the_networks_that_answer_are_shown_first_by_what_most_people_say():
    app = AppTest.from_file(NAVIGATION, default_timeout=SECONDS).run()
    page = app.switch_page("../evaluation.py").run()
    assert page.selectbox(key="data").value == "ferplus:test"
    assert page.multiselect[0].value == ["cnn_photos", "dual_photos"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_is_answered_at_its_own_address(question):
    page = open_page(question=question)
    assert not page.exception
    assert not page.error
    assert page.subheader or "faces." in texts(page)


def test_the_headline_is_what_was_recorded_with_the_weights():
    page = open_page()
    table = next(m.value for m in page.markdown if m.value.startswith("|"))
    line = next(line for line in table.splitlines() if "| Accuracy" in line)
    for name, cell in zip(("cnn", "dual"), line.split("|")[2:4], strict=True):
        recorded = resolve(name).spec.metrics["fer2013:test"]
        assert f"{100 * recorded.accuracy:.1f} [" in cell


def test_without_copies_the_figures_are_those_of_the_clean_rows():
    page = open_page(faces="Without copies")
    table = next(m.value for m in page.markdown if m.value.startswith("|"))
    recorded = resolve("cnn").spec.metrics["fer2013:test"]
    assert f"{recorded.n_clean:,}" in table
    cells = [" ".join(cell.strip("* ").split()) for cell in table.split("|")]
    assert any(cell.startswith(f"{100 * recorded.accuracy_clean:.1f} [") for cell in cells)


def test_a_network_of_five_expressions_is_compared_on_these_alone():
    page = open_page()
    page.multiselect(key="networks-fer2013:test").set_value(["dual", "resnet5"]).run()
    assert "faces labelled angry, disgust, happy, sad or surprise" in texts(page)
    table = next(m.value for m in page.markdown if m.value.startswith("|"))
    faces = next(line for line in table.splitlines() if "Faces" in line)
    assert faces.count(f"{resolve('resnet5').spec.metrics['fer2013:test'].n:,}") == 2


def test_the_pair_is_compared_as_the_command_line_does():
    page = open_page(question="Which is better?")
    found = compare(*(read_predictions(predictions(name)) for name in ("cnn", "dual")))
    assert f"only cnn on {found.only_first:,} (McNemar's exact p = {found.p_value:.2g})" in texts(
        page
    )


def test_a_cell_shows_as_many_faces_as_it_counts():
    page = open_page(question="What is taken for what?", label="fear", answer="sad")
    result = read_predictions(predictions("dual"))
    names = [str(e) for e in result.expressions]
    answers = result.probabilities.argmax(axis=1)
    n = int(((result.labels == names.index("fear")) & (answers == names.index("sad"))).sum())
    assert f"{n:,} of 3,589 faces" in texts(page)


def own_file(change=lambda table: table) -> tuple[str, bytes, str]:
    table = pd.read_parquet(predictions("cnn"))
    content = io.BytesIO(change(table).to_csv(index=False).encode())
    return "own.csv", content.getvalue(), "text/csv"


def test_own_predictions_stand_beside_ours():
    page = open_page()
    page.file_uploader[0].set_value([own_file()]).run()
    assert not page.exception
    table = next(m.value for m in page.markdown if m.value.startswith("|"))
    head, *_, last = table.splitlines()
    assert [cell.strip() for cell in head.split("|")[2:5]] == ["cnn", "dual", "own"]
    cells = [cell.strip().strip("*") for cell in last.split("|")]
    assert cells[2] == cells[4]


def test_own_labels_that_were_put_right_count():
    page = open_page()
    wrong = own_file(lambda t: t.assign(label=(t["label"] + 1) % 7))
    for file, is_right in ((wrong, False), (own_file(), True)):
        page.file_uploader[0].set_value([file]).run()
        table = next(m.value for m in page.markdown if m.value.startswith("|"))
        line = next(line for line in table.splitlines() if "| Accuracy" in line)
        cells = [cell.strip(" *") for cell in line.split("|")]
        assert (cells[2] == cells[4]) == is_right


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop(columns="label"), "lacks the column label"),
        (lambda t: t.assign(p_sad=np.nan), "p_sad has empty values"),
        (lambda t: t.assign(p_sad=0.0), "not to 1"),
        (lambda t: t.assign(label=7), "not in 0..6"),
    ],
)
def test_own_predictions_with_a_fault_leave_ours_on_the_page(change, said):
    page = open_page()
    page.file_uploader[0].set_value([own_file(change)]).run()
    assert not page.exception
    assert said in page.error[0].value
    assert any(m.value.startswith("|") for m in page.markdown)


def test_own_predictions_of_other_faces_are_not_compared_row_by_row():
    page = open_page(question="Which is better?")
    page.file_uploader[0].set_value([own_file(lambda t: t.iloc[:100])]).run()
    page.selectbox(key="network").set_value("own").run()
    assert not page.exception
    assert "not of the same rows" in page.warning[0].value


def test_damaged_and_missing_predictions_say_so(monkeypatch, tmp_path):
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = open_page()
    assert "No predictions are here" in page.info[0].value
    for name in ("cnn", "dual"):
        shutil.copytree(resolve_shipped(name), tmp_path / name)
    (tmp_path / "dual" / "predictions" / "fer2013-test.parquet").write_bytes(b"damaged")
    page = open_page()
    assert not page.exception
    assert "not a readable parquet file" in page.error[0].value
    assert any(m.value.startswith("|") for m in page.markdown)


def resolve_shipped(name: str) -> Path:
    return PROJECT / "models" / name


def test_photos_are_shown_for_the_weights_that_answer_alone(monkeypatch, tmp_path):
    page = open_page(question="On photos?")
    table = page.dataframe[0].value
    recorded = {(row.network, row.face_pixels): row for row in read_photo_accuracy()}
    whole = table[table["faces"] == "as they are"].set_index("network")["accuracy"]
    for name in ("cnn_photos", "dual_photos"):
        assert whole[name] == pytest.approx(100 * recorded[name, None].accuracy)
    assert "Development set" in texts(page)
    shutil.copytree(resolve_shipped("cnn"), tmp_path / "cnn")
    shutil.copytree(resolve_shipped("dual"), tmp_path / "cnn_photos")
    shutil.copy(resolve_shipped("photos.parquet"), tmp_path)
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = open_page(question="On photos?")
    assert set(page.dataframe[0].value["network"]) == {"cnn"}
    assert "weights were replaced since" in texts(page)


def test_how_a_network_was_trained_says_what_chose_its_epoch():
    data = "ferplus:test"
    query = {"data": data_name(data), f"networks-{data}": "cnn_photos"}
    page = open_page(question="How trained?", **query)
    (chart,) = page.get("plotly_chart")
    traces = json.loads(chart.proto.spec)["data"]
    assert {trace["mode"] for trace in traces} == {"lines+markers"}, "two points make a short line"
    names = {trace["name"] for trace in traces}
    assert names == {"training", "validation", "validation, FER+", "validation, ExpW"}
    assert "by the mean of the accuracies on the clean rows of FER+ PublicTest" in texts(page)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("expw_cnn", "expw:test", "right in 85 % on the clean rows of ExpW Validation."),
        ("ferplus", "ferplus:test", "always answers: on the clean rows of FER+ PublicTest"),
        ("cnn", "fer2013:test", "on the clean rows of FER2013 PublicTest (validation)."),
        ("cnn_photos", "ferplus:test", "80% on ExpW Validation (where it answers"),
    ],
)
def test_a_threshold_is_said_to_be_of_what_it_was_chosen_on(name: str, data: str, said: str):
    query = {"data": data_name(data), f"networks-{data}": name}
    page = open_page(question="How sure?", **query)
    assert not page.exception
    assert said in texts(page)


def test_a_network_measured_on_validation_alone_has_no_other_faces(monkeypatch, tmp_path):
    shutil.copytree(resolve_shipped("cnn"), tmp_path / "cnn")
    for file in (tmp_path / "cnn" / "predictions").glob("*-test.parquet"):
        file.unlink()
    spec = json.loads((tmp_path / "cnn" / "spec.json").read_text())
    spec["metrics"] = {k: v for k, v in spec["metrics"].items() if k == "fer2013:valid"}
    (tmp_path / "cnn" / "spec.json").write_text(json.dumps(spec))
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = open_page(question="On other faces?")
    assert not page.exception
    assert "None of these networks was measured on a test split" in texts(page)


def test_a_network_that_cannot_be_opened_is_still_judged_by_its_predictions(monkeypatch, tmp_path):
    shutil.copytree(resolve_shipped("cnn"), tmp_path / "cnn")
    spec = json.loads((tmp_path / "cnn" / "spec.json").read_text())
    (tmp_path / "cnn" / "spec.json").write_text(json.dumps(spec | {"temperature": -1}))
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = open_page(question="How sure?")
    assert not page.exception
    assert "What abstaining buys" in [heading.value for heading in page.subheader]


def test_without_thumbnails_faces_are_named_by_their_rows(monkeypatch, tmp_path):
    shutil.copytree(resolve_shipped("cnn"), tmp_path / "cnn")
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = open_page(question="Which faces?")
    assert not page.exception
    assert "named by their rows" in texts(page)
