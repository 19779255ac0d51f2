"""The figures hold the numbers that scikit-learn or a count by hand gives, and say what they are."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics

from fer_core.evaluation import metrics
from fer_core.evaluation.faithfulness import Faithfulness
from fer_core.evaluation.human_agreement import OTHERS, Agreement
from fer_core.evaluation.intervals import Estimate
from fer_core.evaluation.predictions import EvaluationResult, compare
from fer_core.expressions import FER2013, Expression
from fer_core.networks.bundles import resolve
from fer_core.networks.softmax import softmax
from fer_core.views import View
from fer_core.views.accuracy import accuracy_view
from fer_core.views.calibration import (
    before_scaling,
    levels_table,
    levels_view,
    reliability,
    reliability_view,
    risk_coverage,
    risk_coverage_view,
)
from fer_core.views.classes import (
    areas,
    class_report,
    class_view,
    precision_recall_view,
    roc_view,
)
from fer_core.views.confusion import SHARES, confusion_difference_view, confusion_view
from fer_core.views.data_sets import across_view, coverage_view
from fer_core.views.faithfulness import faithfulness_view
from fer_core.views.learning import learning_view
from fer_core.views.paired import comparison_sentence, paired_view
from fer_core.views.style import TEMPLATE

AGREEMENT = Agreement(
    source="ferplus",
    split="test",
    label_space="fer2013",
    agreement_with=OTHERS,
    n_faces=3000,
    n_faces_left_out=5,
    n_judgements=29000,
    n_judgements_left_out=10,
    agreement=0.757,
    low=0.75,
    high=0.76,
)
HEAT_MAP = Faithfulness("cnn", "af", "RISE", "fer2013", "test", 500, 0.3, 0.8, 0.01, 0.02, 50, 0.1)
ON = "Random data, all 500 faces."


def random_logits(seed: int, n: int = 500) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.random.default_rng(99).integers(0, 7, n)
    logits = rng.normal(0, 1, (n, 7))
    logits[np.arange(n), labels] += 1.5
    return labels, logits


def random_result(seed: int) -> EvaluationResult:
    labels, logits = random_logits(seed)
    n = len(labels)
    return EvaluationResult(
        expressions=FER2013.labels,
        rows=np.arange(n),
        labels=labels,
        probabilities=softmax(logits),
        found_face=np.ones(n, bool),
        clean=np.ones(n, bool),
    )


@pytest.fixture(scope="module")
def results() -> dict[str, EvaluationResult]:
    return {"one": random_result(0), "two": random_result(1)}


def all_views(results: dict[str, EvaluationResult]) -> list[View]:
    one, two = results.values()
    names = ("one", "two")
    estimates = {name: Estimate(0.7, 0.68, 0.72) for name in results}
    history = pd.DataFrame(
        {
            "epoch": [1, 2],
            "loss": [2.0, 1.0],
            "val_loss": [2.1, 1.5],
            "accuracy": [0.2, 0.5],
            "val_accuracy": [0.3, 0.4],
        }
    )
    return [
        accuracy_view(
            estimates, estimates, (dict.fromkeys(estimates, 500), dict.fromkeys(estimates, 450)), ON
        ),
        *(confusion_view(one, "one", share, ON) for share in SHARES),
        confusion_difference_view(one, two, names, ON),
        *(class_view(results, measure, ON) for measure in ("recall", "precision", "F1")),
        precision_recall_view(results, Expression.SAD, ON),
        roc_view(results, Expression.SAD, ON),
        reliability_view(one, "one", 1.2, ON),
        risk_coverage_view(results, 0.5, ON),
        levels_view(results, dict.fromkeys(results, 0.5), ON),
        learning_view(history, "one"),
        paired_view(one, two, names, ON),
        across_view([resolve("cnn").spec], [AGREEMENT]),
        coverage_view(results, np.arange(500) % 10 > 0, ON),
        faithfulness_view([HEAT_MAP, dataclasses.replace(HEAT_MAP, network="dual")]),
    ]


def test_every_figure_says_how_to_read_it_in_short_sentences(results):
    for view in all_views(results):
        layout = view.figure.layout
        # Panels above one another share the lowest one's.
        assert any(axis.title.text for axis in view.figure.select_xaxes()), view.name
        assert len(view.caption) <= 110, view.caption
        assert view.details, view.name
        assert f"{view.caption} {view.details}" == view.reading
        for sentence in re.split(r"(?<=[.!?])\s+", view.reading):
            assert len(sentence.split()) <= 30, sentence
        assert view.reading.endswith("."), view.name
        assert not re.search(r"\d %", view.reading + view.figure.to_json()), view.name
        assert len(view.data), view.name
        assert layout.template == TEMPLATE, view.name
        # Of the template's, or the page's theme has no say.
        assert layout.dragmode is layout.paper_bgcolor is layout.font.color is None, view.name


@pytest.mark.parametrize("share", SHARES)
def test_a_confusion_matrix_counts_as_sklearn_does(results, share):
    result = results["one"]
    view = confusion_view(result, "one", share, ON)
    normalize = {"faces": None, "of the label": "true", "of the prediction": "pred"}[share]
    expected = sklearn.metrics.confusion_matrix(
        result.labels, result.probabilities.argmax(axis=1), normalize=normalize
    )
    factor = 1 if share == "faces" else 100
    np.testing.assert_allclose(view.figure.data[0].z, factor * expected)
    assert view.data["faces"].sum() == len(result)


def test_each_cell_has_one_point_that_tells_its_label_and_answer(results):
    result = results["one"]
    view = confusion_view(result, "one", "faces", ON)
    (clicked,) = view.figure.data[1:]
    assert len(set(zip(clicked.y, clicked.x, strict=True))) == 49
    points = [(note.y, note.x, note.text) for note in view.figure.layout.annotations]
    assert len(points) == 49
    counts = metrics.confusion_matrix(result.labels, result.probabilities)
    for y, x, text in points:
        assert int(text) == counts[y, x]


def test_a_difference_is_of_shares_of_the_label(results):
    one, two = results.values()
    view = confusion_difference_view(one, two, ("one", "two"), ON)
    recall = [metrics.per_class_recall(r.labels, r.probabilities) for r in (one, two)]
    np.testing.assert_allclose(np.diagonal(view.figure.data[0].z), 100 * (recall[1] - recall[0]))


def test_class_report_and_areas_agree_with_sklearn(results):
    report = class_report(results)
    assert len(report) == 14
    result = results["two"]
    expected = sklearn.metrics.classification_report(
        result.labels, result.probabilities.argmax(axis=1), output_dict=True
    )
    part = report[report["network"] == "two"]
    for i, (_, row) in enumerate(part.iterrows()):
        assert row["F1"] == pytest.approx(expected[str(i)]["f1-score"])
        assert row["faces"] == expected[str(i)]["support"]
    table = areas(results)
    of_two = table[table["network"] == "two"]["area under ROC"]
    assert of_two.mean() == pytest.approx(
        sklearn.metrics.roc_auc_score(result.labels, result.probabilities, multi_class="ovr")
    )


def test_curves_run_from_corner_to_corner_and_keep_few_points(results):
    view = roc_view(results, Expression.SAD, ON)
    first = view.figure.data[0]
    assert (first.x[0], first.y[0]) == (0, 0)
    assert (first.x[-1], first.y[-1]) == (100, 100)
    assert len(first.x) <= 1000
    assert np.isfinite(view.data["threshold"]).all()


def test_areas_of_a_class_without_rows_are_not_numbers(results):
    without = {n: r.select(r.labels != 1) for n, r in results.items()}
    table = areas(without)
    absent = table["expression"] == "disgust"
    assert table.loc[absent, ["average precision", "area under ROC"]].isna().all(axis=None)
    assert table.loc[~absent, "area under ROC"].notna().all()


def test_probabilities_before_scaling_are_those_of_the_logits():
    labels, logits = random_logits(3)
    scaled = softmax(logits, temperature=1.7)
    result = random_result(3)
    stored = EvaluationResult(
        result.expressions, result.rows, labels, scaled, result.found_face, result.clean
    )
    np.testing.assert_allclose(before_scaling(stored, 1.7), softmax(logits), atol=1e-5)


def test_the_reliability_table_adds_up_to_the_calibration_error(results):
    result = results["one"]
    table = reliability(result.labels, result.probabilities)
    assert table["faces"].sum() == len(result)
    gaps = (table["accuracy"] - table["mean confidence"]).abs() * table["faces"] / len(result)
    assert gaps.sum() == pytest.approx(metrics.ece(result.labels, result.probabilities))


def test_risk_coverage_agrees_with_the_measure_at_every_threshold(results):
    result = results["one"]
    table = risk_coverage(result)
    assert table["coverage"].iloc[-1] == 1
    for _, row in table.iloc[::50].iterrows():
        found = metrics.coverage_and_accuracy(result.labels, result.probabilities, row["threshold"])
        assert found == pytest.approx((row["coverage"], row["accuracy"]))


def test_levels_share_out_all_faces_and_agree_with_coverage(results):
    table = levels_table(results, {"one": 0.5, "two": 1.1}).set_index(["network", "level"])
    assert table["share"].groupby("network").sum().tolist() == pytest.approx([1, 1])
    one = results["one"]
    coverage, accuracy = metrics.coverage_and_accuracy(one.labels, one.probabilities, 0.5)
    confident = table.loc[("one", "confident")]
    assert (confident["share"], confident["accuracy"]) == pytest.approx((coverage, accuracy))
    assert confident["right"] == round(accuracy * confident["predictions"])
    assert table.loc[("two", "confident"), "predictions"] == 0
    assert np.isnan(table.loc[("two", "confident"), "accuracy"])


def test_equal_confidences_are_answered_together():
    p = np.tile(np.array([[0.6, 0.4, 0, 0, 0, 0, 0]], np.float32), (4, 1))
    n = np.arange(4)
    yes = np.ones(4, bool)
    result = EvaluationResult(FER2013.labels, n, np.array([0, 1, 0, 1]), p, yes, yes)
    table = risk_coverage(result)
    assert len(table) == 1
    assert table["accuracy"].item() == 0.5


def test_the_paired_bars_sum_to_the_comparison(results):
    one, two = results.values()
    comparison = compare(one, two)
    data = paired_view(one, two, ("one", "two"), ON).data
    assert data["one"].sum() == comparison.only_first
    assert data["two"].sum() == comparison.only_second
    sentence = comparison_sentence(comparison, ("one", "two"))
    assert f"{comparison.accuracies[1]:.1%}" in sentence
    assert "McNemar" in sentence


def test_a_view_can_be_taken_away_without_a_network(results):
    view = confusion_view(results["one"], "one", "faces", ON)
    assert "Plotly.newPlot" in view.html()
    assert 'src="http' not in view.html()
    assert view.csv().splitlines()[0] == "label,prediction,faces"


def test_each_network_stands_beside_one_person_and_what_was_left_out_is_named():
    specs = [resolve(name).spec for name in ("cnn", "dual")]
    view = across_view(specs, [AGREEMENT])
    assert list(view.figure.data[0].y) == ["cnn", "dual", "one person"]
    cells = view.figure.data[0]
    notes = view.figure.layout.annotations
    texts = {(cells.y[note.y], cells.x[note.x]): note.text for note in notes}
    assert texts["one person", "FER+"] == "75.7"
    assert texts["dual", "FER2013"] == f"{100 * specs[1].metrics['fer2013:test'].accuracy:.1f}"
    assert ("one person", "ExpW") not in texts
    assert "CK+: contempt (54)" in view.reading
    assert "cnn FER2013 (FER+ votes), dual FER2013 (FER+ votes)" in view.reading


def test_a_network_of_fewer_expressions_is_told_from_the_others():
    specs = [resolve(name).spec for name in ("dual", "resnet5")]
    view = across_view(specs, [])
    assert list(view.figure.data[0].y) == ["dual", "resnet5<br>(5 expressions)"]
    assert "neutral (626) (resnet5)" in view.reading


def test_learning_curves_of_keypoints_are_of_their_error():
    history = pd.DataFrame(
        {"epoch": [1, 2], "loss": [3, 2], "rmse": [4, 3], "val_loss": [3, 3], "val_rmse": [4, 4]}
    )
    figure = learning_view(history, "keypoints").figure
    assert figure.layout.yaxis.title.text == "RMSE (pixels)"
    assert [list(trace.y) for trace in figure.data] == [[4, 3], [4, 4], [3, 2], [3, 3]]
    assert [trace.showlegend for trace in figure.data] == [True, True, False, False]
    with pytest.raises(ValueError, match="accuracy, rmse"):
        learning_view(history[["epoch", "loss"]], "keypoints")


def test_a_face_without_landmarks_can_count_as_wrong(results):
    found = np.arange(500) % 10 > 0
    table = coverage_view(results, found, ON).data.set_index(["network", "accuracy of"])["accuracy"]
    right = results["one"].probabilities.argmax(axis=1) == results["one"].labels
    assert table["one", "others as wrong"] == pytest.approx((right & found).sum() / 500)
    assert table["one", "crops with landmarks"] == pytest.approx(right[found].mean())
    assert table["one", "others as wrong"] < table["one", "all crops"]
