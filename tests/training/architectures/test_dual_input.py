"""Networks that see landmarks: trained by the same `fit`, served by the same files."""

import json

import cv2
import keras
import numpy as np
import pytest

from fer_core.expressions import FIVE
from fer_core.faces.crops import FaceInputs, face_inputs
from fer_core.faces.finder import FaceFinder
from fer_core.faces.landmarks import (
    FEATURE_SIZE,
    FEATURE_VERSION,
    IN_CROP,
    mirror_order,
)
from fer_core.faces.shape import Movement, Region, estimate
from fer_core.faces.warp import portrait
from fer_core.networks.bundles import KERAS_FILE, open_bundle
from fer_core.networks.classifier import Classifier
from fer_core.networks.explain import region_influence, what_if
from training.architectures.alignment import alignment_kernel, average_face, sample
from training.architectures.cnn import Cnn
from training.architectures.dual_input import DualInput
from training.architectures.landmark_mlp import LandmarkMlp
from training.architectures.principal_components import LEAST_VARIANCE, principal_components
from training.bundle.make import make_bundle
from training.errors import TrainingError
from training.loop.fit import fit
from training.measure.evaluate import evaluate
from training.schema.recipe import get_recipe
from training.sources import Split, load
from training.tasks.expressions import expression_task
from training.tasks.parents import parents_of

# Each network predicts a few faces once: a graph would take longer.
pytestmark = pytest.mark.usefixtures("without_graphs")

SMALL_TRUNK = Cnn(widths=(4, 8), depths=(1, 2))
SMALL_MLP = LandmarkMlp(units=(8,))


@pytest.fixture(scope="module")
def faces():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 48, 48, 1)).astype(np.float32)
    return images, rng.normal(size=(6, FEATURE_SIZE)).astype(np.float32)


@pytest.mark.parametrize("fusion", ["aligned", "late", "concatenation", "gate"])
def test_without_landmarks_the_answer_is_the_trunks(fusion, faces):
    images, vectors = faces
    network = DualInput(trunk=SMALL_TRUNK, landmarks=SMALL_MLP, fusion=fusion).build(7)
    trunk = SMALL_TRUNK.build(7)
    trunk.set_weights(network.get_layer("trunk").get_weights())
    alone = trunk.predict_on_batch(images)
    withheld = network.predict_on_batch([images, np.zeros_like(vectors)])
    np.testing.assert_allclose(withheld, alone, atol=1e-5)
    both = network.predict_on_batch([images, vectors])
    assert np.abs(both - alone).max() > 1e-3
    # A face without landmarks beside one with them gets what it gets alone.
    vectors = vectors.copy()
    vectors[::2] = 0
    mixed = network.predict_on_batch([images, vectors])
    np.testing.assert_allclose(mixed[::2], alone[::2], atol=1e-5)
    np.testing.assert_allclose(mixed[1::2], both[1::2], atol=1e-5)


@pytest.fixture(scope="module")
def face_vectors():
    """The vectors of the average face, and of the same face moved, turned and scaled in its crop."""
    vectors = np.zeros((2, FEATURE_SIZE), np.float32)
    rng = np.random.default_rng(1)
    points = rng.uniform(-0.3, 0.3, (478, 2))
    turn = 1.2 * np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    moved = points @ turn.T + [0.05, -0.1]
    vectors[:, IN_CROP] = points.ravel(), moved.ravel()
    return points, turn, vectors


def test_the_alignment_finds_the_similarity_that_moved_a_face(face_vectors):
    points, turn, vectors = face_vectors
    fitted = vectors @ alignment_kernel(points)
    np.testing.assert_allclose(fitted[0], [1, 0, 0, 0, 1, 0], atol=1e-4)
    np.testing.assert_allclose(fitted[1].reshape(2, 3), np.c_[turn, [0.05, -0.1]], atol=1e-4)


def test_a_moved_face_is_sampled_back_to_where_it_was(face_vectors, astronaut):
    points, turn, vectors = face_vectors
    grey = cv2.resize(cv2.cvtColor(astronaut[:200, 150:300], cv2.COLOR_RGB2GRAY), (48, 48))
    grey = cv2.GaussianBlur(grey, (0, 0), 1.5).astype(np.float32)
    # What OpenCV calls the forward map, from the still image's pixels to the moved one's.
    forward = np.c_[turn, 23.5 - turn @ [23.5, 23.5] + 48 * np.array([0.05, -0.1])]
    moved = cv2.warpAffine(grey, forward, (48, 48), borderMode=cv2.BORDER_REPLICATE)
    images = np.stack([grey, moved])[..., None]
    aligned = np.asarray(sample(images, vectors @ alignment_kernel(points)))[..., 0]
    np.testing.assert_allclose(aligned[0], grey, atol=0.1)
    middle = slice(14, 34)
    assert np.abs(aligned[1] - grey)[middle, middle].mean() < 2
    assert np.abs(moved - grey)[middle, middle].mean() > 10


def test_the_average_face_is_the_same_in_the_mirror():
    vectors = np.random.default_rng(0).normal(size=(5, FEATURE_SIZE)).astype(np.float16)
    vectors[2] = 0
    face = average_face(vectors)
    np.testing.assert_allclose(average_face(vectors[[0, 1, 3, 4]]), face)
    vector = np.zeros((1, FEATURE_SIZE), np.float32)
    vector[:, IN_CROP] = face.ravel()
    order, signs = mirror_order()
    np.testing.assert_allclose(
        (vector[:, order] * signs)[:, IN_CROP], vector[:, IN_CROP], atol=1e-6
    )


def test_in_training_the_expert_answers_alone(faces):
    images, vectors = faces

    def answers(change_trunk, training):
        keras.utils.set_random_seed(0)
        network = DualInput(trunk=SMALL_TRUNK, landmarks=SMALL_MLP).build(7)
        trunk = network.get_layer("trunk")
        if change_trunk:
            trunk.set_weights([1.5 * w for w in trunk.get_weights()])
        return np.asarray(network([images, vectors], training=training))

    np.testing.assert_allclose(answers(True, True), answers(False, True), atol=1e-6)
    assert np.abs(answers(True, False) - answers(False, False)).max() > 1e-3


def test_the_trunk_is_not_trained():
    network = DualInput(trunk=SMALL_TRUNK, landmarks=SMALL_MLP).build(7)
    trunk = {id(w) for w in network.get_layer("trunk").weights}
    assert not trunk & {id(w) for w in network.trainable_weights}
    assert network.trainable_weights


def test_faces_without_landmarks_are_all_alike_to_the_mlp(faces):
    _, vectors = faces
    network = SMALL_MLP.build(7)
    out = network.predict_on_batch(np.zeros_like(vectors))
    assert np.ptp(out, axis=0).max() == 0
    assert np.ptp(network.predict_on_batch(vectors), axis=0).min() > 0


def test_components_of_found_faces_are_apart_and_as_large_as_asked():
    rng = np.random.default_rng(0)
    ways = rng.normal(size=(6, 60)) * [[8], [4], [2], [1], [0.5], [0.25]]
    vectors = (rng.normal(size=(400, 6)) @ ways + 3).astype(np.float32)
    withheld = np.zeros((50, 60), np.float32)
    spreads = {}
    for whitening in (0.0, 0.3, 0.5):
        mean, variance, kernel = principal_components(
            np.concatenate([vectors, withheld]), 4, whitening=whitening
        )
        found = (vectors - mean) / np.sqrt(variance + LEAST_VARIANCE) @ kernel
        np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-3)
        covariance = np.cov(found.T)
        assert covariance.trace() == pytest.approx(4, rel=0.01)
        np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=0.01)
        spreads[whitening] = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(spreads[0.5], 1, rtol=0.01)
    plain = spreads[0.0] / spreads[0.0][0]
    assert plain[3] < 0.5
    np.testing.assert_allclose(spreads[0.3] / spreads[0.3][0], plain**0.4, rtol=0.01)


def tiny(name, *settings):
    return get_recipe(name).with_overrides(
        [
            "epochs=2",
            "restarts=[]",
            "batch_size=64",
            "ema_momentum=0.8",
            "optimizer.warmup_epochs=0.5",
            *settings,
        ]
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Where the landmarks of the generated faces are looked for once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def _generated(generated_data, finished_bundle, cache, monkeypatch):
    monkeypatch.setenv("FER_DATA", str(generated_data))
    monkeypatch.setenv("FER_MODELS", str(finished_bundle.path.parent))
    monkeypatch.setenv("FER_CACHE", str(cache))


@pytest.mark.usefixtures("_generated")
@pytest.mark.slow
@pytest.mark.release
def test_a_dual_bundle_from_a_trunk_to_its_predictions(finished_bundle, tmp_path, astronaut):
    rng = np.random.default_rng(0)
    recipe = tiny(
        "dual",
        "teacher=rings",
        "architecture.trunk_bundle=rings",
        "architecture.trunk.widths=[4,8]",
        "architecture.trunk.depths=[1,2]",
        "architecture.trunk.dropout=0.1",
        "architecture.landmarks.units=[8]",
        "architecture.landmarks.components=4",
    )
    result = fit(recipe, tmp_path / "dual")
    trunk = keras.models.load_model(finished_bundle.path / KERAS_FILE, compile=False)
    for kept, given in zip(
        result.network.get_layer("trunk").get_weights(), trunk.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(kept, given)
    bundle = make_bundle(result, recipe, tmp_path / "dual")
    assert bundle.spec.landmark_features == FEATURE_VERSION
    assert bundle.spec.architecture == "dual_input"
    test = load("fer2013", Split.TEST)
    report = evaluate(bundle, test)
    assert report["n"] == 42
    assert report["landmarks"]["n_found"] + report["landmarks"]["n_not_found"] == 42
    # Without landmarks it is its trunk.
    logits, _ = Classifier(finished_bundle).logits(test.images)
    by_trunk = (logits.argmax(axis=1) == test.labels).mean()
    assert report["landmarks"]["accuracy_withheld"] == pytest.approx(by_trunk, abs=1e-6)
    assert "withheld everywhere" in (bundle.path / "README.md").read_text()
    classifier = Classifier(bundle)
    (face,) = FaceFinder().find(astronaut)
    seen = face_inputs(astronaut, face)
    (answer,) = classifier.predict([seen])
    shape = estimate(
        seen.landmarks + rng.normal(0, 0.1, (100, FEATURE_SIZE)),
        np.repeat(seen.image[None], 100, 0),
    )
    influence = region_influence({"dual": classifier}, seen, shape)["dual"]
    assert set(influence) == set(Region)
    assert max(map(abs, influence.values())) > 1e-4
    still = portrait(astronaut, face)
    _, unchanged = what_if({"dual": classifier}, still, shape, {})
    np.testing.assert_allclose(unchanged["dual"].probabilities, answer.probabilities, atol=1e-3)
    moved, other = what_if({"dual": classifier}, still, shape, {Movement.JAW_OPEN: 0.8})
    assert np.abs(moved.mesh.landmarks - still.mesh.landmarks).max() > 1
    assert np.abs(other["dual"].probabilities - answer.probabilities).max() > 1e-5
    # Without landmarks it serves what the trunk serves.
    image = test.images[0]
    (by_dual,) = Classifier(open_bundle(bundle.path)).logits(image[None])[:1]
    (by_trunk,) = Classifier(finished_bundle).logits(image[None])[:1]
    np.testing.assert_allclose(by_dual, by_trunk, atol=1e-4)


@pytest.mark.usefixtures("_generated")
def test_a_trunk_that_does_not_fit_is_named(tmp_path):
    rings = ["teacher=rings", "architecture.trunk_bundle=rings"]
    other = ["architecture.trunk.widths=[8]", "architecture.trunk.depths=[1]"]
    recipe = tiny("dual", *rings, *other, "architecture.landmarks.units=[8]")
    with pytest.raises(TrainingError, match="do not fit the recipe's trunk"):
        fit(recipe, tmp_path / "dual")


def on_rings(bundle, label_space):
    """A small dual's recipe for other classes than those of the bundle `rings`, its trunk."""
    architecture = bundle.spec.recipe["architecture"]
    trunk = [f"architecture.trunk.{key}={json.dumps(value)}" for key, value in architecture.items()]
    source = "fer2013" if label_space == "five" else "ferplus"
    data = [f"data.source={source}", f"data.label_space={label_space}", "teacher=rings"]
    small = ["architecture.trunk_bundle=rings", "architecture.landmarks.units=[8]"]
    return tiny("dual", *data, *trunk, *small)


@pytest.mark.usefixtures("_generated")
def test_a_trunk_that_lacks_a_class_is_refused(finished_bundle, tmp_path):
    with pytest.raises(TrainingError, match="contempt is to be learnt as well"):
        fit(on_rings(finished_bundle, "ferplus"), tmp_path / "dual")


@pytest.mark.usefixtures("_generated")
def test_a_trunk_of_more_classes_answers_for_those_that_are_learnt(finished_bundle):
    recipe = on_rings(finished_bundle, "five")
    network = expression_task(recipe, parents_of(recipe)).network
    *layers, kernel, bias = network.get_layer("trunk").get_weights()
    trunk = keras.models.load_model(finished_bundle.path / KERAS_FILE, compile=False)
    *given, given_kernel, given_bias = trunk.get_weights()
    columns = [finished_bundle.spec.labels.index(label) for label in FIVE.labels]
    np.testing.assert_array_equal(kernel, given_kernel[..., columns])
    np.testing.assert_array_equal(bias, given_bias[columns])
    for ours, theirs in zip(layers, given, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.usefixtures("_generated")
@pytest.mark.slow
def test_a_bundle_of_landmarks_alone(tmp_path):
    small = ["architecture.units=[8]", "teacher=rings"]
    with pytest.raises(TrainingError, match="300 components"):
        fit(tiny("landmarks_only", *small), tmp_path / "too many")
    recipe = tiny("landmarks_only", *small, "architecture.components=4")
    bundle = make_bundle(fit(recipe, tmp_path / "alone"), recipe, tmp_path / "alone")
    classifier = Classifier(bundle)
    image = np.zeros((48, 48), np.uint8)
    vector = np.random.default_rng(0).normal(size=FEATURE_SIZE).astype(np.float32)
    seen, blind = classifier.predict([FaceInputs(image, vector), FaceInputs(image)])
    assert classifier.logits(image[None], vector[None])[1] is None
    assert np.abs(seen.probabilities - blind.probabilities).max() > 1e-4
    assert blind.probabilities.sum() == pytest.approx(1, abs=1e-5)
