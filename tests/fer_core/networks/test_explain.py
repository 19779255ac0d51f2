"""Explanations are made of the answer itself."""

import numpy as np
import pytest
from PIL import Image

from fer_core.expressions import Expression
from fer_core.faces.crops import FaceInputs
from fer_core.faces.finder import Framing
from fer_core.faces.shape import Movement, Region, read_face_shape
from fer_core.faces.warp import portrait
from fer_core.networks.bundles import DEFAULT_PAIR, resolve
from fer_core.networks.classifier import Classifier
from fer_core.networks.explain import occlusion_map, region_influence, what_if
from fer_core.photos.decode import Photo, decode, from_pillow
from fer_core.settings import face_shape_path


def test_blurring_a_smile_costs_the_most_at_the_mouth_and_moves_with_the_face(
    analyzer, astronaut_png
):
    """A map that was transposed, mirrored or put in the wrong place would not follow."""
    classifier = Classifier(resolve("cnn_photos"))
    face = analyzer.analyze(decode(astronaut_png)).faces[0].inputs.image
    padded = np.pad(face, 7, mode="edge")

    def hottest(dy, dx):
        moved = np.ascontiguousarray(padded[7 - dy :, 7 - dx :][:48, :48])
        lost = occlusion_map(classifier, FaceInputs(moved))
        assert lost.shape == (48, 48)
        return np.array([places[lost == lost.max()].mean() for places in np.mgrid[:48, :48]])

    still = hottest(0, 0)
    np.testing.assert_allclose(still, (37, 24), atol=7)
    np.testing.assert_allclose(hottest(-7, 0) - still, (-7, 0), atol=4)


def test_the_mouth_supports_a_smile_most_and_a_mirrored_face_has_mirrored_maps(analyzer, astronaut):
    classifiers = {name: Classifier(resolve(name)) for name in DEFAULT_PAIR}
    shape = read_face_shape(face_shape_path())
    flipped = np.ascontiguousarray(astronaut[:, ::-1])
    faces = [
        analyzer.analyze(from_pillow(Image.fromarray(rgb))).faces[0].inputs
        for rgb in (astronaut, flipped)
    ]
    for name, classifier in classifiers.items():
        one, two = (occlusion_map(classifier, face) for face in faces)
        assert np.corrcoef(one.ravel(), two[:, ::-1].ravel())[0, 1] > 0.7, name
    one, two = (region_influence(classifiers, face, shape) for face in faces)
    for name in DEFAULT_PAIR:
        assert max(one[name], key=one[name].get) == Region.MOUTH
        for region in Region:
            assert two[name][region] == pytest.approx(one[name][region], abs=0.25)


def test_a_face_that_is_surprised_by_the_sliders_looks_less_happy(
    analyzer, classifier, astronaut, astronaut_png
):
    """The shipped network, which sees pixels alone, sees that they moved."""
    face = analyzer.analyze(decode(astronaut_png)).faces[0].face
    still = portrait(astronaut, face)
    shape = read_face_shape(face_shape_path())
    happy = classifier.bundle.spec.labels.index(Expression.HAPPY)

    def happiness(amounts):
        _, predictions = what_if({"one": classifier}, still, shape, amounts)
        return predictions["one"].probabilities[happy]

    surprised = {Movement.SMILE: -1.0, Movement.JAW_OPEN: 0.8, Movement.BROWS_UP: 1.0}
    assert happiness(surprised) < happiness({}) - 0.05


def test_a_face_crop_that_does_not_move_is_predicted_as_before(
    analyzer, classifier, astronaut, monkeypatch
):
    # As if the detector saw nothing: the image is taken as a crop.
    monkeypatch.setattr(analyzer._finder._detector, "_confidence", 0.9999)
    photo = Photo(np.ascontiguousarray(astronaut[78:168, 180:270]))
    analysis = analyzer.analyze(photo)
    assert analysis.framing is Framing.CROP
    (face,) = analysis.faces
    still = portrait(photo.rgb, face.face, analysis.framing)
    shape = read_face_shape(face_shape_path())
    _, predictions = what_if({"one": classifier}, still, shape, {})
    before = classifier.predict([face.inputs])[0].probabilities
    np.testing.assert_allclose(predictions["one"].probabilities, before, atol=0.01)
