"""The evaluation page without a browser: every view works, and its numbers are those of the files."""

import hashlib
import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from fer_core.evaluation.faithfulness import read_faithfulness
from fer_core.evaluation.photo_accuracy import read_photo_accuracy
from fer_core.evaluation.predictions import compare, predictions_path, read_predictions
from fer_core.networks.bundles import resolve
from fer_core.views import View
from pages.parts.evaluation import questions
from pages.parts.evaluation.questions import QUESTIONS
from pages.shared.verbatim import name_as_code
from tests.conftest import NAVIGATION, PROJECT
from tests.pages.shown import shown_texts

SECONDS = 60


def open_page(**query: str | list[str]) -> AppTest:
    app = AppTest.from_file(NAVIGATION, default_timeout=SECONDS)
    app.switch_page("../evaluation.py")
    for name, value in ({"data": "fer2013-test"} | query).items():
        app.query_params[name] = value
    return app.run()


def test_a_link_to_unknown_predictions_is_told():
    page = open_page(data="nowhere-test", networks=["cnn", "nobody"])
    assert not page.exception
    data, network = (warning.value for warning in page.warning)
    assert "`nowhere-test`, which is not available here" in data
    assert "`nobody`, which is not available here" in network


def texts(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.info, page.warning, page.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def measures(page: AppTest) -> pd.DataFrame:
    """The table of all measures, which is the first."""
    return page.dataframe[0].value


def predictions(name: str) -> Path:
    return predictions_path(resolve(name).path, "fer2013", "test")


def test_the_networks_that_answer_are_shown_first_by_what_most_people_say():
    app = AppTest.from_file(NAVIGATION, default_timeout=SECONDS).run()
    page = app.switch_page("../evaluation.py").run()
    assert page.selectbox(key="data").value == "ferplus:test"
    assert page.multiselect[0].value == ["cnn_photos", "dual_photos"]


@pytest.mark.parametrize("view", QUESTIONS)
def test_every_view_opens_by_its_url_in_short_sentences(view):
    page = open_page(view=view)
    assert not page.exception
    assert not page.error
    assert page.subheader or " faces" in texts(page)
    # Credits of data sets are longer.
    captions = [caption.value for caption in page.caption if "](" not in caption.value]
    assert all(len(caption) <= 120 for caption in captions)
    for paragraph in re.split(r"\n+", texts(page)):
        for sentence in re.split(r"(?<=[.!?])\s+", paragraph):
            assert len(sentence.split()) <= 30, sentence
    assert not re.search(r"\d %", texts(page))


def test_the_headline_is_what_was_recorded_with_the_weights():
    table = measures(open_page())
    for name in ("cnn", "dual"):
        recorded = resolve(name).spec.metrics["fer2013:test"]
        assert table.loc[name, "Accuracy (%)"].startswith(f"{100 * recorded.accuracy:.1f} [")


def test_without_duplicates_the_figures_are_those_of_the_clean_rows():
    table = measures(open_page(faces="clean"))
    recorded = resolve("cnn").spec.metrics["fer2013:test"]
    assert table.loc["cnn", "Faces"] == f"{recorded.n_clean:,}"
    cell = table.loc["cnn", "Accuracy (%)"]
    assert cell.startswith(f"{100 * recorded.accuracy_clean:.1f} [")


def test_a_network_of_five_expressions_is_compared_on_these_alone():
    page = open_page()
    page.multiselect(key="evaluated_networks").set_value(["dual", "resnet5"]).run()
    assert page.query_params["networks"] == ["dual", "resnet5"]
    assert "faces labelled angry, disgust, happy, sad or surprise" in texts(page)
    n = f"{resolve('resnet5').spec.metrics['fer2013:test'].n:,}"
    assert measures(page)["Faces"].tolist() == [n, n]


def test_the_pair_is_compared_as_the_command_line_does():
    page = open_page(view="compare")
    found = compare(*(read_predictions(predictions(name)) for name in ("cnn", "dual")))
    assert f"only cnn on {found.only_first:,} (McNemar's exact p = {found.p_value:.2g})" in texts(
        page
    )


def test_a_cell_shows_as_many_faces_as_it_counts():
    page = open_page(view="confusions", label="fear", prediction="sad")
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
    table = measures(page)
    assert table.index.tolist() == ["cnn", "dual", "own"]
    assert table.loc["own"].tolist() == table.loc["cnn"].tolist()


def test_an_own_table_counts_for_its_data_set_alone():
    page = open_page()
    page.file_uploader[0].set_value([own_file()]).run()
    assert "own" in measures(page).index
    page.selectbox(key="data").set_value("ferplus:test").run()
    assert not page.exception
    assert "own" not in measures(page).index
    assert any("Your table is of FER2013" in info.value for info in page.info)
    page.selectbox(key="data").set_value("fer2013:test").run()
    assert "own" in measures(page).index


def test_an_own_network_stays_while_other_pages_are_looked_at_until_it_is_removed():
    page = open_page()
    page.file_uploader[0].set_value([own_file()]).run()
    page.switch_page("../models.py").run()
    page.switch_page("../evaluation.py").run()
    page.query_params["data"] = "fer2013-test"
    page.run()
    assert not page.exception
    assert "own" in measures(page).index
    next(b for b in page.button if b.label == "Remove your network").click().run()
    assert "own" not in measures(page).index
    assert not [b for b in page.button if b.label == "Remove your network"]


def test_a_table_of_part_of_a_data_set_has_its_own_number_of_faces(
    monkeypatch: pytest.MonkeyPatch,
):
    views: list[View] = []
    monkeypatch.setattr(questions, "show_view", lambda view, **_: views.append(view))
    page = open_page()
    whole, clean = views[-1].figure.data
    recorded = resolve("cnn").spec.metrics["fer2013:test"]
    assert whole.name == f"all {recorded.n:,} faces"
    assert clean.name == f"{recorded.n_clean:,} without duplicates"
    page.file_uploader[0].set_value([own_file(lambda t: t.iloc[:500])]).run()
    assert not page.exception
    whole, clean = views[-1].figure.data
    assert (whole.name, clean.name) == ("all faces", "without duplicates")
    n_clean = int(pd.read_parquet(predictions("cnn"))["clean"].iloc[:500].sum())
    expected = {
        ("cnn", f"all {recorded.n:,} faces"),
        ("dual", f"all {recorded.n:,} faces"),
        ("own", "all 500 faces"),
        ("cnn", f"{recorded.n_clean:,} without duplicates"),
        ("dual", f"{recorded.n_clean:,} without duplicates"),
        ("own", f"{n_clean} without duplicates"),
    }
    table = views[-1].data
    assert set(zip(table["network"], table["faces"], strict=True)) == expected
    shown = [
        pair for trace in (whole, clean) for pair in zip(trace.y, trace.customdata, strict=True)
    ]
    assert set(shown) == expected
    assert "%{customdata}" in whole.hovertemplate
    assert f"of the {recorded.n:,} faces are duplicates" in views[-1].reading


def test_own_labels_that_were_put_right_count():
    page = open_page()
    wrong = own_file(lambda t: t.assign(label=(t["label"] + 1) % 7))
    for file, is_right in ((wrong, False), (own_file(), True)):
        page.file_uploader[0].set_value([file]).run()
        accuracy = measures(page)["Accuracy (%)"]
        assert (accuracy["cnn"] == accuracy["own"]) == is_right


def test_a_template_is_offered_and_its_flags_may_be_left_out():
    page = open_page()
    assert "Template for this data set (CSV)" in [b.label for b in page.download_button]
    few = own_file(lambda t: t.drop(columns=["found_face", "clean"]))
    page.file_uploader[0].set_value([few]).run()
    assert not page.exception
    assert not page.error
    assert measures(page).loc["own"].tolist() == measures(page).loc["cnn"].tolist()
    page.button_group(key="faces").set_value("Without duplicates").run()
    assert measures(page).loc["own", "Faces"] == measures(page).loc["cnn", "Faces"] == "3,192"


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
    assert measures(page).index.tolist() == ["cnn", "dual"]


def own_bundle(
    network: str, weights: dict[str, bytes] | None = None, **changes: object
) -> tuple[str, bytes, str]:
    folder = resolve(network).path
    spec = json.loads((folder / "spec.json").read_text()) | changes
    spec["sha256"] |= {n: hashlib.sha256(c).hexdigest() for n, c in (weights or {}).items()}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("spec.json", json.dumps(spec))
        for name, weight in (weights or {}).items():
            archive.writestr(name, weight)
        archive.write(predictions(network), "predictions/fer2013-test.parquet")
    return "mine.zip", content.getvalue(), "application/zip"


def test_an_own_bundle_stands_beside_ours_with_its_threshold():
    page = open_page(view="confidence")
    page.file_uploader[0].set_value([own_bundle("cnn", name="mine")]).run()
    assert not page.exception
    assert "predictions on 1 data set" in page.success[0].value
    shown = page.dataframe[0].value
    assert shown["Network"].tolist() == ["cnn", "cnn", "dual", "dual", "mine", "mine"]
    levels = shown.set_index(["Network", "Rows"])
    assert levels.loc[("mine", "clean")].tolist() == levels.loc[("cnn", "clean")].tolist()
    page.selectbox(key="data").set_value("ferplus:test").run()
    assert "no predictions on this data set" in page.info[0].value


def test_names_in_an_own_bundle_are_shown_as_code():
    name = "![x](//evil.example/p.png)"
    page = open_page()
    page.file_uploader[0].set_value([own_bundle("cnn", {name: b"weights"}, name="mine")]).run()
    assert not page.exception
    assert f"sha256 of {name_as_code(name)} verified" in page.success[0].value


def test_an_own_bundle_of_a_name_of_ours_gets_another_and_a_bad_one_says_why():
    page = open_page()
    page.file_uploader[0].set_value([own_bundle("cnn")]).run()
    assert measures(page).index.tolist() == ["cnn", "dual", "cnn (own)"]
    page.file_uploader[0].set_value([own_bundle("cnn", temperature=-1)]).run()
    assert not page.exception
    assert "temperature" in page.error[0].value
    assert measures(page).index.tolist() == ["cnn", "dual"]


def test_levels_are_counted_on_whole_and_clean_rows():
    levels = open_page(view="confidence").dataframe[0].value.set_index(["Network", "Rows"])
    recorded = resolve("cnn").spec.metrics["fer2013:test"]
    assert levels.loc[("cnn", "whole"), "Faces"] == recorded.n
    assert levels.loc[("cnn", "clean"), "Faces"] == recorded.n_clean
    confident = levels.loc[("cnn", "whole"), "Confident"]
    assert confident.startswith(f"{recorded.coverage:.1%} (")
    assert confident.endswith(f", {recorded.selective_accuracy:.1%} right")


def test_choices_stand_in_the_url_in_short_words():
    page = open_page()
    page.button_group(key="view").set_value("confusions").run()
    page.selectbox(key="data").set_value("ferplus:test").run()
    page.button_group(key="faces").set_value("Without duplicates").run()
    page.selectbox(key="network").set_value("cnn_photos").run()
    assert page.query_params == {
        "view": "confusions",
        "faces": "clean",
        "network": "cnn_photos",
    }
    assert page.selectbox(key="network").value == "cnn_photos"


def test_own_predictions_of_other_faces_are_not_compared_row_by_row():
    page = open_page(view="compare")
    page.file_uploader[0].set_value([own_file(lambda t: t.iloc[:100])]).run()
    page.selectbox(key="network").set_value("own").run()
    assert not page.exception
    assert "not of the same rows" in page.warning[0].value


def test_damaged_and_missing_predictions_say_so(monkeypatch, tmp_path):
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = open_page()
    assert "There are no predictions yet" in page.info[0].value
    for name in ("cnn", "dual"):
        shutil.copytree(resolve_shipped(name), tmp_path / name)
    (tmp_path / "dual" / "predictions" / "fer2013-test.parquet").write_bytes(b"damaged")
    page = open_page()
    assert not page.exception
    assert "not a readable parquet file" in page.error[0].value
    assert str(tmp_path) not in page.error[0].value
    assert measures(page).index.tolist() == ["cnn"]


def resolve_shipped(name: str) -> Path:
    return PROJECT / "models" / name


def test_photos_are_shown_for_the_weights_that_answer_alone(monkeypatch, tmp_path):
    page = open_page(view="photos")
    table = page.dataframe[0].value
    recorded = {(row.network, row.face_pixels): row for row in read_photo_accuracy()}
    whole = table[table["faces"] == "original size"].set_index("network")["accuracy"]
    for name in ("cnn_photos", "dual_photos"):
        assert whole[name] == pytest.approx(100 * recorded[name, None].accuracy)
    assert "on which the default pair was chosen" in texts(page)
    assert "The photos are press photos" in texts(page)
    shutil.copytree(resolve_shipped("cnn"), tmp_path / "cnn")
    shutil.copytree(resolve_shipped("dual"), tmp_path / "cnn_photos")
    shutil.copy(resolve_shipped("photos.parquet"), tmp_path)
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = open_page(view="photos")
    assert set(page.dataframe[0].value["network"]) == {"cnn"}
    assert "weights were replaced since" in texts(page)


def test_heat_maps_are_compared_for_the_weights_that_answer_alone(monkeypatch, tmp_path):
    page = open_page(view="heat-maps")
    assert not page.exception
    recorded = {(row.network, row.method): row for row in read_faithfulness()}
    table = page.dataframe[0].value
    assert len(table) == len(recorded)
    for _, row in table.iterrows():
        assert row["deletion"] == recorded[row["network"], row["map"]].deletion
    p_values = shown_texts(page.dataframe[0])["p of deletion"]
    of_itself = table["p of deletion"].isna()
    assert set(p_values[of_itself]) == {""}
    assert "< 0.001" in set(p_values[~of_itself])
    assert "500 faces of FER2013 PrivateTest" in texts(page)
    for name in ("cnn", "cnn_photos"):
        shutil.copytree(resolve_shipped(name), tmp_path / name)
    shutil.copytree(resolve_shipped("dual"), tmp_path / "dual_photos")
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = open_page(view="heat-maps")
    assert "python -m training faithfulness" in texts(page)
    shutil.copy(resolve_shipped("faithfulness.parquet"), tmp_path)
    page = open_page(view="heat-maps")
    assert set(page.dataframe[0].value["network"]) == {"cnn_photos"}
    assert "weights were replaced since" in texts(page)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("expw_cnn", "expw:test", "85% accuracy on the clean rows of ExpW Validation."),
        (
            "ferplus",
            "ferplus:test",
            "needs no threshold: it has at least 85% accuracy on the clean rows of FER+ PublicTest",
        ),
        ("cnn", "fer2013:test", "on the clean rows of FER2013 PublicTest (validation)."),
        ("cnn_photos", "ferplus:test", "80% accuracy on ExpW Validation ("),
    ],
)
def test_a_threshold_is_said_to_be_of_what_it_was_chosen_on(name: str, data: str, said: str):
    page = open_page(view="confidence", data=data.replace(":", "-"), networks=name)
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
    page = open_page(view="data-sets")
    assert not page.exception
    assert "None of these networks was evaluated on a test split" in texts(page)


def test_a_network_that_cannot_be_opened_is_still_judged_by_its_predictions(monkeypatch, tmp_path):
    shutil.copytree(resolve_shipped("cnn"), tmp_path / "cnn")
    spec = json.loads((tmp_path / "cnn" / "spec.json").read_text())
    (tmp_path / "cnn" / "spec.json").write_text(json.dumps(spec | {"temperature": -1}))
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = open_page(view="confidence")
    assert not page.exception
    assert "Accuracy against coverage" in [heading.value for heading in page.subheader]


def test_without_thumbnails_faces_are_named_by_their_rows(monkeypatch, tmp_path):
    shutil.copytree(resolve_shipped("cnn"), tmp_path / "cnn")
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = open_page(view="faces")
    assert not page.exception
    assert "shown by their row numbers" in texts(page)
