"""The command measures what it says, on the same faces for all, and goes on after a stop."""

import contextlib
import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from fer_core.evaluation.predictions import read_predictions
from fer_core.evaluation.robustness import UNCORRUPTED, accuracies, read_robustness, robustness_path
from fer_core.networks.bundles import Bundle, open_bundle
from training.__main__ import app
from training.measure import robustness
from training.measure.corruptions import CORRUPTIONS
from training.measure.evaluate import evaluate
from training.measure.robustness import conditions, corrupt, draw, measure_robustness


def content(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_smaller_draw_is_part_of_a_larger_one_and_in_order(samples):
    few, more = (draw(samples, n, seed=0).rows for n in (10, 30))
    assert set(few) < set(more)
    assert (np.diff(more) > 0).all()
    assert len(draw(samples, 1000, seed=0)) == len(samples)
    assert set(draw(samples, 10, seed=1).rows) != set(few)


def test_a_condition_does_not_depend_on_what_was_done_before(samples):
    by_name = {(c.corruption, c.strength): c for c in conditions()}
    noise = by_name["noise", 3]
    first = corrupt(samples.images, noise, 0)
    corrupt(samples.images, by_name["blur", 1], 0)
    np.testing.assert_array_equal(corrupt(samples.images, noise, 0), first)
    assert corrupt(samples.images, UNCORRUPTED, 0) is samples.images
    assert len(by_name) == 1 + 5 * len(CORRUPTIONS)


def test_the_images_as_they_are_get_the_answers_of_evaluate(bundle, samples):
    evaluate(bundle, samples)
    expected = read_predictions(bundle.path / "predictions" / "fer2013-test.parquet")
    spec = (bundle.path / "spec.json").read_bytes()
    report = measure_robustness(bundle, samples)
    result = read_robustness(robustness_path(bundle.path, "fer2013", "test"))
    np.testing.assert_array_equal(result.rows, expected.rows)
    np.testing.assert_array_equal(result.labels, expected.labels)
    np.testing.assert_array_equal(result.clean, expected.clean)
    np.testing.assert_array_equal(result.answers[0], expected.probabilities.argmax(axis=1))
    np.testing.assert_allclose(result.confidences[0], expected.probabilities.max(axis=1), atol=5e-4)
    assert report["accuracy"] == pytest.approx(accuracies(result)[0])
    assert (report["n"], report["n_clean"]) == (42, 36)
    # Rings under heavy noise and blur are no longer told apart.
    assert report["accuracy_by_corruption"]["blur"][4] < report["accuracy"]
    assert (bundle.path / "spec.json").read_bytes() == spec
    assert {p.name for p in (bundle.path / "predictions").glob("*.parquet")} == {
        "fer2013-test.parquet"
    }


def test_a_try_with_other_faces_leaves_the_bundle_alone(bundle, samples, caplog):
    caplog.set_level("INFO")
    before = content(bundle.path)
    for given in ({"rows": 12}, {"seed": 1}):
        caplog.clear()
        assert measure_robustness(bundle, samples, **given)["n"] == given.get("rows", 42)
        assert "bundles keep those for 1000 rows and seed 0" in caplog.text
    assert content(bundle.path) == before


def test_a_run_that_was_stopped_goes_on_and_ends_with_the_same_file(bundle, samples, monkeypatch):
    few = draw(samples, 12, seed=0)
    measure_robustness(bundle, few)
    path = robustness_path(bundle.path, "fer2013", "test")
    whole = path.read_bytes()
    path.unlink()
    done = []

    def counted(images, condition, seed):
        done.append(condition)
        if len(done) == 5:
            raise KeyboardInterrupt
        return corrupt(images, condition, seed)

    monkeypatch.setattr(robustness, "corrupt", counted)
    with pytest.raises(KeyboardInterrupt):
        measure_robustness(bundle, few)
    assert not path.exists()
    done[:] = [None] * 5
    measure_robustness(bundle, few)
    assert done[5:] == list(conditions()[4:])
    assert path.read_bytes() == whole
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_run_on_other_faces_does_not_go_on_with_the_first(bundle, samples, monkeypatch):
    few, others = (draw(samples, 12, seed) for seed in (0, 1))

    def stopped(images, condition, seed):
        if condition.strength == 3:
            raise KeyboardInterrupt
        return corrupt(images, condition, seed)

    with monkeypatch.context() as patch:
        patch.setattr(robustness, "corrupt", stopped)
        with pytest.raises(KeyboardInterrupt):
            measure_robustness(bundle, few)
    measure_robustness(bundle, others)
    result = read_robustness(robustness_path(bundle.path, "fer2013", "test"))
    assert result.conditions == conditions()
    np.testing.assert_array_equal(result.rows, others.rows)


def test_landmarks_are_found_in_each_corrupted_image(samples, bundle, monkeypatch):
    asked = []

    class Sighted:
        def __init__(self, of):
            self.bundle = of

        def probabilities(self, images, landmarks):
            asked.append((images, landmarks))
            return np.full((len(images), 7), 1 / 7, np.float32)

    # In the place of landmarks, what they were looked for in; in dark images none are found.
    @contextlib.contextmanager
    def finding():
        yield lambda images: images.reshape(len(images), -1) * (images.mean() > 20)

    monkeypatch.setattr(robustness, "Classifier", Sighted)
    monkeypatch.setattr(robustness, "finding_landmarks", finding)
    spec = bundle.spec.model_copy(update={"landmark_features": "1"})
    measure_robustness(Bundle(bundle.path, spec), draw(samples, 2, seed=0))
    result = read_robustness(robustness_path(bundle.path, "fer2013", "test"))
    assert len(asked) == len(conditions())
    for (images, landmarks), found in zip(asked, result.found_face, strict=True):
        is_dark = images.mean() <= 20
        np.testing.assert_array_equal(landmarks, 0 if is_dark else images.reshape(2, -1))
        assert found.tolist() == [not is_dark] * 2
    assert 0 < result.found_face.mean() < 1


def test_the_command_on_a_folder_prints_json_and_leaves_the_bundle_alone(bundle, rings, tmp_path):
    images, _ = rings(1, 7)
    for name, image in zip(("happy", "sad", "contempt"), images, strict=False):
        (tmp_path / "faces" / name).mkdir(parents=True)
        Image.fromarray(image).resize((100, 100)).save(tmp_path / "faces" / name / "a.png")
    before = content(bundle.path)
    arguments = ["robustness", str(bundle.path), "--data", f"folder:{tmp_path / 'faces'}"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout.splitlines()[-1])
    assert report["n"] == 2
    assert set(report["accuracy_by_corruption"]) == {kind.name for kind in CORRUPTIONS}
    assert all(len(values) == 5 for values in report["accuracy_by_corruption"].values())
    assert "n_clean" not in report
    assert "NaN" not in result.stdout
    assert content(bundle.path) == before
    assert open_bundle(bundle.path).spec == bundle.spec
