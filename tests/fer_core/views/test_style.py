"""The look of all figures: said once, for series that are told apart by more than colour."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from fer_core import palette, views
from fer_core.networks.bundles import KEYPOINTS_NAME, bundle_folders
from fer_core.views import style
from tests.conftest import PROJECT

MODULES = sorted(Path(views.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_only_the_style_makes_figures_and_says_how_they_look(module):
    text = module.read_text(encoding="utf-8")
    own = r"go\.Figure\(|make_subplots\(|\btemplate=|bgcolor|fixedrange|gridcolor|dragmode=False"
    assert module.stem == "style" or re.findall(own, text) == []


@pytest.mark.parametrize("figure", [style.new_figure(), style.new_panels(rows=2, cols=1)])
def test_a_figure_has_the_template_and_room_at_its_sides(figure):
    assert figure.layout.template == style.TEMPLATE
    # In the figure itself: Streamlit's theme takes them out of a template.
    assert (figure.layout.margin.l, figure.layout.margin.r) == (8, 8)


def test_the_template_leaves_the_ground_free_and_a_finger_to_the_page():
    layout = style.TEMPLATE.layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert layout.dragmode is False
    assert layout.xaxis.fixedrange is layout.yaxis.fixedrange is True


def test_no_two_series_differ_by_colour_alone():
    n = len(style.TEMPLATE.layout.colorway)
    assert n == 9
    looks = [palette.look_of(i) for i in range(n)]
    assert [look.line["color"] for look in looks] == list(style.TEMPLATE.layout.colorway)
    assert len({look.line["dash"] for look in looks}) == n
    assert len({look.marker()["symbol"] for look in looks}) == n
    assert palette.look_of(n) == looks[0]


def test_a_network_looks_the_same_whatever_stands_beside_it():
    shipped = [folder.name for folder in bundle_folders() if folder.name != KEYPOINTS_NAME]
    looks = palette.network_looks([*shipped, "somebody_elses"])
    for part in ("color", "dash", "symbol"):
        distinct = len({getattr(look, part) for look in looks.values()})
        assert distinct == 9, "give a new network of models/ a place in palette._NETWORKS"
    assert len({(look.color, look.pattern) for look in looks.values()}) == 9
    for name in shipped:
        assert palette.network_looks([name])[name] == looks[name]
        assert palette.network_looks(["own", name])[name] == looks[name]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_and_marks_meet_wcag_aa_on_the_apps_grounds(theme):
    """WCAG 2.1 asks for 4.5:1 of text (1.4.3) and 3:1 of graphics (1.4.11)."""
    config = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text())["theme"][theme]
    ground, panel = config["backgroundColor"], config["secondaryBackgroundColor"]
    for color in (config["textColor"], config["linkColor"], config["primaryColor"]):
        assert contrast(color, ground) >= 4.5
        assert contrast(color, panel) >= 4.5
    template = style.TEMPLATE if theme == "light" else style.DARK_TEMPLATE
    layout = template.layout
    assert contrast(layout.font.color, ground) >= 4.5
    assert contrast(layout.hoverlabel.font.color, layout.hoverlabel.bgcolor) >= 4.5
    for color in (*layout.colorway, palette.GUIDE_COLOR):
        assert contrast(color, ground) >= 3
    assert (style.GROUND if theme == "light" else style.DARK_GROUND) == ground


@pytest.mark.parametrize("template", [style.TEMPLATE, style.DARK_TEMPLATE])
def test_type_is_13_to_14_pixels(template):
    layout = template.layout
    fonts = (layout.font, layout.xaxis.tickfont, layout.yaxis.title.font, layout.legend.font)
    for font in (*fonts, layout.hoverlabel.font, layout.annotationdefaults.font):
        assert 13 <= font.size <= 14


@pytest.mark.parametrize("shades", [style.SEQUENTIAL, style.DIVERGING])
def test_every_shade_of_a_heat_map_has_a_text_that_stands_out(shades):
    figure = style.new_figure()
    z = np.linspace(-1, 1, 41)[None]
    names = [str(i) for i in range(41)]
    style.add_cells(figure, z, x=names, y=["row"], text=[names], ends=(-1, 1), shades=shades)
    for of_theme in (figure, style.for_dark(figure)):
        cells = of_theme.data[0]
        for note, share in zip(of_theme.layout.annotations, np.linspace(0, 1, 41), strict=True):
            parts = [f"{round(c):02x}" for c in style.shade_at(cells.colorscale, share)]
            assert contrast(note.font.color, f"#{''.join(parts)}") >= 4.5


def test_a_figure_for_dark_grounds_is_a_copy():
    figure = style.new_figure()
    style.add_label(figure, x=0, y=0, text="label")
    dark = style.for_dark(figure)
    assert dark.layout.template == style.DARK_TEMPLATE
    assert dark.layout.annotations[0].bgcolor == style.DARK_GROUND
    assert figure.layout.template == style.TEMPLATE
    assert figure.layout.annotations[0].bgcolor == style.GROUND


def contrast(one, other):
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color):
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
