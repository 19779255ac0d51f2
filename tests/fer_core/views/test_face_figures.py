import itertools
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageColor
from skimage.color import deltaE_ciede2000, rgb2lab

from fer_core.expressions import COLORS, FER2013
from fer_core.faces.landmarks import mesh_edges
from fer_core.networks.classifier import Prediction
from fer_core.views.faces import blendshapes_bar, influence_bar, mesh_3d, probabilities_bar
from fer_core.views.style import TEMPLATE

# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
PROBABILITIES = np.array([0.002, 0.008, 0.05, 0.7, 0.1, 0.1, 0.04], np.float32)


@pytest.fixture
def prediction() -> Prediction:
    return Prediction(FER2013.labels, PROBABILITIES, 0.62, np.zeros((1, 1, 7), np.float32))


def linear(color: str) -> np.ndarray:
    c = np.array(ImageColor.getrgb(color)) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def encoded(values: np.ndarray) -> np.ndarray:
    v = np.clip(values, 0, 1)
    return np.where(v <= 0.0031308, v * 12.92, 1.055 * v ** (1 / 2.4) - 0.055)


def contrast(first: str, second: str) -> float:
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (first, second))
    return (high + 0.05) / (low + 0.05)


def test_all_classes_are_bars_in_percent_and_in_their_colors(prediction: Prediction):
    figure = probabilities_bar({"Pixels": prediction})
    bars = figure.data[0]
    assert bars.orientation == "h"
    np.testing.assert_allclose(bars.x, 100 * PROBABILITIES, rtol=1e-6)
    assert list(bars.marker.color) == [COLORS[label] for label in FER2013.labels]
    assert [name.removeprefix("<b>").removesuffix("</b>").lower() for name in bars.y] == [
        str(x) for x in FER2013.labels
    ]
    assert "Probability (%)" in figure.layout.xaxis.title.text
    assert figure.layout.yaxis.title.text
    assert figure.data[-1].text[0] == "< 1%", "no class is impossible"
    assert figure.data[-1].text[3] == "70%"


def test_two_opinions_stand_side_by_side(prediction: Prediction):
    other = Prediction(FER2013.labels, PROBABILITIES[::-1], 0.5, None)
    figure = probabilities_bar({"Pixels": prediction, "Both": other})
    first, in_legend, second, _, values = figure.data
    assert in_legend.name == "Pixels"
    assert not first.showlegend
    assert (first.name, second.name) == ("Pixels", "Both")
    np.testing.assert_allclose(first.x, 100 * PROBABILITIES, rtol=1e-6)
    np.testing.assert_allclose(second.x, 100 * PROBABILITIES[::-1], rtol=1e-6)
    assert first.marker.pattern.shape != second.marker.pattern.shape
    assert figure.layout.showlegend
    assert not probabilities_bar({"Pixels": prediction}).layout.showlegend
    assert values.text[0] == "< 1% / 4%"
    # The last opinion names the face: its class stands out, and its threshold is drawn.
    assert [row for row in second.y if row.startswith("<b>")] == ["<b>Happy</b>"]
    assert figure.layout.shapes[0].x0 == pytest.approx(50)


@pytest.mark.parametrize("threshold", [0.31, 0.62])
def test_the_threshold_for_an_answer_is_drawn_and_named(threshold: float):
    prediction = Prediction(
        FER2013.labels, PROBABILITIES, threshold, np.zeros((1, 1, 7), np.float32)
    )
    figure = probabilities_bar({"Pixels": prediction})
    line = figure.layout.shapes[0]
    assert line.x0 == line.x1 == pytest.approx(100 * threshold)
    assert f"{threshold:.0%}" in figure.layout.annotations[0].text


def test_ground_and_text_are_left_to_the_theme(prediction: Prediction):
    layout = probabilities_bar({"Pixels": prediction}).layout
    assert layout.template == TEMPLATE
    assert layout.paper_bgcolor is layout.plot_bgcolor is layout.font.color is None


@pytest.mark.parametrize("sight", SIGHT)
def test_colors_stay_apart_for_every_kind_of_sight(sight: str):
    seen = {
        name: rgb2lab(encoded(SIGHT[sight] @ linear(color))[None, None])[0, 0]
        for name, color in COLORS.items()
    }
    for first, second in itertools.combinations(seen, 2):
        assert deltaE_ciede2000(seen[first], seen[second]) >= 15, (first, second)


def test_colors_stand_out_from_both_themes():
    config = Path(__file__).resolve().parents[3] / ".streamlit" / "config.toml"
    theme = tomllib.loads(config.read_text())["theme"]
    for name, color in COLORS.items():
        for mode in ("light", "dark"):
            assert contrast(color, theme[mode]["backgroundColor"]) >= 2, (name, mode)


def test_influence_keeps_order_sign_and_names_the_points():
    figure = influence_bar({"brows": 0.021, "mouth": -0.3})
    (bars,) = figure.data
    assert list(bars.y) == ["Brows", "Mouth"]
    assert list(bars.text) == ["+2.1", "-30.0"]
    assert bars.marker.color[0] != bars.marker.color[1]
    low, high = figure.layout.xaxis.range
    assert low < -30 < 30 < high


def test_the_strongest_blendshapes_come_first_and_neutral_never():
    blendshapes = np.zeros(52)
    blendshapes[[0, 44, 25]] = [0.9, 0.5, 0.7]
    (bars,) = blendshapes_bar(blendshapes, n=3).data
    assert list(bars.y)[:2] == ["Jaw open", "Mouth corner up (left)"]
    assert list(bars.x)[:2] == [0.7, 0.5]


def test_the_mesh_is_looked_at_from_the_front_and_upright():
    points = np.random.default_rng(0).normal(size=(478, 3))
    figure = mesh_3d(points)
    camera = figure.layout.scene.camera
    # z points away from the viewer and y down.
    assert camera.eye.z < -1
    assert camera.up.y == -1
    lines = figure.data[0]
    # Two ends and a gap for each edge of MediaPipe's mesh.
    assert len(lines.x) == 3 * len(mesh_edges())
    assert np.isnan(lines.x[2])
    assert figure.layout.scene.aspectmode == "data"
