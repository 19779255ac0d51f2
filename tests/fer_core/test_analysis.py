"""From a photo to what is known of its faces, and to an error in words."""

import cv2
import numpy as np
import pytest

from fer_core.analysis import Analyzer
from fer_core.errors import AnalysisError
from fer_core.photos.decode import Photo, decode


def test_the_smiling_astronaut_is_happy(analyzer, astronaut_png):
    (face,) = analyzer.analyze(decode(astronaut_png)).faces
    prediction = face.predictions["cnn"]
    assert prediction.expression == "happy"
    assert prediction.confidence > 0.6
    assert not prediction.abstained


def no_memory_in_opencv() -> Exception:
    error = cv2.error("(-4:Insufficient memory) Failed to allocate 99 bytes")
    error.code = cv2.Error.StsNoMem
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError, "not enough memory"),
        (no_memory_in_opencv, "not enough memory"),
        (lambda: cv2.error("(-215:Assertion failed)"), "failed"),
        (lambda: RuntimeError("INTERNAL: a calculator failed"), "failed"),
    ],
)
def test_what_libraries_raise_on_a_photo_becomes_an_error_in_words(analyzer, error, said):
    class Failing:
        def find_upright(self, rgb):
            raise error()

    with pytest.raises(AnalysisError, match=said):
        Analyzer(Failing(), analyzer.classifiers).analyze(Photo(np.zeros((64, 64, 3), np.uint8)))
