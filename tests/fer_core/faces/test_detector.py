"""The detector gives the same boxes for an image, whatever it looked at before."""

import cv2
import numpy as np
import pytest

from fer_core.faces.detector import Detector
from fer_core.photos.resize import resized

#: Two pairs with sizes of one order of magnitude, that share an interpreter, and a small image.
SIDES = (600, 540, 300, 280, 128)


@pytest.fixture
def detector():
    detector = Detector(confidence=0.2, instances=2)
    yield detector
    detector.close()


def test_boxes_do_not_depend_on_the_sizes_before(astronaut, detector):
    images = [resized(astronaut, side, side) for side in SIDES]
    alone = []
    for image in images:
        fresh = Detector(confidence=0.2, instances=1)
        alone += fresh.detect([image])
        fresh.close()
    for order in (images, images[::-1]):
        expected = alone if order is images else alone[::-1]
        for found in (detector.detect(order), [detector.detect([i])[0] for i in order]):
            for one, other in zip(expected, found, strict=True):
                np.testing.assert_array_equal(one.xyxy, other.xyxy)
                np.testing.assert_array_equal(one.scores, other.scores)


def test_the_face_is_where_it_is_at_each_size(astronaut, detector):
    for side in SIDES[2:]:
        (boxes,) = detector.detect([cv2.resize(astronaut, (side, side))])
        best = boxes.xyxy[boxes.scores.argmax()] / side
        np.testing.assert_allclose(best, [0.34, 0.15, 0.54, 0.35], atol=0.04)
