"""The look of all figures: said once, for series that are told apart by more than colour."""

import re
from pathlib import Path

import pytest

from fer_core import views
from fer_core.views import style

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
    assert [style.color_of(i) for i in range(n)] == list(style.TEMPLATE.layout.colorway)
    for of in (style.color_of, lambda i: style.line_of(i)["dash"], _symbol):
        assert len({of(i) for i in range(n)}) == n
        assert of(n) == of(0)


def _symbol(position):
    return style.marker_of(position)["symbol"]


@pytest.mark.parametrize("ground", ["#FFFFFF", "#14181C"])
def test_every_colour_stands_out_from_both_themes(ground):
    """WCAG 2 asks for 3:1 of graphics; two pale ones of later places come near it on white."""
    for color in (*style.TEMPLATE.layout.colorway[:3], style.GUIDE_COLOR):
        assert _contrast(color, ground) >= 3


def _contrast(one, other):
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color):
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
