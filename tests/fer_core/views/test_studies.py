"""The figures of studies show the numbers of their tables."""

import numpy as np
import pytest
from PIL import ImageColor

from fer_core.studies.numbers import findings, progress, recalls, runs_table
from fer_core.studies.plans import Reference, read_history, read_search, read_study
from fer_core.views.searches import best_so_far_view, paths_view, trials_table
from fer_core.views.studies import accuracy_view, learning_view
from fer_core.views.study_cells import recalls_view
from fer_core.views.style import TEMPLATE, for_dark, shade_at
from tests.fer_core.studies.study_tables import study_plan, write_search, write_study

STAGES = {f"{n}-stages": {"stages": n} for n in (2, 3, 5)}
NETWORKS = {"custom": {"network": "custom"}, "vgg": {"network": "VGG13"}}
GRID = {f"{k}-{n}": {"kernels": k, "neurons": n} for k in (16, 32) for n in (64, 512)}
#: Two words, of which neither tells the variants apart alone.
PAIRS = {f"{a}-{b}": {"augmented": a, "dropout": b} for a in ("no", "yes") for b in ("no", "yes")}
PUBLISHED = Reference(label="VGG, as published", accuracy=0.8765, note="split not stated")


@pytest.fixture(autouse=True)
def _models(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_MODELS", str(tmp_path))


def results_of(values, *, runs=None, **options):
    plan = study_plan("some_study", values, **options)
    table = write_study(plan, values, runs=runs)
    return read_study(plan), table.set_index(["variant", "seed"])


def traces(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def test_a_number_is_a_line_through_the_means_with_the_seeds_beside_it():
    results, table = results_of(STAGES, seeds=(0, 1), references=[PUBLISHED])
    figure = accuracy_view(results).figure
    (line,) = traces(figure, "PrivateTest (test)")
    means = 100 * table["fer2013:test accuracy"].groupby("variant").mean()
    assert list(line.x) == [2, 3, 5]
    np.testing.assert_allclose(line.y, means[[f"{n}-stages" for n in line.x]])
    (points,) = traces(figure, "PrivateTest (test), single runs")
    assert sorted(points.y) == pytest.approx(sorted(100 * table["fer2013:test accuracy"]))
    assert {trace.name for trace in figure.data if trace.showlegend} == {
        "Training",
        "PublicTest (validation)",
        "PrivateTest (test)",
    }
    (reference,) = figure.layout.shapes
    assert reference.y0 == reference.y1 == pytest.approx(87.65)
    assert [a.text for a in figure.layout.annotations] == ["VGG, as published"]
    low, high = figure.layout.yaxis.range
    assert low < min(points.y)
    assert high > 87.65


@pytest.mark.parametrize("values", [STAGES, NETWORKS])
def test_splits_of_two_sources_with_one_mark_have_one_name(values):
    results, _ = results_of(values, measured_on=("fer2013:valid", "expw:valid", "fer2013:test"))
    figure = accuracy_view(results).figure
    names = [trace.name for trace in figure.data if trace.showlegend is not False]
    assert names == ["Validation", "PrivateTest (test)"]


def test_splits_differ_by_colour_and_by_marker():
    figure = accuracy_view(results_of(STAGES)[0]).figure
    assert len(figure.data) == 3, "one seed is its mean"
    for part in ({t.line.color for t in figure.data}, {t.marker.symbol for t in figure.data}):
        assert len(part) == 3


def test_clean_rows_replace_the_whole_ones_except_in_training():
    results, table = results_of(STAGES)
    view = accuracy_view(results, clean=True)
    (line,) = traces(view.figure, "PrivateTest (test)")
    clean = 100 * table["fer2013:test accuracy_clean"].astype(float)
    np.testing.assert_allclose(line.y, [clean[f"{n}-stages", 0] for n in (2, 3, 5)])
    (training,) = traces(view.figure, "Training")
    assert training.y[0] == pytest.approx(100 * table["fer2013:train accuracy"]["2-stages", 0])
    assert set(zip(view.data["data"], view.data["rows"], view.data["n"], strict=True)) == {
        ("fer2013:train", "whole", 1000),
        ("fer2013:valid", "clean", 900),
        ("fer2013:test", "clean", 900),
    }
    assert "left out" in view.reading
    assert "left out" not in accuracy_view(results).reading


def test_names_are_rows_of_dots_and_each_source_has_its_panel():
    results, table = results_of(
        NETWORKS,
        measured_on=("fer2013:test", "ferplus:test", "ckplus:test"),
        references=[PUBLISHED],
    )
    figure = accuracy_view(results).figure
    assert [a.text for a in figure.layout.annotations] == ["FER2013", "FER+", "CK+"]
    first, second = traces(figure, "PrivateTest (test)")
    assert (first.xaxis, second.xaxis) == ("x", "x2")
    assert list(first.customdata) == ["custom", "VGG13"]
    for dots, data in ((first, "fer2013:test"), (second, "ferplus:test")):
        np.testing.assert_allclose(dots.x, 100 * table[f"{data} accuracy"][["custom", "vgg"]])
    assert [trace.showlegend for trace in (first, second)] == [True, False]
    assert len(traces(figure, "CK+, all faces")) == 1
    (published,) = traces(figure, "Published by others")
    assert published.xaxis == "x"
    assert list(published.x) == pytest.approx([87.65])
    assert [text.replace("<br>", " ") for text in figure.layout.yaxis.ticktext] == [
        "custom",
        "VGG13",
        "VGG, as published",
    ]
    assert list(figure.layout.yaxis2.ticktext) == ["custom", "VGG13"]


def test_a_study_of_names_is_shown_from_its_first_run_on():
    results, _ = results_of(NETWORKS, runs=[(next(iter(NETWORKS)), 0)])
    figure = accuracy_view(results).figure
    assert len(set(traces(figure, "PrivateTest (test)")[0].x)) == 1


def test_two_words_are_told_apart_by_the_names_of_the_variants():
    figure = accuracy_view(results_of(PAIRS)[0]).figure
    assert list(figure.layout.yaxis.ticktext) == ["no-no", "no-yes", "yes-no", "yes-yes"]


def test_two_numbers_are_a_heat_map_a_split_with_the_means_in_its_cells():
    results, table = results_of(GRID, seeds=(0, 1))
    figure = accuracy_view(results).figure
    (cells,) = traces(figure, "PrivateTest (test)")
    mean = 100 * table["fer2013:test accuracy"].groupby("variant").mean()
    assert (list(cells.x), list(cells.y)) == (["64", "512"], ["16", "32"])
    np.testing.assert_allclose(
        cells.z, [[mean["16-64"], mean["16-512"]], [mean["32-64"], mean["32-512"]]]
    )
    written = figure.select_annotations({"name": "cell", "xref": cells.xaxis})
    assert [note.text for note in written] == [f"{value:.1f}" for value in np.ravel(cells.z)]


def test_numbers_stand_out_from_the_shade_of_their_cell():
    """WCAG 2.1 asks for 4.5:1, on light and on dark grounds."""
    results, _ = results_of(GRID)
    light = recalls_view(results, "fer2013:test").figure
    for figure in (light, for_dark(light)):
        cells = figure.data[0]
        numbers = list(figure.select_annotations({"name": "cell"}))
        assert len(numbers) == cells.z.size
        for note, value in zip(numbers, np.ravel(cells.z), strict=True):
            pair = ImageColor.getrgb(note.font.color), shade_at(cells.colorscale, value / 100)
            low, high = sorted(map(luminance, pair))
            assert (high + 0.05) / (low + 0.05) >= 4.5
    assert light.data[0].colorscale != for_dark(light).data[0].colorscale


def luminance(rgb):
    c = np.array(rgb) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [
        0.2126,
        0.7152,
        0.0722,
    ]


def test_a_part_of_a_grid_leaves_a_cell_empty():
    results, _ = results_of(GRID, runs=[(name, 0) for name in list(GRID)[:3]])
    figure = accuracy_view(results).figure
    (cells,) = traces(figure, "PrivateTest (test)")
    assert np.isnan(np.array(cells.z, float)).tolist() == [[False, False], [False, True]]
    assert len(list(figure.select_annotations({"name": "cell", "xref": cells.xaxis}))) == 3


def test_learning_curves_are_those_of_the_history():
    results, _ = results_of(STAGES, seeds=(0, 1))
    history = read_history(results.plan)
    view = learning_view(results, history)
    curves = traces(view.figure, "3-stages")
    assert len(curves) == 8, "two figures of two parts for each of two seeds"
    rows = history[(history["variant"] == "3-stages") & (history["seed"] == 0)]
    by_look = {(c.yaxis, c.line.dash): c for c in curves[:4]}
    np.testing.assert_allclose(by_look["y", "dot"].y, rows["loss"])
    np.testing.assert_allclose(by_look["y", "solid"].y, rows["val_loss"])
    np.testing.assert_allclose(by_look["y2", "solid"].y, 100 * rows["val_accuracy"])
    assert len({c.line.color for c in curves}) == 1
    assert sum(bool(c.showlegend) for c in curves) == 1
    assert len(view.data) == len(history)
    assert "the clean validation rows of FER2013." in view.reading


@pytest.mark.parametrize(("curves", "prefix"), [("validation", "val_"), ("training", "")])
def test_learning_curves_of_one_kind_can_be_shown_alone(curves, prefix):
    results, _ = results_of(STAGES, seeds=(0, 1))
    history = read_history(results.plan)
    view = learning_view(results, history, (curves,))
    shown = traces(view.figure, "3-stages")
    assert len(shown) == 4, "two figures for each of two seeds"
    rows = history[(history["variant"] == "3-stages") & (history["seed"] == 0)]
    np.testing.assert_allclose(shown[0].y, rows[f"{prefix}loss"])
    assert sum(bool(c.showlegend) for c in shown) == 1
    assert "dotted" not in view.reading


def test_learning_curves_name_what_runs_were_validated_on():
    results, _ = results_of(STAGES)
    history = read_history(results.plan).assign(val_accuracy_ferplus=0.8, val_accuracy_expw=0.6)
    assert "the clean validation rows of FER+ and ExpW." in learning_view(results, history).reading


def test_recalls_have_a_cell_a_class_and_the_balanced_accuracy_last():
    results, table = results_of(NETWORKS, measured_on=("fer2013:test", "ckplus:test"))
    heat_map = recalls_view(results, "fer2013:test").figure.data[0]
    assert list(heat_map.x) == ["Angry", "Disgust", "Happy", "<b>Mean</b>"]
    wanted = [
        100 * table[f"fer2013:test recall {c}"]["vgg", 0] for c in ("angry", "disgust", "happy")
    ]
    np.testing.assert_allclose(heat_map.z[1], [*wanted, np.mean(wanted)])
    # A class that nobody has is no column, and not part of the mean.
    on_ckplus = recalls(results, "ckplus:test")
    assert list(on_ckplus.columns) == ["angry", "disgust", "mean"]
    assert on_ckplus["mean"]["vgg"] == pytest.approx(
        np.mean([table[f"ckplus:test recall {c}"]["vgg", 0] for c in ("angry", "disgust")])
    )
    view = recalls_view(results, "fer2013:test")
    assert f"highest for VGG13: {np.mean(wanted):.1f}%" in view.reading


def test_the_best_is_chosen_on_clean_validation_rows_and_its_test_figures_said():
    """In these tables the last is best on all rows, and the first on the clean ones."""
    results, table = results_of(STAGES)
    best, sure = findings(results)
    assert "the best variant is **2-stages**," in best
    row = table.loc["2-stages", 0]
    assert f"{row['fer2013:test accuracy']:.1%} on all 1,000 faces" in best
    assert f"{row['fer2013:test accuracy_clean']:.1%} on the 900 without duplicates" in best
    # 1.96 times the root of 0.4723 x 0.5277 / 1000.
    assert "\u00b13.1 points" in sure
    assert "trained once" in sure
    (_, sure) = findings(results_of(STAGES, seeds=(0, 1))[0])
    assert "1.0 points apart" in sure


def test_an_unfinished_study_says_what_is_missing():
    runs = [("2-stages", 0), ("3-stages", 0), ("2-stages", 1)]
    said = progress(results_of(STAGES, seeds=(0, 1), runs=runs)[0])
    assert said.startswith("3 of 6 planned runs")
    assert said.endswith(
        "Missing: 5-stages with seed 0, 3-stages with seed 1, 5-stages with seed 1."
    )
    assert progress(results_of(STAGES)[0]) == (
        "All 3 planned runs are done: 3 variants, each with seed 0."
    )


def test_the_table_of_runs_keeps_every_digit_and_leaves_out_what_was_not_measured():
    results, table = results_of(STAGES)
    shown = runs_table(results)
    assert shown["variant"].tolist() == list(STAGES)
    assert shown["stages"].tolist() == [2, 3, 5]
    np.testing.assert_array_equal(
        shown["FER2013 PrivateTest accuracy, clean (%)"],
        [100 * table["fer2013:test accuracy_clean"][name, 0] for name in STAGES],
    )
    assert "FER2013 Training accuracy (%)" in shown
    assert "FER2013 Training accuracy, clean (%)" not in shown
    assert {"FER2013 PublicTest macro F1", "seconds", "hardware", "commit"} <= set(shown)


def test_trials_cross_the_axes_where_their_settings_lie():
    results = read_search(write_search())
    figure = paths_view(results).figure
    lines = {line.name: line for line in figure.data}
    # 0.01 is halfway between 0.001 and 0.1 in orders of magnitude, 128 between 64 and 256 in order.
    np.testing.assert_allclose(lines["trial 01"].x, [0.5, 0.5, 0])
    np.testing.assert_allclose(lines["trial 02"].x, [1, 1, 1])
    assert figure.data[-1].name == "trial 02", "the best is drawn above the others"
    assert figure.data[-1].line.width > figure.data[0].line.width
    texts = [annotation.text for annotation in figure.layout.annotations]
    assert texts.index("64") < texts.index("128") < texts.index("256")
    assert "Validation accuracy (%)" in "".join(texts)


def test_the_best_so_far_never_gets_worse():
    view = best_so_far_view(read_search(write_search()))
    points, line = view.figure.data
    np.testing.assert_allclose(points.y, [41, 40, 47, 43])
    np.testing.assert_allclose(line.y, [41, 41, 47, 47])
    assert "47%, reached by trial 2" in view.reading


def test_where_less_is_better_the_search_goes_down():
    results = read_search(write_search())
    plan = results.plan.model_copy(update={"objective": "val_loss", "greater_is_better": False})
    losses = results.trials.assign(val_loss=[1.5, 1.2, 1.4, 1.1])
    fewer = type(results)(plan, losses)
    np.testing.assert_allclose(best_so_far_view(fewer).figure.data[1].y, [1.5, 1.2, 1.2, 1.1])
    assert paths_view(fewer).figure.data[-1].name == "trial 03"
    assert trials_table(fewer)["trial"].tolist() == ["03", "01", "02", "00"]


def test_one_trial_alone_can_be_shown():
    results = read_search(write_search(n_trials=1))
    (line,) = paths_view(results).figure.data
    assert list(line.x) == [0.5, 0.5, 0.5]


def test_the_best_trial_comes_first_in_the_table():
    table = trials_table(read_search(write_search()))
    assert table["trial"].tolist() == ["02", "03", "00", "01"]
    assert table["validation accuracy (%)"].tolist() == pytest.approx([47, 43, 41, 40])


@pytest.mark.parametrize("values", [STAGES, NETWORKS, GRID], ids=["lines", "dots", "heat maps"])
def test_ground_is_left_to_the_theme_and_axes_stay_where_they_are(values):
    results, _ = results_of(values)
    views = [
        accuracy_view(results),
        learning_view(results, read_history(results.plan)),
        recalls_view(results, "fer2013:test"),
    ]
    for view in views:
        layout = view.figure.layout
        assert layout.template == TEMPLATE
        assert layout.dragmode is layout.paper_bgcolor is layout.plot_bgcolor is None
        axes = [*view.figure.select_xaxes(), *view.figure.select_yaxes()]
        assert all(axis.fixedrange is None for axis in axes)
    assert len({view.name for view in views}) == 3
