"""The drawings of networks: every stage once, arrows from what feeds it, bars that add up."""

import itertools
import re

import numpy as np
import pytest

from fer_core.networks.bundles import bundle_folders
from fer_core.networks.kinds import open_any_bundle
from fer_core.networks.layers import Layer, multiply_adds, read_layers, stages_of
from fer_core.views.models import architecture_view, cost_view, layer_rows, short_count

FOLDERS = pytest.mark.parametrize("folder", bundle_folders(), ids=lambda folder: folder.name)


def boxes(view):
    """Corners of each box: left, right, top, bottom."""
    rectangles = [shape for shape in view.figure.layout.shapes if shape.type == "rect"]
    return [(r.x0, r.x1, r.y0, r.y1) for r in rectangles]


def arrows(view):
    return [note for note in view.figure.layout.annotations if note.showarrow is not False]


@FOLDERS
def test_every_stage_has_a_box_of_its_own_and_every_input_an_arrow(folder):
    bundle = open_any_bundle(folder)
    layers = read_layers(bundle)
    stages = stages_of(layers)
    view = architecture_view(bundle.spec, layers)
    assert len(boxes(view)) == len(stages)
    for a, b in itertools.combinations(boxes(view), 2):
        apart = a[1] <= b[0] or b[1] <= a[0] or a[3] <= b[2] or b[3] <= a[2]
        assert apart, (a, b)
    assert len(arrows(view)) == sum(len(stage.inputs) for stage in stages)


@FOLDERS
def test_no_arrow_runs_through_a_box(folder):
    bundle = open_any_bundle(folder)
    view = architecture_view(bundle.spec, read_layers(bundle))
    rectangles = boxes(view)
    for arrow in arrows(view):
        start, end = (arrow.ax, arrow.ay), (arrow.x, arrow.y)
        for share in np.linspace(0.01, 0.99, 99):
            x, y = (1 - share) * np.array(start) + share * np.array(end)
            inside = [b for b in rectangles if b[0] < x < b[1] and b[2] < y < b[3]]
            assert not inside, (start, end)


@FOLDERS
def test_a_box_says_on_a_phone_what_it_is(folder):
    """At 358 pixels, a line of 13 pixel type has some 6.5 pixels per letter."""
    bundle = open_any_bundle(folder)
    view = architecture_view(bundle.spec, read_layers(bundle))
    texts = [note for note in view.figure.layout.annotations if note.text]
    low, high = view.figure.layout.xaxis.range
    for note, (left, right, _, _) in zip(texts, boxes(view), strict=True):
        pixels = 358 * (right - left) / (high - low)
        lines = re.sub("</?b>", "", note.text).split("<br>")
        assert 6.5 * max(map(len, lines)) <= pixels, note.text
        assert len(lines) <= 4


@FOLDERS
def test_bars_and_table_add_up_to_the_network(folder):
    bundle = open_any_bundle(folder)
    layers = read_layers(bundle)
    view = cost_view(bundle.spec, layers)
    adds, parameters = view.figure.data
    assert sum(adds.x) == view.data["Multiply-adds"].sum() == multiply_adds(layers)
    assert sum(parameters.x) == view.data["Parameters"].sum() == bundle.spec.parameters
    assert f"{bundle.spec.parameters:,} parameters" in view.reading
    assert bundle.spec.sha256["model.keras"][:12] in view.reading
    assert view.name != architecture_view(bundle.spec, layers).name
    assert layer_rows(layers)["Parameters"].sum() == bundle.spec.parameters


def test_a_way_up_stands_beside_the_way_down():
    bundle = open_any_bundle(next(f for f in bundle_folders() if f.name == "keypoints"))
    layers = read_layers(bundle)
    view = architecture_view(bundle.spec, layers)
    middle = {
        stage.name: ((left + right) / 2, (top + bottom) / 2)
        for stage, (left, right, top, bottom) in zip(stages_of(layers), boxes(view), strict=True)
    }
    for side in ("12x12", "24x24"):
        assert middle[f"{side} up"] == (middle[side][0] + 1, middle[side][1])
    # The last is above: what comes out follows the arrows upwards.
    assert middle["head"][1] < middle["24x24 up"][1]


def test_a_network_of_no_known_kind_is_drawn_all_the_same():
    def layer(stage, output, inputs):
        return Layer(stage, stage, "Dense", "", output, len(inputs), 1, inputs)

    layers = [
        layer("one", (4,), ()),
        layer("two", (5,), ()),
        layer("middle", (3,), ("one", "two", "late")),
        layer("late", (2,), ("middle",)),
        layer("8x8 up", (8, 8, 1), ("late",)),
        layer("head", (2,), ("8x8 up", "one")),
    ]
    spec = open_any_bundle(bundle_folders()[0]).spec
    assert len(boxes(architecture_view(spec, layers))) == 6
    assert cost_view(spec, layers).data["Parameters"].sum() == 3 + 1 + 1 + 2


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (416, "416"),
        (999, "999"),
        (1000, "1 k"),
        (55_808, "55.8 k"),
        (508_032, "508 k"),
        (999_600, "1 M"),
        (168_170_062, "168 M"),
        (3_900_000_000_000, "3,900 G"),
    ],
)
def test_counts_are_said_in_three_digits(value, text):
    assert short_count(value) == text
