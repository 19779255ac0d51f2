"""The shipped network answers the same alone, in batches and from many threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fer_core.errors import BundleError
from fer_core.expressions import FER2013
from fer_core.faces.crops import FaceInputs
from fer_core.networks.bundles import Bundle
from fer_core.networks.classifier import MAX_BATCH, Classifier


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (MAX_BATCH + 5, 48, 48), dtype=np.uint8)


def test_a_batch_gives_each_face_the_answer_it_gets_alone(classifier, images):
    """More faces than one call of the interpreter takes, and a last batch of another size."""
    logits, maps = classifier.logits(images)
    assert logits.shape == (len(images), 7)
    for i in (0, 1, MAX_BATCH - 1, MAX_BATCH, len(images) - 1):
        alone, alone_maps = classifier.logits(images[i : i + 1])
        np.testing.assert_allclose(alone[0], logits[i], atol=1e-4)
        np.testing.assert_allclose(alone_maps[0], maps[i], atol=1e-4)


def test_a_batch_that_finds_no_memory_spoils_none_after_it(cnn_bundle, images, monkeypatch):
    classifier = Classifier(cnn_bundle)
    expected, _ = classifier.logits(images[:1])
    interpreter = classifier._model._interpreter
    with monkeypatch.context() as patch:
        # LiteRT's word for it; the tensors have taken their new shapes by then.
        patch.setattr(interpreter, "allocate_tensors", raise_no_memory)
        with pytest.raises(RuntimeError):
            classifier.logits(images[:3])
    np.testing.assert_allclose(classifier.logits(images[:1])[0], expected, atol=1e-6)


def raise_no_memory() -> None:
    raise RuntimeError("failed to allocate memory")


def test_probabilities_are_fractions_in_label_order(classifier, images):
    for prediction in classifier.predict([FaceInputs(image) for image in images[:5]]):
        assert prediction.labels == FER2013.labels
        assert prediction.probabilities.dtype == np.float32
        assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert prediction.probabilities.min() >= 0
        assert prediction.abstained == (prediction.confidence < prediction.abstention_threshold)


def test_activation_maps_average_to_the_logits(classifier, images):
    """What a page shows as the reason for an answer is exactly what the answer was made of."""
    logits, maps = classifier.logits(images[:4])
    np.testing.assert_allclose(maps.mean(axis=(1, 2)), logits, atol=1e-3)


def test_temperature_moves_the_confidence_and_never_the_answer(classifier, images):
    logits, _ = classifier.logits(images[:8])
    predictions = classifier.predict([FaceInputs(image) for image in images[:8]])
    for row, prediction in zip(logits, predictions, strict=True):
        scaled = np.exp(row / classifier.bundle.spec.temperature)
        np.testing.assert_allclose(prediction.probabilities, scaled / scaled.sum(), atol=1e-5)


def test_many_threads_get_the_answers_of_one(classifier, images):
    """A LiteRT interpreter called from several threads at once fails, or answers wrongly."""
    alone = [classifier.logits(images[i : i + 1 + i % 3])[0] for i in range(16)]
    jobs = list(range(16)) * 8
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda i: classifier.logits(images[i : i + 1 + i % 3])[0], jobs))
    for i, logits in zip(jobs, together, strict=True):
        np.testing.assert_allclose(logits, alone[i], atol=1e-5)


def test_a_bundle_of_other_landmark_features_is_refused(cnn_bundle):
    spec = cnn_bundle.spec.model_copy(update={"landmark_features": "0"})
    with pytest.raises(BundleError, match="version 0 of their features"):
        Classifier(Bundle(cnn_bundle.path, spec))


def test_no_faces_no_predictions(classifier):
    assert classifier.predict([]) == []


@pytest.mark.parametrize(
    "bad", [np.zeros((1, 47, 48), np.uint8), np.zeros((1, 48, 48), np.float32)]
)
def test_images_of_another_shape_or_type_are_refused(classifier, bad):
    with pytest.raises(ValueError, match="uint8"):
        classifier.logits(bad)
