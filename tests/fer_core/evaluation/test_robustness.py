"""The robustness file comes back as it was written, its figures are the formula's, its view shows them."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from fer_core.errors import DataError
from fer_core.evaluation.robustness import (
    UNCORRUPTED,
    Condition,
    Robustness,
    accuracies,
    accuracy_table,
    mean_relative_drop,
    read_robustness,
    robustness_path,
    stored_robustness,
    write_robustness,
)
from fer_core.expressions import FER2013
from fer_core.views.robustness import robustness_view

KINDS = {"blur": ("sigma, pixels", 0.5), "turn": ("degrees", 10.0)}
CONDITIONS = (
    UNCORRUPTED,
    *(
        Condition(kind, strength, parameter, step * strength)
        for kind, (parameter, step) in KINDS.items()
        for strength in range(1, 6)
    ),
)
N = 20


def answers_with(n_right):
    """Answers to faces that are all labelled 0, of which the first so many are right."""
    return (np.arange(N) >= np.array(n_right)[:, None]).astype(np.int64)


@pytest.fixture
def result():
    """Right on 16 of 20 faces as they are; 14, 12, ... of them blurred, 8 however turned."""
    rng = np.random.default_rng(0)
    return Robustness(
        source="fer2013",
        split="test",
        seed=3,
        weights_sha256="c0ffee" * 10,
        expressions=FER2013.labels,
        conditions=CONDITIONS,
        rows=np.arange(N) * 7 + 40_000,
        labels=np.zeros(N, np.int64),
        clean=np.arange(N) >= 4,
        answers=answers_with([16, 14, 12, 10, 8, 6, 8, 8, 8, 8, 8]),
        confidences=rng.uniform(0.2, 1, (11, N)).astype(np.float32),
        found_face=rng.random((11, N)) < 0.8,
    )


def test_figures_are_those_of_the_formula(result):
    np.testing.assert_allclose(
        accuracies(result), np.array([16, 14, 12, 10, 8, 6, 8, 8, 8, 8, 8]) / 20
    )
    drops = [1 - right / 16 for right in (14, 12, 10, 8, 6, 8, 8, 8, 8, 8)]
    assert mean_relative_drop(result) == pytest.approx(sum(drops) / 10)
    # The first four, of which there are copies, are always right.
    clean = result.select(result.clean)
    assert accuracies(clean)[:2].tolist() == [12 / 16, 10 / 16]
    table = accuracy_table(result).set_index(["corruption", "strength"])
    assert table.loc[("blur", 5), ["value", "n", "accuracy"]].tolist() == [2.5, 20, 0.3]
    assert table.loc[("turn", 2), "found_face"] == result.found_face[7].mean()


def test_what_is_not_defined_is_nan_and_not_an_error(result):
    nobody = result.select(np.zeros(N, bool))
    assert np.isnan(accuracies(nobody)).all()
    assert np.isnan(mean_relative_drop(nobody))
    never_right = dataclasses.replace(result, answers=np.ones((11, N), np.int64))
    assert np.isnan(mean_relative_drop(never_right))


def test_a_file_comes_back_and_repeats_to_the_byte(result, tmp_path):
    path = robustness_path(tmp_path, "fer2013", "test")
    write_robustness(result, path)
    back = read_robustness(path)
    for field in dataclasses.fields(Robustness):
        found, wanted = getattr(back, field.name), getattr(result, field.name)
        if field.name == "confidences":
            np.testing.assert_allclose(found, wanted, atol=5e-4)
        elif isinstance(wanted, np.ndarray):
            np.testing.assert_array_equal(found, wanted)
            assert found.dtype == wanted.dtype
        else:
            assert found == wanted
    before = path.read_bytes()
    write_robustness(back, path)
    assert path.read_bytes() == before


def test_the_file_does_not_lie_among_the_predictions(tmp_path):
    path = robustness_path(tmp_path, "fer2013", "test")
    assert path.is_relative_to(tmp_path / "predictions")
    assert not path.match("predictions/*.parquet")


def test_answers_of_other_weights_are_not_taken_for_those_of_a_bundle(result, cnn_bundle, tmp_path):
    bundle = dataclasses.replace(cnn_bundle, path=tmp_path)
    assert stored_robustness(bundle, "fer2013", "test") is None
    path = robustness_path(tmp_path, "fer2013", "test")
    write_robustness(result, path)
    with pytest.raises(DataError, match=r"other weights than cnn.*training robustness"):
        stored_robustness(bundle, "fer2013", "test")
    own = dataclasses.replace(result, weights_sha256=cnn_bundle.spec.sha256["model.tflite"])
    write_robustness(own, path)
    assert stored_robustness(bundle, "fer2013", "test").seed == 3


def cut_short(path):
    path.write_bytes(path.read_bytes()[:500])


def rewritten(change):
    def spoil(path):
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pq.read_table(path)
        changed = pa.Table.from_pandas(change(table.to_pandas()), preserve_index=False)
        pq.write_table(changed.replace_schema_metadata(table.schema.metadata), path)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.unlink(), "no robustness file"),
        (cut_short, "not a readable parquet file"),
        (rewritten(lambda t: t.drop(columns="answer")), "lacks the column answer"),
        (rewritten(lambda t: t.assign(answer=7)), r"column answer has values outside 0\.\.6"),
        (rewritten(lambda t: t.assign(confidence=1.5)), "confidence"),
        (rewritten(lambda t: t.assign(label="happy")), "label|happy"),
        (rewritten(lambda t: t.assign(row=np.arange(len(t)))), "row is not the same under every"),
        (rewritten(lambda t: t.iloc[:-3]), "do not have the same rows"),
        (rewritten(lambda t: t.iloc[: -3 * N]), "turn has the strengths 1, 2, not 1 to 5"),
        (rewritten(lambda t: t.iloc[N:]), "does not begin with the images as they are"),
        (rewritten(lambda t: t.iloc[:0]), "does not begin"),
        (lambda path: pd.read_parquet(path).to_parquet(path), "does not say its source"),
    ],
)
def test_a_bad_file_is_explained_with_the_mend(result, tmp_path, spoil, message):
    path = robustness_path(tmp_path, "fer2013", "test")
    write_robustness(result, path)
    spoil(path)
    with pytest.raises(DataError, match=message) as caught:
        read_robustness(path)
    assert f"python -m training robustness {tmp_path} --data" in str(caught.value)


def test_the_view_shows_every_accuracy_once_and_lines_apart_by_more_than_colour(result):
    other = dataclasses.replace(result, answers=answers_with([18, *[9] * 10]))
    view = robustness_view({"cnn": result, "dual": other})
    assert len(view.figure.data) == 4
    for kind, line in zip(("blur", "turn"), view.figure.data[:2], strict=True):
        table = accuracy_table(result)
        table = table[table["corruption"].isin(["none", kind])]
        np.testing.assert_allclose(line.y, 100 * table["accuracy"])
        assert list(line.x) == [0, 1, 2, 3, 4, 5]
    styles = {
        line.name: (line.line.color, line.line.dash, line.marker.symbol)
        for line in view.figure.data
    }
    for first, second in zip(styles["cnn"], styles["dual"], strict=True):
        assert first != second
    assert [line.name for line in view.figure.data if line.showlegend] == ["cnn", "dual"]
    panels = view.data.groupby(["network", "corruption"])["strength"].apply(list)
    assert all(strengths == [0, 1, 2, 3, 4, 5] for strengths in panels)
    assert f"cnn {mean_relative_drop(result):.1%}" in view.reading
    assert "20" in view.reading
    assert "FER2013 PrivateTest (test)" in view.reading


def test_landmarks_are_counted_for_networks_that_see_them_alone(result):
    all_found = np.ones_like(result.found_face)
    found = all_found.copy()
    found[-1, 0] = False
    faces = {"cnn": all_found, "dual": found}
    results = {name: dataclasses.replace(result, found_face=f) for name, f in faces.items()}
    view = robustness_view(results)
    shares = view.data.groupby("network")["landmarks found (%)"]
    assert shares.count().to_dict() == {"cnn": 0, "dual": 12}
    assert shares.min()["dual"] == pytest.approx(100 * (1 - 1 / len(result)))


def test_the_view_of_clean_faces_says_so_and_counts_them(result):
    view = robustness_view({"cnn": result}, only_clean=True)
    assert set(view.data["faces"]) == {16}
    assert view.data["accuracy (%)"].iloc[0] == 75
    assert "without duplicates" in view.reading


def test_a_view_of_nothing_or_of_different_draws_is_refused(result):
    with pytest.raises(DataError, match="No network was measured"):
        robustness_view({})
    other = dataclasses.replace(result, seed=4)
    with pytest.raises(DataError, match="cannot be compared"):
        robustness_view({"cnn": result, "dual": other})
