"""From a photo to what is known of its faces, and to an error in words."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from fer_core.analysis import Analyzer
from fer_core.errors import AnalysisError
from fer_core.faces.crops import cut, resize_crop
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

        def find_again(self, rgb, before):
            raise error()

    failing, photo = (
        Analyzer(Failing(), analyzer.classifiers),
        Photo(np.zeros((64, 64, 3), np.uint8)),
    )
    with pytest.raises(AnalysisError, match=said):
        failing.analyze(photo)
    with pytest.raises(AnalysisError, match=said):
        failing.analyze_again(photo, [])


def lying(image: np.ndarray, quarter_turns: int, exif_orientation: int | None = None) -> bytes:
    """Return a PNG whose photo has to be turned so far counter-clockwise, after what EXIF says."""
    buffer, exif = io.BytesIO(), Image.Exif()
    if exif_orientation:
        exif[0x0112] = exif_orientation
    Image.fromarray(np.rot90(image, -quarter_turns)).save(buffer, "PNG", exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_a_photo_that_lies_has_the_answers_of_the_upright_one(analyzer, astronaut, quarter_turns):
    (upright,) = analyzer.analyze(Photo(astronaut)).faces
    photo = decode(lying(astronaut, quarter_turns))
    analysis = analyzer.analyze(photo)
    assert analysis.quarter_turns == quarter_turns
    assert (analysis.width, analysis.height) == (512, 512)
    (face,) = analysis.faces
    np.testing.assert_allclose(face.face.box_xyxy, upright.face.box_xyxy, atol=3)
    np.testing.assert_allclose(
        face.predictions["cnn"].probabilities, upright.predictions["cnn"].probabilities, atol=0.05
    )
    np.testing.assert_array_equal(analysis.shown(photo).rgb, astronaut)
    # Where the face lies in the file: the middle of its box, in pixels of the astronaut turned back.
    left, top, right, bottom = face.stored_box_xyxy
    stored = decode(lying(astronaut, quarter_turns)).rgb[
        int(top) : int(bottom), int(left) : int(right)
    ]
    np.testing.assert_allclose(
        np.rot90(stored, quarter_turns).mean(axis=(0, 1)),
        cut(astronaut, face.face.box_xyxy).mean(axis=(0, 1)),
        atol=2,
    )


def test_exif_that_is_wrong_is_mended_and_the_box_told_in_the_files_own_rows(analyzer, astronaut):
    """EXIF turns by a quarter what was upright."""
    analysis = analyzer.analyze(decode(lying(astronaut, 0, exif_orientation=6)))
    assert analysis.quarter_turns == 1
    (face,) = analysis.faces
    np.testing.assert_array_equal(face.stored_box_xyxy, face.face.box_xyxy)


def test_nothing_sure_is_said_of_a_face_whose_upright_is_not_known(analyzer, astronaut):
    """A video's frame is not turned."""
    about = cv2.getRotationMatrix2D((225.0, 120.0), 220, 1)
    photo = Photo(cv2.warpAffine(astronaut, about, (512, 512)))
    (face,) = analyzer.analyze(photo, may_turn=False).faces
    assert face.predictions["cnn"].abstained
    assert "upright" in [note.code for note in face.quality]


def test_a_face_crop_is_seen_whole(analyzer, astronaut, monkeypatch):
    # As if the detector saw nothing, as in each tenth of FER2013's images.
    monkeypatch.setattr(analyzer._finder._detector, "_confidence", 0.9999)
    tight = np.ascontiguousarray(astronaut[78:168, 180:270])
    analysis = analyzer.analyze(Photo(tight))
    assert analysis.framing == "crop"
    (face,) = analysis.faces
    np.testing.assert_array_equal(face.square_xyxy, [0, 0, 90, 90])
    np.testing.assert_array_equal(
        face.inputs.image, resize_crop(cv2.cvtColor(tight, cv2.COLOR_RGB2GRAY))
    )
