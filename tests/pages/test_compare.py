"""The compare page without a browser: one network, two, no face, a face without landmarks."""

import dataclasses
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.elements.lib import policies
from streamlit.testing.v1 import AppTest

from fer_core.data_names import data_name
from fer_core.evaluation.pair_odds import PairOdds
from fer_core.evaluation.predictions import compare, predictions_path, read_predictions
from fer_core.expressions import FER2013, FIVE, Expression
from fer_core.faces.shape import Region
from fer_core.networks.bundles import resolve
from pages.parts.compare import odds, why
from pages.shared import odds as pair_odds
from pages.shared.titles import title_of
from tests.conftest import NAVIGATION, png

SECONDS = 60


def write_two_networks(folder: Path) -> Path:
    """Write `cnn`, and a copy of it under the name of a second network."""
    cnn = resolve("cnn")
    for name in ("cnn", "dual"):
        shutil.copytree(cnn.path, folder / name)
    spec = json.loads((folder / "dual" / "spec.json").read_text())
    (folder / "dual" / "spec.json").write_text(json.dumps(spec | {"name": "dual"}))
    return folder


@pytest.fixture(scope="module")
def folder_of_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_two_networks(tmp_path_factory.mktemp("models"))


@pytest.fixture
def two_networks(monkeypatch: pytest.MonkeyPatch, folder_of_two: Path) -> None:
    """A folder of models, for tests that only read it."""
    monkeypatch.setenv("FER_MODELS", str(folder_of_two))


@pytest.fixture
def own_two_networks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder of models, for a test that changes it."""
    monkeypatch.setenv("FER_MODELS", str(write_two_networks(tmp_path)))


@pytest.fixture
def one_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one network the page has little to compute."""
    monkeypatch.setenv("FER_NETWORKS", "cnn")


def open_page() -> AppTest:
    """Open the page, which shows an example at once."""
    app = AppTest.from_file(NAVIGATION, default_timeout=SECONDS)
    return app.switch_page("../compare.py").run()


def upload(page: AppTest, name: str, content: bytes) -> AppTest:
    return page.file_uploader[0].set_value([(name, content, "image/png")]).run()


def headings(page: AppTest) -> list[str]:
    return [heading.value for heading in page.subheader]


def moved_bars(page: AppTest) -> str:
    return next(h.value for h in page.html if 'aria-label="Probabilities for face' in h.value)


def shown_names(page: AppTest) -> list[str]:
    """Return the names of the photos in the bar, in order."""
    pictures = [image.proto.imgs[0].alt for image in page.get("image") if image.proto.imgs]
    return [alt.removeprefix("Thumbnail of ") for alt in pictures if alt.startswith("Thumbnail")]


def press(page: AppTest, label: str) -> AppTest:
    return next(button for button in page.button if button.label == label).click().run()


def test_with_one_network_there_is_nothing_to_compare(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    shutil.copytree(resolve("cnn").path, tmp_path / "cnn")
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    page = open_page()
    assert not page.exception
    assert "Missing here: cnn_photos, dual_photos. Train with" in page.info[0].value
    assert not headings(page)


@pytest.mark.usefixtures("two_networks")
def test_an_example_is_explained_at_once():
    page = open_page()
    assert not page.exception
    assert headings(page) == [
        "How often are these two predictions right?",
        "What if the face moved?",
        "Where the network looked",
        "Which features mattered",
    ]
    captions = [caption.value for caption in page.caption]
    assert any(caption.startswith("Time per face: CNN (FER2013) ") for caption in captions)
    said = [m.value for m in page.markdown]
    for title in ("CNN (FER2013): ", "Dual-input (FER2013): "):
        assert any(m.startswith((f"{title}the ", f"{title}no region alone")) for m in said)
    assert not page.get("plotly_chart"), "no chart has to be loaded"


@pytest.mark.usefixtures("two_networks")
def test_odds_are_counted_on_the_stored_predictions():
    page = open_page()
    said = next(m.value for m in page.markdown if m.value.startswith("Whatever the confidence"))
    assert "on test faces where, as here, both networks predict **neutral**:" in said
    found = re.search(
        r"- \*\*FER2013\*\*: both networks right on \*\*([\d.]+)%\*\* of [\d,]+ faces "
        r"\(([\d.]+)% to ([\d.]+)%\)",
        said,
    )
    assert found, said
    share, low, high = map(float, found.groups())
    assert 50 <= low < share < high <= 75


def test_two_networks_are_compared_on_all_test_faces():
    page = open_page()
    assert not page.dataframe, "closed, it reads nothing"
    page.session_state["overall_is_open"] = True
    page.run()
    assert not page.exception
    table = page.dataframe[0].value.set_index("Data set")
    one, other = (
        read_predictions(predictions_path(resolve(name).path, "expw", "test"))
        for name in ("cnn_photos", "dual_photos")
    )
    keep = one.clean & other.clean
    found = compare(one.select(keep), other.select(keep))
    row = table.loc[data_name("expw:test")]
    assert row["Faces"] == f"{found.n:,}"
    assert row["Difference (points)"].startswith(f"{100 * found.difference:+.1f} (")
    assert row["McNemar's exact p"] == "< 0.001"
    assert {data_name(f"{source}:test") for source in ("fer2013", "ferplus", "ckplus")} < set(
        table.index
    )


def test_regions_are_told_in_words():
    regions = {Region.MOUTH: 0.38, Region.EYES: 0.031, Region.BROWS: -0.04, Region.NOSE: 0.001}
    assert why.region_words(regions, Expression.HAPPY) == (
        "the mouth (+38 points) and the eyes (+3) support happy; the brows (-4 points) speak against it."
    )
    assert (
        why.region_words({Region.JAW: 0.01}, Expression.SAD) == "the jaw (+1 point) supports sad."
    )
    assert why.region_words({Region.BROWS: 0.2}, Expression.SAD) == (
        "the brows (+20 points) support sad."
    )
    assert why.region_words({Region.NOSE: -0.02}, Expression.SAD) == (
        "the nose (-2 points) speaks against sad."
    )
    assert why.region_words({Region.NOSE: 0.004}, Expression.SAD) == (
        "no region alone changes the probability of sad by a point."
    )


def test_a_class_that_one_network_lacks_gives_no_verdict():
    seven, five = (SimpleNamespace(expressions=space.labels) for space in (FER2013, FIVE))
    fear, happy = (SimpleNamespace(expression=e) for e in (Expression.FEAR, Expression.HAPPY))
    pair = ("cnn", "resnet5")
    assert pair_odds._unknown([seven, five], pair, [happy, happy]) == ""
    said = pair_odds._unknown([seven, five], pair, [fear, happy])
    assert said.startswith(f"{title_of('resnet5')} does not know fear")


def test_a_rare_pair_of_answers_has_too_few_faces_to_say():
    few = PairOdds(29, (20, 9), ((0.5, 0.8), (0.2, 0.5)), 3000, 0.06)
    assert odds._lines("FER2013", few, ["A", "B"]) == [
        "- **FER2013**: only 29 of 3,000 test faces, too few to say"
    ]
    clear = dataclasses.replace(few, n=30, p_value=0.01)
    assert odds._lines("FER2013", clear, ["A", "B"])[-1] == (
        "- **FER2013**: **A is right more often** (McNemar's exact p = 0.01). Neither is right on 3.3%."
    )
    enough = PairOdds(30, (20, 10), ((0.488, 0.808), (0.192, 0.512)), 3000, 0.099)
    assert odds._lines("FER2013", enough, ["A", "B"]) == [
        "- **FER2013**: A right on **66.7%** of 30 faces (48.8% to 80.8%)",
        "- **FER2013**: B right on **33.3%** of 30 faces (19.2% to 51.2%)",
        "- **FER2013**: the difference could be chance (McNemar's exact p = 0.099). "
        "Neither is right on 0.0%.",
    ]


@pytest.mark.usefixtures("two_networks")
def test_a_preset_moves_the_face_and_reset_brings_it_back():
    page = open_page()
    before = moved_bars(page)
    assert ">before<" not in before
    press(page, "Surprise")
    assert not page.exception
    by_label = {slider.label: slider.value for slider in page.slider}
    assert (by_label["Mouth open"], by_label["Smile"]) == (0.8, -1)
    surprised = moved_bars(page)
    assert ">before<" in surprised
    assert "\u2192" in surprised
    press(page, "Make it smile")
    assert {slider.label: slider.value for slider in page.slider}["Mouth open"] == 0
    assert moved_bars(page) != surprised
    press(page, "Reset")
    assert not page.exception
    assert moved_bars(page) == before


@pytest.mark.usefixtures("two_networks")
def test_sliders_are_no_warning_in_the_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    # Said once in a process, by a logger that passes nothing on.
    monkeypatch.setattr(policies, "_shown_default_value_warning", False)
    monkeypatch.setattr(policies._LOGGER, "propagate", True)
    page = open_page()
    page.slider[0].set_value(0.5).run()
    press(page, "Reset")
    assert page.slider[0].value == 0
    assert "default value" not in caplog.text


@pytest.mark.usefixtures("one_network")
def test_the_example_goes_when_the_visitor_adds_a_photo(astronaut_png: bytes):
    page = upload(open_page(), "broken.png", b"no image")
    assert page.error[0].value.startswith("`broken.png`: ")
    assert shown_names(page) == ["officer.jpg"], "else there is nothing on the page"
    page = upload(page, "me.png", astronaut_png)
    assert not page.exception
    assert shown_names(page) == ["me.png"]
    page = page.switch_page("../analyze.py").run()
    assert shown_names(page) == ["me.png"]


@pytest.mark.usefixtures("one_network")
def test_an_example_that_the_visitor_chose_stays(astronaut_png: bytes):
    # Shown by the page, gone on another one, and then chosen.
    page = open_page()
    assert not [b for b in page.button if b.key == "remove_example_officer"]
    assert any(c.value.startswith("Example: Rear Admiral") for c in page.caption)
    page = page.switch_page("../analyze.py").run()
    assert shown_names(page) == []
    page = press(page, "Naval officer").switch_page("../compare.py").run()
    assert not any(c.value.startswith("Example: ") for c in page.caption)
    page = upload(page, "me.png", astronaut_png)
    assert shown_names(page) == ["officer.jpg", "me.png"]


@pytest.mark.usefixtures("two_networks")
def test_a_photo_without_a_face_gets_advice(no_face_png: bytes):
    page = upload(open_page(), "coffee.png", no_face_png)
    assert not page.exception
    assert "No face found" in page.info[0].value
    assert not headings(page)


@pytest.mark.usefixtures("two_networks", "no_landmarks")
def test_a_face_without_landmarks_has_the_pixels_explained(astronaut_png: bytes):
    page = upload(open_page(), "me.png", astronaut_png)
    assert not page.exception
    assert headings(page) == [
        "How often are these two predictions right?",
        "Where the network looked",
    ]
    assert "no landmarks" in page.info[0].value


@pytest.mark.usefixtures("two_networks")
def test_one_of_ten_faces_is_chosen(astronaut: np.ndarray):
    page = upload(open_page(), "crowd.png", png(np.tile(astronaut, (2, 5, 1))))
    assert not page.exception
    cards = [widget for widget in page.button if widget.label.startswith("Face ")]
    cards[6].click().run()
    assert not page.exception
    assert page.metric[0].label == "Face 7: apparent expression"
    assert 'aria-label="Probabilities for face 7, original"' in moved_bars(page)


@pytest.mark.usefixtures("two_networks")
def test_a_missing_average_face_says_how_to_make_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(why, "face_shape_path", lambda: tmp_path / "none.npz")
    why._load_shape.clear()
    page = open_page()
    assert not page.exception
    assert ["face-shape fer2013" in warning.value for warning in page.warning] == [True]


def test_networks_with_other_classes_are_compared_on_what_they_share(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("FER_NETWORKS", "landmarks_only,resnet5")
    page = open_page()
    assert not page.exception
    captions = [caption.value for caption in page.caption]
    assert "Landmarks alone (FER2013) sees no pixels." in captions
    # Five classes beside seven: no bar where a network does not know the class.
    assert "\u2013" in moved_bars(page)
    said = [m.value for m in page.markdown]
    titles = ("Landmarks alone (FER2013): ", "Dual-input (five classes): ")
    assert sum(m.startswith(titles) for m in said) == 2
    assert any(m.value.startswith("Whatever the confidence") for m in page.markdown)


@pytest.mark.usefixtures("own_two_networks")
def test_a_damaged_second_network_leaves_the_first_at_work(tmp_path: Path):
    (tmp_path / "dual" / "model.tflite").write_bytes(b"damaged")
    page = open_page()
    assert not page.exception
    assert [metric.label for metric in page.metric] == ["Face 1: apparent expression"]
    assert "model.tflite is damaged" in page.warning[0].value
    assert not headings(page)


@pytest.mark.usefixtures("own_two_networks")
def test_predictions_are_not_kept_when_the_networks_change(tmp_path: Path):
    page = open_page()
    shutil.rmtree(tmp_path / "dual")
    page.run()
    assert not page.exception
    assert not headings(page)
