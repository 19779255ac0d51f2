import itertools
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageColor
from skimage.color import deltaE_ciede2000, rgb2lab

from fer_core.expressions import COLORS
from fer_core.faces.landmarks import mesh_edges
from fer_core.views.faces import mesh_3d
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


def linear(color: str) -> np.ndarray:
    c = np.array(ImageColor.getrgb(color)) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def encoded(values: np.ndarray) -> np.ndarray:
    v = np.clip(values, 0, 1)
    return np.where(v <= 0.0031308, v * 12.92, 1.055 * v ** (1 / 2.4) - 0.055)


def contrast(first: str, second: str) -> float:
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (first, second))
    return (high + 0.05) / (low + 0.05)


def test_ground_and_text_are_left_to_the_theme():
    layout = mesh_3d(np.zeros((478, 3))).layout
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
