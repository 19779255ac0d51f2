"""What is kept of many photos, and what is made of it."""

import csv
import io
import re
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fer_core.analysis import Analysis, Analyzer, FaceAnalysis
from fer_core.batch.contact_sheet import (
    FACES_A_SHEET,
    draw_sheet,
    sheet_faces,
    sheets_of,
    sheets_zip,
)
from fer_core.batch.inputs import PhotoBytes
from fer_core.batch.results import (
    ANNOTATED_SIDE,
    CROP_SIDE,
    AnnotatedZip,
    PhotoResult,
    agreement_of,
    look_at,
    outcome_of,
    results_csv,
    results_table,
    select_rows,
)
from fer_core.drawing import UNCLEAR_COLOR
from fer_core.expressions import COLORS, FER2013, Expression
from fer_core.faces.crops import FaceInputs
from fer_core.faces.face import Face
from fer_core.networks.classifier import Prediction
from fer_core.views.batch import agreement_view, answers_table, expressions_view
from fer_core.views.view import View
from tests.conftest import png

NETWORKS = ("cnn", "dual")
BOX = np.array([10, 10, 60, 60], np.float32)
#: Of a face, all before its predictions.
BODY = (Face(BOX, 0.9), FaceInputs(np.zeros((48, 48), np.uint8)), BOX, ())
HAPPY, SAD, FEAR = Expression.HAPPY, Expression.SAD, Expression.FEAR


def prediction(expression: Expression, confidence: float) -> Prediction:
    n = len(FER2013.labels)
    probabilities = np.full(n, (1 - confidence) / (n - 1), np.float32)
    probabilities[FER2013.labels.index(expression)] = confidence
    return Prediction(FER2013.labels, probabilities, 0.5)


def face(first: Expression, second: Expression, confidence: float = 0.9) -> FaceAnalysis:
    predictions = {"cnn": prediction(first, 0.9), "dual": prediction(second, confidence)}
    return FaceAnalysis(*BODY, predictions, BOX)


def photo(name: str, *faces: FaceAnalysis) -> PhotoResult:
    crop = io.BytesIO()
    Image.new("RGB", (CROP_SIDE, CROP_SIDE), "#123456").save(crop, "JPEG")
    analysis = Analysis(100, 80, faces, 0.1, {})
    return PhotoResult(name, analysis, crops=(crop.getvalue(),) * len(faces))


@pytest.fixture
def results() -> list[PhotoResult]:
    """Two agreements, two disagreements, one of them unclear, a photo without a face, a broken file."""
    return [
        photo("a.jpg", face(HAPPY, HAPPY), face(HAPPY, SAD)),
        photo("@b.jpg", face(FEAR, SAD, confidence=0.3)),
        photo("c.jpg", face(HAPPY, HAPPY)),
        photo("none.jpg"),
        PhotoResult("bad.jpg", None, "It is broken."),
    ]


@pytest.fixture
def table(results: list[PhotoResult]) -> pd.DataFrame:
    return results_table(results, NETWORKS)


def test_the_table_has_a_row_a_face_and_one_for_each_other_photo(table):
    assert list(table["photo"]) == ["a.jpg", "a.jpg", "'@b.jpg", "c.jpg", "none.jpg", "bad.jpg"]
    assert list(table["result"]) == [0, 0, 1, 2, 3, 4]
    assert list(table["face"]) == [1, 2, 1, 1, 0, 0]
    outcomes = ["confident", "confident", "unclear", "confident", "no face", "not readable"]
    assert list(table["outcome"]) == outcomes
    assert list(table["agreement"]) == ["agree", "disagree", "disagree", "agree", "", ""]
    assert list(table["dual level"]) == ["confident", "confident", "unclear", "confident", "", ""]
    assert table["dual words"].iloc[2] == "unclear: sad or neutral"
    assert table["cnn level"].iloc[2] == "confident"
    assert list(table["dual"]) == ["happy", "sad", "sad", "happy", "", ""]
    assert table["dual confidence"].iloc[2] == pytest.approx(0.3)
    assert table["error"].iloc[5] == "It is broken."


def test_tables_of_failures_alone_and_of_nothing_have_the_same_columns(table):
    for few in ([PhotoResult("bad.jpg", None, "No.")], []):
        small = results_table(few, NETWORKS)
        assert small["cnn confidence"].dtype == "float64"
        assert list(small.columns) == list(table.columns)


@pytest.mark.parametrize(
    ("outcomes", "agreements", "expressions", "faces"),
    [
        ((), (), (), [0, 0, 1, 2, 3, 4]),
        (("unclear", "not readable"), (), (), [1, 4]),
        ((), ("disagree",), (), [0, 1]),
        ((), (), ("sad",), [0, 1]),
        (("unclear",), (), ("happy",), []),
    ],
)
def test_rows_are_left_out_by_level_agreement_and_either_networks_expression(
    table, outcomes, agreements, expressions, faces
):
    rows = select_rows(
        table, NETWORKS, outcomes=outcomes, agreements=agreements, expressions=expressions
    )
    assert list(rows["result"]) == faces


def test_of_a_single_network_no_agreement_is_said():
    alone = FaceAnalysis(*BODY, {"cnn": prediction(HAPPY, 0.9)}, BOX)
    table = results_table([photo("a.jpg", alone)], ["cnn"])
    assert list(table["agreement"]) == [""]
    assert list(table["outcome"]) == ["confident"]


def test_views_count_every_face_once(table):
    view = expressions_view(table, NETWORKS, titles={"dual": "Both"})
    counts = view.data.groupby(["network", "expression"])["faces"].sum()
    assert counts["cnn", "happy"] == 3
    assert counts["Both", "unclear"] == 1
    assert counts["Both", "sad"] == 1, "an unclear face counts for no expression"
    assert counts.groupby("network").sum().to_dict() == {"cnn": 4, "Both": 4}
    assert view.reading.startswith("4 faces in 4 photos, 1 file not readable.")
    view = agreement_view(table, NETWORKS, titles={"dual": "Both"})
    cells = view.data.set_index(["cnn", "Both"])["faces"]
    assert cells["happy", "happy"] == 2
    assert cells["fear", "unclear"] == 1
    assert cells.sum() == 4
    assert view.reading == "Both name an expression on 3 of 4 faces, the same on 2 (67%)."


def test_views_show_the_rows_that_they_are_given(table):
    rows = select_rows(table, NETWORKS, outcomes=["unclear"])
    view = expressions_view(rows, NETWORKS)
    assert view.data.groupby("network")["faces"].sum().to_dict() == {"cnn": 1, "dual": 1}
    assert agreement_view(rows, NETWORKS).data["faces"].sum() == 1


def legend(view: View) -> list[str]:
    return [trace.name for trace in view.figure.data if trace.showlegend is not False]


def test_the_legend_explains_pale_bars_only_where_there_are_some(table):
    confident = select_rows(table, NETWORKS, outcomes=["confident"], agreements=["agree"])
    assert legend(expressions_view(confident, NETWORKS)) == list(NETWORKS)


def test_what_is_probable_is_counted_and_drawn_by_itself():
    results = [photo("a.jpg", face(HAPPY, HAPPY), face(HAPPY, HAPPY, confidence=0.45))]
    table = results_table(results, NETWORKS)
    assert list(table["dual words"]) == ["happy", "probably happy"]
    view = expressions_view(table, NETWORKS)
    cells = view.data.set_index(["network", "expression", "level"])["faces"]
    assert cells["dual", "happy", "confident"] == cells["dual", "happy", "probable"] == 1
    bars = [bar for bar in view.figure.data if bar.name == "dual"]
    assert len({bar.marker.color for bar in bars if any(bar.x)}) == 2
    assert "Pale: probable or unclear" in legend(view)
    assert answers_table(table, NETWORKS)["dual"].tolist() == ["happy", "happy"]


def test_views_of_no_face_and_of_nothing_can_be_drawn():
    for few in ([photo("none.jpg")], []):
        table = results_table(few, NETWORKS)
        assert expressions_view(table, NETWORKS).data["faces"].sum() == 0
        assert "On no face" in agreement_view(table, NETWORKS).reading


def test_a_sheet_shows_the_rows_that_it_is_given(results, table):
    faces = sheet_faces(results, table)
    assert [(f.words, f.detail) for f in faces] == [
        ("Happy", "90%"),
        ("Sad", "90%"),
        ("Unclear", "sad or neutral"),
        ("Happy", "90%"),
    ]
    assert [(f.result, f.number) for f in faces] == [(0, 1), (0, 2), (1, 1), (2, 1)]
    assert faces[0].color == COLORS[HAPPY]
    some = sheet_faces(results, select_rows(table, NETWORKS, outcomes=["unclear"]))
    assert [f.words for f in some] == ["Unclear"]
    sheet = draw_sheet(faces)
    plate = np.array([0xC8, 0xAE, 0x24])
    # The second face's plate is sad's blue, the first one's happy's yellow.
    assert (sheet[10 + CROP_SIDE + 2, 12] == plate).all()
    assert (sheet[10 + CROP_SIDE + 2, 12 + CROP_SIDE + 10] == [0x00, 0x63, 0xF1]).all()


def test_a_probable_face_has_a_pale_plate():
    result = photo("a.jpg", face(HAPPY, HAPPY, confidence=0.45))
    (probable,) = sheet_faces([result], results_table([result], NETWORKS))
    assert (probable.words, probable.detail) == ("Probably happy", "45%")
    assert probable.color not in (COLORS[HAPPY], UNCLEAR_COLOR)


def test_many_faces_take_several_sheets(results, table):
    faces = sheet_faces(results, table) * 20
    assert [len(sheet) for sheet in sheets_of(faces)] == [FACES_A_SHEET, 80 - FACES_A_SHEET]
    with zipfile.ZipFile(io.BytesIO(sheets_zip(faces))) as archive:
        assert archive.namelist() == ["contact_sheet_001.jpg", "contact_sheet_002.jpg"]


def test_long_and_strange_names_stay_in_their_cell(results, table):
    long = photo("deep/" + 80 * "W" + "\u202e\n.jpg", face(HAPPY, HAPPY))
    sheet = draw_sheet(sheet_faces([long], results_table([long], NETWORKS)))
    assert (sheet[:, :10] == 255).all()
    assert (sheet[:, -10:] == 255).all()


def test_a_photo_leaves_small_things_behind(analyzer: Analyzer, astronaut, astronaut_png):
    found = look_at(PhotoBytes("a.png", astronaut_png), analyzer)
    (one,) = found.faces
    with Image.open(io.BytesIO(found.crops[0])) as crop:
        assert crop.size == (CROP_SIDE, CROP_SIDE)
        centre = np.asarray(crop)[40:70, 40:70].mean(axis=(0, 1))
    left, top, right, bottom = one.face.box_xyxy.astype(int)
    expected = astronaut[top:bottom, left:right].mean(axis=(0, 1))
    assert np.abs(centre - expected).max() < 60, "the crop shows the face in its colours"
    assert found.record()["faces"][0]["predictions"]["cnn"]["expression"] == "happy"
    assert outcome_of(one) == "confident"
    assert agreement_of(one) is None, "there is one network"


def test_a_file_that_is_no_photo_is_a_result(analyzer: Analyzer):
    found = look_at(PhotoBytes("a.png", b"no photo"), analyzer)
    assert "not an image" in found.record()["error"]
    assert results_csv([found], {"cnn": FER2013.labels}).count("\n") == 2


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (IndexError("out of range"), r"failed \(IndexError: out of range\)"),
        (MemoryError(), "memory"),
    ],
)
def test_a_photo_over_which_a_library_fails_ends_no_batch(analyzer: Analyzer, error, said):
    class Broken:
        name = "a.jpg"

        def read(self) -> bytes:
            raise error

    found = look_at(Broken(), analyzer)
    assert re.search(said, found.error)
    assert found.failed, "another try may succeed"


def test_a_csv_can_hold_the_rows_of_a_filter_alone(results, table):
    labels = dict.fromkeys(NETWORKS, FER2013.labels)
    rows = table[table["outcome"].isin(["unclear", "not readable"]) | (table["dual"] == "sad")]
    lines = list(csv.DictReader(io.StringIO(results_csv(results, labels, rows=rows))))
    assert [(line["path"], line["face"]) for line in lines] == [
        ("a.jpg", "2"),
        ("'@b.jpg", "1"),
        ("bad.jpg", "0"),
    ]
    assert lines[-1]["error"] == "It is broken."
    everything = results_csv(results, labels)
    assert results_csv(results, labels, rows=table) == everything
    assert results_csv(results, labels, rows=table[:0]) == everything.splitlines(keepends=True)[0]


def test_the_zip_holds_marked_photos_under_safe_names(astronaut: np.ndarray):
    large = png(np.tile(astronaut, (1, 4, 1)))
    given = ["../../etc/x.jpg", "C:\\a\\b.png", "same.jpg", "same.jpg", "..", "bad.jpg"]
    marked = AnnotatedZip()
    for number, name in enumerate(given[:-1], start=1):
        marked.add(number, PhotoBytes(name, large), photo(name, face(HAPPY, HAPPY)))
    marked.add(6, PhotoBytes("bad.jpg", b""), PhotoResult("bad.jpg", None, "No."))
    with zipfile.ZipFile(io.BytesIO(marked.finish())) as archive:
        assert archive.namelist() == [
            "0001-x.jpg",
            "0002-b.jpg",
            "0003-same.jpg",
            "0004-same.jpg",
            "0005-photo.jpg",
        ]
        with Image.open(archive.open("0001-x.jpg")) as shown:
            assert shown.size == (ANNOTATED_SIDE, ANNOTATED_SIDE // 4)
            plain = Image.open(io.BytesIO(large)).resize(shown.size)
            changed = np.abs(np.asarray(shown).astype(int) - np.asarray(plain)).mean(axis=2) > 60
    # The box of 50 of the photo's 100 pixels in width.
    assert changed[:, 160:960].mean() > 10 * changed[:, 1200:].mean()
