"""The search looks at several scales at once where that changes no result."""

from collections.abc import Iterator

import numpy as np
import pytest

from fer_core.faces import search
from fer_core.faces.detector import Detector
from fer_core.faces.finder import DETECTOR_CONFIDENCE
from fer_core.faces.search import candidates, scales_of


@pytest.fixture(scope="module")
def detector() -> Iterator[Detector]:
    detector = Detector(confidence=DETECTOR_CONFIDENCE, instances=2)
    yield detector
    detector.close()


def pixels_of_calls(monkeypatch: pytest.MonkeyPatch, detector: Detector) -> list[list[int]]:
    """Return a list that gets, for each call, the pixels of the images that are looked at together."""
    calls: list[list[int]] = []
    detect = detector.detect
    monkeypatch.setattr(
        detector,
        "detect",
        lambda images: calls.append([i[..., 0].size for i in images]) or detect(images),
    )
    return calls


def test_scales_of_a_small_photo_are_looked_at_together_with_the_same_result(
    detector: Detector, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
):
    scales = scales_of(astronaut)
    calls = pixels_of_calls(monkeypatch, detector)
    found = candidates(scales, detector)
    (together,) = calls
    assert together == sorted([s.rgb[..., 0].size for s in scales], reverse=True)
    monkeypatch.setattr(search, "_always_needed", lambda scales: [])
    alone = candidates(scales, detector)
    assert len(calls) == 1 + len(scales)
    np.testing.assert_array_equal(found.xyxy, alone.xyxy)
    np.testing.assert_array_equal(found.scores, alone.scores)


def test_a_face_that_fills_a_large_photo_still_spares_the_finest_scales(
    detector: Detector, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
):
    portrait = np.kron(astronaut[20:260, 90:330], np.ones((8, 8, 1), np.uint8))
    scales = scales_of(portrait)
    calls = pixels_of_calls(monkeypatch, detector)
    assert len(candidates(scales, detector).scores)
    looked_at = sum(map(sum, calls))
    assert looked_at < scales[-1].rgb[..., 0].size, "the finest scale was searched"
