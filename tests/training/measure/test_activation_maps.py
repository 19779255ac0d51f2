"""A class activation map lies where the class's evidence is, and moves with the face."""

import numpy as np
import pytest

from fer_core.expressions import FER2013
from fer_core.faces.crops import face_inputs
from fer_core.faces.finder import FaceFinder
from fer_core.networks.bundles import resolve
from fer_core.networks.classifier import Classifier
from training.measure.activation_maps import activation_heatmap

HAPPY, SAD = FER2013.index("happy"), FER2013.index("sad")


def test_the_heatmap_is_hot_where_the_classs_map_stands_out():
    maps = np.zeros((5, 5, 7), np.float32)
    maps[1, 3, HAPPY] = 2.0
    # What all classes have in common is no evidence for any.
    maps[4, 0] += 9.0
    heatmap = activation_heatmap(maps, HAPPY, view_pixels=42)
    assert heatmap.shape == (48, 48)
    assert heatmap.min() == 0
    assert heatmap.max() == pytest.approx(1)
    y, x = np.unravel_index(heatmap.argmax(), heatmap.shape)
    # Cell (1, 3) of five; pooling made each of 8 pixels, from the third on.
    assert (x, y) == pytest.approx((3 + 3.5 * 8 - 0.5, 3 + 1.5 * 8 - 0.5), abs=1)
    assert not heatmap[:3].any()
    assert not heatmap[:, 43:].any()
    assert not activation_heatmap(maps, SAD, view_pixels=42).any()


def test_evidence_against_a_class_gives_a_cold_map():
    maps = np.zeros((5, 5, 7), np.float32)
    maps[..., SAD] = -1.0
    assert not activation_heatmap(maps, SAD, view_pixels=48).any()


def test_a_real_faces_heatmap_moves_with_the_face(astronaut):
    """A map that was transposed, mirrored or put in the wrong place would not follow."""
    classifier, finder = Classifier(resolve("cnn")), FaceFinder()
    (found,) = finder.find(astronaut)
    finder.close()
    face = face_inputs(astronaut, found).image
    shift = 6
    padded = np.pad(face, shift, mode="edge")
    view = classifier.bundle.spec.view_pixels

    def centre(dy, dx):
        moved = padded[shift - dy :, shift - dx :][: face.shape[0], : face.shape[1]]
        _, maps = classifier.logits(np.ascontiguousarray(moved)[None])
        heatmap = activation_heatmap(maps[0], HAPPY, view_pixels=view)
        return np.array([(heatmap * places).sum() / heatmap.sum() for places in np.mgrid[:48, :48]])

    still = centre(0, 0)
    assert np.abs(still - 24).max() < 8, "the crop is about the face"
    for step in [(shift, 0), (-shift, 0), (0, shift), (0, -shift)]:
        # Some of it leaves the part of the image that the network looks at.
        np.testing.assert_allclose(centre(*step) - still, step, atol=shift / 3)
