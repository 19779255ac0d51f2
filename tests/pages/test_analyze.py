import dataclasses
import io
import re
import shlex
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest, local_script_runner

from fer_core.evaluation.photo_accuracy import read_photo_accuracy
from fer_core.evaluation.predictions import predictions_path, read_predictions
from fer_core.networks.bundles import SERVING_FILE, resolve
from fer_core.percent import percent
from fer_core.photos.decode import decode
from pages.parts.about import accuracy_rows, photos_sentences
from pages.shared import visit_photos
from pages.shared.address import LOCAL
from pages.shared.bars import percent_html
from pages.shared.examples import EXAMPLES
from pages.shared.loading import load_analyzer
from pages.shared.odds import agreement_sentence, odds_sentence
from pages.shared.results import as_text, prediction_text
from pages.shared.titles import title_of
from tests.clips import song
from tests.conftest import NAVIGATION, png
from tests.predictions import prediction

if TYPE_CHECKING:
    from fer_core.analysis import FaceAnalysis

PROJECT = Path(__file__).resolve().parents[2]
SECONDS = 60


def open_page() -> AppTest:
    return AppTest.from_file(NAVIGATION, default_timeout=SECONDS).run()


def upload(page: AppTest, *files: tuple[str, bytes, str]) -> AppTest:
    return page.file_uploader[0].set_value(list(files)).run()


def texts(page: AppTest) -> str:
    """All that a visitor can read in prose."""
    kinds = (page.markdown, page.caption, page.info, page.warning, page.error)
    return "\n".join(element.value for kind in kinds for element in kind)


@pytest.fixture(scope="module")
def expected(astronaut_png: bytes) -> str:
    """The answer on the example photo, without the page."""
    face = load_analyzer().analyze(decode(astronaut_png)).faces[0]
    return prediction_text(face.predictions["dual_photos"])


def shown_names(page: AppTest) -> list[str]:
    """Return the names of the photos in the bar, in order."""
    pictures = [image.proto.imgs[0].alt for image in page.get("image") if image.proto.imgs]
    return [alt.removeprefix("Thumbnail of ") for alt in pictures if alt.startswith("Thumbnail")]


def bar_button(page: AppTest, kind: str, i: int) -> Any:
    """Return the button that shows or removes the photo at a place of the bar."""
    return [button for button in page.button if str(button.key).startswith(f"{kind}_")][i]


def test_an_empty_page_offers_photos_and_says_what_it_is_for():
    page = open_page()
    assert not page.exception
    assert page.title[0].value
    assert [widget.label for widget in page.button] == [example.title for example in EXAMPLES]
    assert not page.camera_input, "the browser would ask for the camera at once"
    assert not page.metric
    text = texts(page)
    for promise in (
        "Apparent expression, not emotion",
        "Not for decisions at work, in school, in policing or in medicine",
        "Photos are not stored",
    ):
        assert promise in text
    assert all("public domain" in str(widget.help).lower() for widget in page.button)


@pytest.mark.parametrize(("i", "faces"), [(0, "1 face"), (1, "1 face"), (2, "29 faces")])
def test_every_example_is_answered(i: int, faces: str):
    page = open_page().button[i].click().run()
    assert not page.exception
    assert faces in texts(page)
    assert EXAMPLES[i].credit in texts(page)


def test_an_own_photo_has_no_credit_of_an_example_with_its_name(astronaut_png: bytes):
    page = upload(open_page(), ("officer.jpg", astronaut_png, "image/png"))
    assert "`officer.jpg`: 1 face" in texts(page)
    assert "public domain" not in texts(page)


def confident_and_right(name: str, data: str) -> tuple[str, str]:
    """Return the share of right ones among confident predictions on clean faces, and their number."""
    bundle = resolve(name)
    source, split = data.split(":")
    result = read_predictions(predictions_path(bundle.path, source, split))
    is_confident = result.probabilities.max(axis=1) >= bundle.spec.abstention_threshold
    chosen = result.select(result.clean & is_confident)
    right = chosen.probabilities.argmax(axis=1) == chosen.labels
    return f"{right.mean():.1%}", f"{len(chosen):,}"


def test_the_accuracy_on_the_about_page_is_the_bundles_own():
    about = AppTest.from_file(NAVIGATION, default_timeout=SECONDS).run()
    about.switch_page("../about.py").run()
    accuracy, levels = about.table
    for name, title in (
        ("cnn_photos", "CNN (web photos)"),
        ("dual_photos", "Dual-input (web photos)"),
    ):
        spec = resolve(name).spec
        wanted = []
        for data in ("ferplus:test", "expw:test", "fer2013:test"):
            measured = spec.metrics[data]
            wanted += [
                f"{measured.accuracy:.1%} of {measured.n:,}",
                f"{measured.accuracy_clean:.1%} of {measured.n_clean:,}",
            ]
        assert list(accuracy.value[title]) == wanted
    assert list(levels.value.columns[1:]) == ["Confident", "Probable", "Unclear"]
    dual = resolve("dual_photos").spec.metrics
    for row, data in ((2, "ferplus:test"), (3, "expw:test")):
        share, n = confident_and_right("dual_photos", data)
        assert levels.value["Confident"].iloc[row] == f"{share} of {n}"
    recall = dual["expw:test"].per_class_recall
    missed = [f"{recall[label]:.0%} of the faces labelled {label}" for label in ("disgust", "fear")]
    assert f"On ExpW Test, Dual-input (web photos) finds only {' and '.join(missed)}." in texts(
        about
    )


def test_accuracy_and_confidence_on_whole_photos_are_of_the_weights_that_answer(
    monkeypatch, tmp_path
):
    recorded = {row.network: row for row in read_photo_accuracy() if row.face_pixels is None}
    row = recorded["dual_photos"]
    said = photos_sentences(["cnn_photos", "dual_photos"])
    assert f"Dual-input (web photos) is right on {row.accuracy:.1%} of {row.n:,}; " in said
    assert f"mean confidence is {row.mean_confidence:.1%}." in said
    assert abs(row.mean_confidence - row.accuracy) < 0.03, (
        "people are told that confidence is right"
    )

    shutil.copytree(resolve("cnn").path, tmp_path / "dual_photos")
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    assert photos_sentences(["dual_photos"]) == "", "without the table"
    shutil.copy(PROJECT / "models" / "photos.parquet", tmp_path)
    assert photos_sentences(["dual_photos"]) == "", "of other weights"


def test_the_accuracy_of_a_network_of_fer2013_is_that_of_its_own_labels():
    spec = resolve("cnn").spec
    measured = spec.metrics["fer2013:test"]
    label, title = "Right on test faces, by", "CNN (FER2013)"
    assert accuracy_rows([spec]) == [
        {label: "FER2013's own labels", title: f"{measured.accuracy:.1%} of {measured.n:,}"},
        {
            label: "FER2013's own labels, without duplicates",
            title: f"{measured.accuracy_clean:.1%} of {measured.n_clean:,}",
        },
    ]


def test_networks_of_other_data_share_the_rows_of_the_labels_that_both_were_measured_by():
    rows = accuracy_rows([resolve("cnn").spec, resolve("dual_photos").spec])
    cells = {row["Right on test faces, by"]: row["CNN (FER2013)"] for row in rows}
    assert cells["FER2013's own labels"]
    assert cells["ExpW's labels"] == ""


def test_two_networks_with_one_title_are_told_apart():
    spec = resolve("cnn").spec
    same = [spec.model_copy(update={"name": name, "title": "Same"}) for name in ("one", "two")]
    assert {"one", "two"} < set(accuracy_rows(same)[0])


def test_without_a_measurement_no_accuracy_is_claimed():
    assert accuracy_rows([resolve("cnn").spec.model_copy(update={"metrics": {}})]) == []


def test_the_example_photo_is_answered(expected: str):
    page = open_page().button[0].click().run()
    assert not page.exception
    assert page.metric[0].label == "Face 1: apparent expression"
    assert page.metric[0].value == expected
    share, n = confident_and_right("dual_photos", "ferplus:test")
    assert f"{share} of its {n} confident predictions" in page.metric[0].help
    assert "Both networks agree" in texts(page)
    assert not page.get("plotly_chart"), "its library takes longer to load than the photo"
    assert [widget.label for widget in page.download_button] == ["JSON", "CSV", "Annotated photo"]


def test_an_uploaded_photo_is_answered(astronaut_png: bytes, expected: str):
    page = upload(open_page(), ("me.png", astronaut_png, "image/png"))
    assert not page.exception
    assert page.metric[0].value == expected


def test_a_snapshot_is_answered(astronaut: np.ndarray):
    page = open_page()
    page.session_state["photo_source"] = "Camera"
    page.run()
    assert page.camera_input[0].resolution == "720p"
    shot = io.BytesIO()
    Image.fromarray(astronaut).save(shot, "JPEG", quality=95)
    page.camera_input[0].set_value(("shot.jpg", shot.getvalue(), "image/jpeg")).run()
    assert not page.exception
    assert page.metric[0].value


def test_a_broken_file_is_explained_and_the_others_still_work(
    astronaut_png: bytes, no_face_png: bytes, expected: str
):
    page = upload(
        open_page(),
        ("me.png", astronaut_png, "image/png"),
        ("broken.jpg", b"not an image", "image/jpeg"),
        ("coffee.png", no_face_png, "image/png"),
    )
    assert not page.exception
    assert [error.value.startswith("`broken.jpg`: ") for error in page.error] == [True]
    assert shown_names(page) == ["me.png", "coffee.png"]
    assert "No face found" in page.info[0].value, "the newest is shown first"
    assert not page.metric
    labels = [widget.label for widget in page.download_button]
    assert labels == ["JSON (3 files)", "CSV (3 files)"], "there is nothing to draw"
    bar_button(page, "show", 0).click().run()
    assert page.metric[0].value == expected


def test_what_is_no_photo_is_named(astronaut_png: bytes):
    page = upload(
        open_page(),
        ("no suffix", astronaut_png, ""),
        ("photo.jpg", song(), "image/jpeg"),
    )
    assert not page.exception
    assert page.metric
    assert "sound file" in page.error[0].value


def test_only_a_broken_file(astronaut_png: bytes):
    page = upload(open_page(), ("cut.png", astronaut_png[:5000], "image/png"))
    assert not page.exception
    assert len(page.error) == 1
    assert not page.metric
    # The first screen, with all ways to go on.
    assert "Or try an example:" in texts(page)
    assert page.file_uploader[0].label_visibility != "collapsed"


def test_predictions_as_text_have_a_line_for_each_face(astronaut_png: bytes, expected: str):
    analysis = load_analyzer().analyze(decode(astronaut_png))
    (line,) = as_text(analysis).splitlines()
    confidence = analysis.faces[0].predictions["dual_photos"].confidence
    assert line.startswith("Face 1: ")
    assert line.endswith(f"; {expected.lower()}, {percent(confidence)} ({title_of('dual_photos')})")


def test_code_for_the_same_result_asks_the_api_of_this_server(astronaut_png: bytes):
    page = upload(open_page(), ("Smith, Jane.png", astronaut_png, "image/png"))
    (python,) = (block.value for block in page.code if block.value.startswith("import fer_core"))
    assert "fer_core.analyze('Smith, Jane.png')" in python
    compile(python, "example", "exec")
    assert python.endswith("print(face.main.expression, face.main.level)")
    (curl,) = (block.value for block in page.code if block.value.startswith("curl"))
    # The test's browser tells no address.
    assert shlex.split(curl) == ["curl", "-F", 'file=@"Smith, Jane.png"', f"{LOCAL}/analyze"]


def test_a_class_that_a_network_lacks_has_a_dash():
    assert percent_html(None) == "\u2013"
    assert percent_html(0.0) == "&lt;1%"


def test_a_photo_without_a_face_gets_advice(no_face_png: bytes):
    page = upload(open_page(), ("coffee.png", no_face_png, "image/png"))
    assert not page.exception
    assert not page.error
    assert "No face found" in page.info[0].value
    assert (
        "The photo was searched for faces of at least 40 pixels, and for large faces also in the other "
        "three orientations." in page.info[0].value
    )


def test_a_photo_that_lies_on_its_side_is_turned_and_that_is_said(
    astronaut: np.ndarray, expected: str
):
    page = upload(open_page(), ("side.png", png(np.rot90(astronaut, -1)), "image/png"))
    assert not page.exception
    assert "turned" in page.info[0].value
    assert "a quarter turn to the left" in page.info[0].value
    assert page.metric[0].value == expected
    assert len(page.download_button) == 3


def test_many_faces_have_cards(astronaut: np.ndarray):
    crowd = png(np.tile(astronaut, (3, 4, 1)))
    page = upload(open_page(), ("crowd.png", crowd, "image/png"))
    assert not page.exception
    cards = [widget for widget in page.button if re.fullmatch(r"Face \d+", widget.label)]
    assert len(cards) == 12
    cards[6].click().run()
    assert page.metric[0].label == "Face 7: apparent expression"


def test_photos_are_added_removed_and_kept_across_pages(astronaut_png: bytes, no_face_png: bytes):
    page = upload(open_page(), ("me.png", astronaut_png, "image/png"))
    page = upload(page, ("coffee.png", no_face_png, "image/png"))
    assert shown_names(page) == ["me.png", "coffee.png"]
    page = page.switch_page("../landmarks.py").run()
    assert shown_names(page) == ["me.png", "coffee.png"]
    assert "No face found" in page.info[0].value, "the same photo as on the page before"
    page = page.switch_page("../analyze.py").run()
    bar_button(page, "remove", 1).click().run()
    assert shown_names(page) == ["me.png"]
    assert page.metric
    bar_button(page, "remove", 0).click().run()
    assert not page.exception
    assert not page.metric
    assert [widget.label for widget in page.button] == [example.title for example in EXAMPLES]


def test_other_networks_answer_when_they_are_chosen_and_the_url_says_so():
    page = open_page().button[0].click().run()
    page.selectbox(key="second_network").set_value("dual").run()
    assert not page.exception
    assert page.query_params["networks"] in ("cnn_photos,dual", ["cnn_photos,dual"])
    share, n = confident_and_right("dual", "fer2013:test")
    assert f"{share} of its {n} confident predictions" in page.metric[0].help
    page.selectbox(key="second_network").set_value("").run()
    assert not page.exception
    assert "Both networks agree" not in texts(page)
    named = AppTest.from_file(NAVIGATION, default_timeout=SECONDS)
    named.query_params["networks"] = "dual,cnn"
    named.run()
    assert named.selectbox(key="first_network").value == "dual", "before there is a photo"
    named.button[0].click().run()
    assert named.selectbox(key="first_network").value == "dual"


def test_one_click_returns_to_the_default_networks():
    page = open_page().button[0].click().run()
    label = "Use the default networks"
    assert not [button for button in page.button if button.label == label]
    usual = page.selectbox(key="second_network").value
    page.selectbox(key="second_network").set_value("dual").run()
    next(button for button in page.button if button.label == label).click().run()
    assert page.selectbox(key="second_network").value == usual
    assert "networks" not in page.query_params


def test_going_back_to_a_url_without_networks_restores_the_usual_ones(
    monkeypatch: pytest.MonkeyPatch,
):
    page = open_page().button[0].click().run()
    usual = [page.selectbox(key=key).value for key in ("first_network", "second_network")]
    page.selectbox(key="second_network").set_value("dual").run()
    from_history = partial(local_script_runner.RerunData, is_history_navigation=True)
    # A link between pages has no parameter and keeps the choice.
    page = page.switch_page("../landmarks.py")
    del page.query_params["networks"]
    page.run()
    assert page.selectbox(key="second_network").value == "dual"
    assert page.query_params["networks"]
    with monkeypatch.context() as patch:
        patch.setattr(local_script_runner, "RerunData", from_history)
        page.run()
        assert page.selectbox(key="second_network").value == "dual", "the URL names it"
        # Back to what the link opened.
        del page.query_params["networks"]
        page.run()
        assert page.selectbox(key="second_network").value == "dual", "they were chosen before"
        assert page.query_params["networks"]
        # Back to the page on which they were chosen, before they were.
        page = page.switch_page("../analyze.py")
        del page.query_params["networks"]
        page.run()
    assert not page.exception
    assert [page.selectbox(key=key).value for key in ("first_network", "second_network")] == usual
    assert "networks" not in page.query_params


def test_faces_about_which_the_networks_disagree_are_named_with_a_link_to_more():
    page = AppTest.from_file(NAVIGATION, default_timeout=SECONDS)
    page.query_params["networks"] = "cnn,dual"
    page.run()
    with Image.open(EXAMPLES[-1].file) as group:
        two = png(np.array(group.convert("RGB"))[400:560, 300:520])
    upload(page, ("two.png", two, "image/png"))
    assert not page.exception
    assert "2 faces" in texts(page)
    assert "The networks disagree on face 1" in texts(page)
    assert "Dual-input (FER2013): " in texts(page)
    more = "Which one is right more often?"
    assert more in [link.proto.label for link in page.get("page_link")]
    next(button for button in page.button if button.label == "Face 2").click().run()
    assert "Both networks agree" in texts(page)
    assert more not in [link.proto.label for link in page.get("page_link")]


def test_what_is_known_of_a_disagreement_is_said_where_it_is_not_rare():
    def of_pair(first: str, second: str) -> str:
        predictions = (prediction(**{first: 0.9}), prediction(**{second: 0.9}))
        return odds_sentence(dict(zip(("cnn_photos", "dual_photos"), predictions, strict=True)))

    words = (
        r"On (\d+) test faces of .+ with the same two predictions, CNN \(web photos\) was right on "
    )
    shares = r"\d+% and Dual-input \(web photos\) on \d+%\."
    found = re.fullmatch(words + shares, of_pair("happy", "neutral"))
    assert found
    assert int(found[1]) >= 30
    assert of_pair("disgust", "surprise") == ""


def test_what_is_known_of_an_agreement_is_said_of_both_data_sets():
    both = {name: prediction(happy=0.9) for name in ("cnn_photos", "dual_photos")}
    found = re.fullmatch(
        r"Where both predict happy, the label is happy for (\d+)% of ([\d,]+) test faces of FER\+ "
        r"and (\d+)% of ([\d,]+) test faces of ExpW\.",
        agreement_sentence(both),
    )
    assert found
    assert int(found[1]) > int(found[3]) > 50


def test_without_landmarks_agreement_is_not_called_a_second_opinion(astronaut_png: bytes):
    (face,) = load_analyzer().analyze(decode(astronaut_png)).faces
    blind = dataclasses.replace(face, face=dataclasses.replace(face.face, mesh=None))

    def page(face: "FaceAnalysis") -> None:
        from pages.shared.results import show_agreement

        show_agreement(face)

    def said(face: "FaceAnalysis") -> str:
        app = AppTest.from_function(page, default_timeout=SECONDS, kwargs={"face": face})
        return texts(app.run())

    assert "Both networks agree" in said(face)
    assert "No landmarks: both networks see only pixels" in said(blind)


def test_a_link_to_networks_that_are_not_here_is_explained():
    page = AppTest.from_file(NAVIGATION, default_timeout=SECONDS)
    page.query_params["networks"] = "cnn,no_such`net"
    page.run()
    assert not page.exception
    (warning,) = page.warning
    assert "no_such" in warning.value
    assert "cnn" not in warning.value
    assert "networks" not in page.query_params


def test_too_many_pixels_for_one_visit_are_refused_with_a_reason(
    monkeypatch: pytest.MonkeyPatch, astronaut_png: bytes
):
    monkeypatch.setattr(visit_photos, "MAX_MEGAPIXELS_KEPT", 0.3)
    page = upload(
        open_page(),
        ("first.png", astronaut_png, "image/png"),
        ("second.png", astronaut_png, "image/png"),
    )
    assert page.warning[0].value.startswith("`second.png`: One visit holds")
    assert page.metric
    # The page for many photos is one click away.
    assert any("batch" in link.proto.page for link in page.get("page_link"))


def test_missing_models_are_explained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, astronaut_png: bytes
):
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = open_page()
    assert not page.exception
    page = upload(page, ("me.png", astronaut_png, "image/png"))
    assert not page.exception
    assert "No network can be loaded" in page.error[0].value
    assert str(tmp_path) not in page.error[0].value


def test_a_damaged_model_is_explained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, astronaut_png: bytes
):
    bundle = resolve("cnn")
    (tmp_path / "cnn").mkdir()
    (tmp_path / "cnn" / "spec.json").write_bytes((bundle.path / "spec.json").read_bytes())
    (tmp_path / "cnn" / SERVING_FILE).write_bytes(b"damaged")
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = upload(open_page(), ("me.png", astronaut_png, "image/png"))
    assert not page.exception
    assert "models/cnn/model.tflite is damaged" in page.error[0].value
    assert str(tmp_path) not in page.error[0].value


def test_nothing_heavy_is_loaded_before_a_photo_comes():
    probe = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"page = AppTest.from_file({str(NAVIGATION)!r}, default_timeout=60).run()\n"
        "assert not page.exception and page.title\n"
        "heavy = {'mediapipe', 'ai_edge_litert', 'cv2', 'pandas', 'tensorflow', 'keras'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", probe], cwd=PROJECT, capture_output=True, text=True, timeout=SECONDS
    )
    assert found.stdout.strip() == "[]", found.stderr
