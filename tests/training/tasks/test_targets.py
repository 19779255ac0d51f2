"""Soft targets: the label first, the rest where other annotators looked."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from fer_core.errors import BundleError, UnknownNameError
from fer_core.expressions import FER2013, FIVE
from fer_core.faces.crops import FaceInputs
from fer_core.networks.bundles import SPEC_FILE, resolve
from fer_core.networks.classifier import Classifier
from fer_core.networks.softmax import softmax
from training.errors import TrainingError
from training.schema.recipe import get_recipe
from training.sources import Split, load
from training.tasks.parents import parents_of
from training.tasks.targets import one_hot, soften_by_votes, targets_for
from training.teachers.teacher import BundleTeacher


def test_no_share_is_one_hot(real_splits):
    samples = real_splits[Split.VALID]
    np.testing.assert_array_equal(soften_by_votes(samples, 0.0), one_hot(samples))
    assert one_hot(samples).argmax(axis=1).tolist() == samples.labels.tolist()


def test_softened_targets_keep_their_label_and_sum_to_one(real_splits):
    samples = real_splits[Split.TRAIN]
    targets = soften_by_votes(samples, 0.5)
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-5)
    assert (targets.argmax(axis=1) == samples.labels).all()
    assert targets.dtype == np.float32


def test_a_label_that_nobody_else_gives_weighs_less(real_splits):
    samples = real_splits[Split.TRAIN]
    happy = samples.label_space.labels.index("happy")
    votes_for_happiness = samples.votes[:, 1]
    labelled = samples.labels == happy
    weight = soften_by_votes(samples, 0.5)[:, happy]
    agreed = weight[labelled & (votes_for_happiness == 10)]
    alone = weight[labelled & (votes_for_happiness == 0)]
    assert agreed.min() > 0.9
    assert alone.mean() < 0.65


def test_votes_follow_their_rows(real_splits):
    """After a selection, the targets are those of the selected faces."""
    samples = real_splits[Split.VALID]
    keep = np.arange(len(samples)) % 2 == 0
    assert samples.select(keep).votes.tolist() == samples.votes[keep].tolist()


def test_a_source_without_votes_says_what_to_do(real_splits):
    samples = dataclasses.replace(real_splits[Split.VALID], votes=None)
    with pytest.raises(TrainingError, match="--set vote_smoothing=0"):
        soften_by_votes(samples, 0.3)


def test_a_teachers_predictions_take_their_share(bundle, generated_data, monkeypatch):
    monkeypatch.setenv("FER_DATA", str(generated_data))
    monkeypatch.setenv("FER_MODELS", str(bundle.path.parent))
    rings = BundleTeacher.named("rings")
    samples = load("fer2013", Split.VALID)
    settings = ["vote_smoothing=0", "teacher=rings", "teacher_share=0.25"]
    targets = targets_for(get_recipe("cnn").with_overrides(settings), samples, rings)
    soft = rings.soft_targets(samples)
    faces = [FaceInputs(image) for image in samples.images]
    expected = [p.probabilities for p in Classifier(resolve("rings")).predict(faces)]
    np.testing.assert_allclose(soft, expected, atol=1e-5)
    np.testing.assert_allclose(targets, 0.75 * one_hot(samples) + 0.25 * soft, atol=1e-6)
    assert targets.dtype == np.float32


def test_stored_logits_are_those_of_the_same_images_by_the_same_file(
    bundle, generated_data, tmp_path, monkeypatch
):
    monkeypatch.setenv("FER_DATA", str(generated_data))
    monkeypatch.setenv("FER_MODELS", str(bundle.path.parent))
    rings = BundleTeacher.named("rings")
    monkeypatch.setenv("FER_CACHE", str(tmp_path / "cache"))
    samples = load("fer2013", Split.VALID)
    asked = rings.soft_targets(samples)
    kept = rings.store_logits(samples)
    (bundle.path / "model.tflite").unlink()
    np.testing.assert_array_equal(rings.soft_targets(samples), asked)
    with pytest.raises(BundleError, match=r"model\.tflite"):
        rings.soft_targets(samples.select(np.arange(len(samples)) > 0))
    kept.unlink()
    with pytest.raises(BundleError, match=r"model\.tflite"):
        rings.soft_targets(samples)


def test_a_teacher_of_more_classes_predicts_among_those_that_are_learnt(
    bundle, generated_data, monkeypatch
):
    monkeypatch.setenv("FER_DATA", str(generated_data))
    monkeypatch.setenv("FER_MODELS", str(bundle.path.parent))
    rings = BundleTeacher.named("rings")
    whole = load("fer2013", Split.VALID)
    five = whole.within(FIVE)
    soft = rings.soft_targets(five)
    among_seven = rings.soft_targets(whole.select(np.isin(whole.rows, five.rows)))
    # In the order of the five, where sad stands before happy.
    chosen = among_seven[:, [FER2013.index(label) for label in FIVE.labels]]
    np.testing.assert_allclose(soft, chosen / chosen.sum(axis=1, keepdims=True), rtol=1e-4)


def test_a_teacher_that_lacks_a_class_is_refused(bundle, generated_data, monkeypatch):
    monkeypatch.setenv("FER_DATA", str(generated_data))
    monkeypatch.setenv("FER_MODELS", str(bundle.path.parent))
    rings = BundleTeacher.named("rings")
    samples = load("ferplus", Split.VALID)
    with pytest.raises(TrainingError, match="lacks classes of ferplus: contempt"):
        rings.soft_targets(samples)


def test_a_share_without_a_teacher_is_refused():
    with pytest.raises(UnknownNameError, match="go together"):
        get_recipe("cnn").with_overrides(["teacher=null"])


def test_a_teacher_predicts_as_before_the_correction_of_its_priors(
    bundle, generated_data, monkeypatch
):
    monkeypatch.setenv("FER_DATA", str(generated_data))
    monkeypatch.setenv("FER_MODELS", str(bundle.path.parent))
    rings = BundleTeacher.named("rings")
    samples = load("fer2013", Split.VALID)
    offsets = (0.3, -0.2, 0.0, 0.1, -0.4, 0.1, 0.1)
    spec = rings.bundle.spec.model_copy(update={"prior_offsets": offsets})
    corrected = dataclasses.replace(rings, bundle=dataclasses.replace(rings.bundle, spec=spec))
    logits = np.log(rings.soft_targets(samples)) * spec.temperature + np.float32(offsets)
    np.testing.assert_allclose(
        corrected.soft_targets(samples), softmax(logits, temperature=spec.temperature), atol=1e-5
    )


def test_several_teachers_teach_their_mean_prediction(bundle, generated_data, monkeypatch):
    monkeypatch.setenv("FER_DATA", str(generated_data))
    other = bundle.path.parent / "others"
    shutil.copytree(bundle.path, other)
    spec = json.loads((other / SPEC_FILE).read_text())
    spec |= {"name": "others", "temperature": 3 * spec["temperature"]}
    (other / SPEC_FILE).write_text(json.dumps(spec))
    monkeypatch.setenv("FER_MODELS", str(bundle.path.parent))
    recipe = get_recipe("cnn").with_overrides(["teacher=rings+others", "vote_smoothing=0"])
    teacher = parents_of(recipe).teacher
    assert teacher is not None
    samples = load("fer2013", Split.VALID)
    one, two = (BundleTeacher.named(name).soft_targets(samples) for name in ("rings", "others"))
    assert not np.allclose(one, two)
    np.testing.assert_allclose(teacher.soft_targets(samples), (one + two) / 2, atol=1e-6)
    assert teacher.ancestor.name == "rings+others"
    assert teacher.ancestor.sources == BundleTeacher.named("rings").ancestor.sources
    with pytest.raises(BundleError, match="'rongs'"):
        parents_of(recipe.with_overrides(["teacher=rings+rongs"]))
