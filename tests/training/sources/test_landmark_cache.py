"""Landmarks of a data set are found once, belong to their images, and survive a kill."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from fer_core.errors import DataError
from fer_core.faces.crops import crop_inputs, cut, frame_square, resize_crop
from fer_core.faces.finder import CropFinder, FaceFinder
from fer_core.faces.landmarks import FEATURE_SIZE
from fer_core.studies.locks import lock_of
from training.sources import Split, landmark_cache, load
from training.sources.landmark_cache import cache_path, with_landmarks


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_CACHE", str(tmp_path))


@pytest.fixture(scope="module")
def faces(astronaut):
    """The astronaut's face as FER2013 frames it, and itself mirrored; uint8 (2, 48, 48)."""
    (face,) = FaceFinder().find(astronaut)
    crop = cv2.cvtColor(cut(astronaut, frame_square(face.box_xyxy)), cv2.COLOR_RGB2GRAY)
    image = resize_crop(crop)
    return np.stack([image, image[:, ::-1]])


@pytest.fixture
def samples(generated_data, monkeypatch, faces):
    """Nineteen flat images of different greys and, as the third and the last, a face."""
    monkeypatch.setenv("FER_DATA", str(generated_data))
    rings = load("fer2013", Split.VALID)
    rings = rings.select(np.arange(len(rings)) < 21)
    images = np.stack([np.full((48, 48), 10 * i, np.uint8) for i in range(21)])
    images[2], images[20] = faces
    return dataclasses.replace(rings, images=images)


def forbid_finding(monkeypatch):
    def refuse(*_):
        raise AssertionError("landmarks were looked for again")

    monkeypatch.setattr(landmark_cache, "crop_inputs", refuse)


def test_each_image_gets_its_own_landmarks(samples, faces):
    found = with_landmarks(samples).landmarks
    assert found.shape == (21, FEATURE_SIZE)
    assert np.flatnonzero(found.any(axis=1)).tolist() == [2, 20]
    for at, image in zip((2, 20), faces, strict=True):
        expected = crop_inputs(image, CropFinder()).landmarks
        np.testing.assert_allclose(found[at], expected, atol=2e-3)
    assert np.abs(found[2] - found[20]).max() > 0.1


def test_what_is_cached_is_not_looked_for_again_in_any_order(samples, monkeypatch):
    first = with_landmarks(samples)
    forbid_finding(monkeypatch)
    back = np.arange(len(samples))[::-1]
    again = with_landmarks(samples.select(back))
    np.testing.assert_array_equal(again.landmarks, first.landmarks[back])


def test_a_run_that_was_stopped_goes_on_with_what_is_missing(samples, monkeypatch):
    monkeypatch.setattr(landmark_cache, "CHUNK", 5)
    looked_at = []

    def find(image, finder):
        looked_at.append(image.tobytes())
        if len(looked_at) > 12:
            raise KeyboardInterrupt
        return crop_inputs(image, finder)

    with monkeypatch.context() as patch:
        patch.setattr(landmark_cache, "crop_inputs", find)
        with pytest.raises(KeyboardInterrupt):
            with_landmarks(samples)
    kept = len(list(cache_path("fer2013").with_suffix(".parts").glob("*.parquet")))
    assert kept == 2
    monkeypatch.setattr(
        landmark_cache,
        "crop_inputs",
        lambda image, finder: looked_at.append(None) or crop_inputs(image, finder),
    )
    looked_at.clear()
    resumed = with_landmarks(samples)
    assert len(looked_at) == 21 - 10
    assert np.flatnonzero(resumed.landmarks.any(axis=1)).tolist() == [2, 20]
    assert cache_path("fer2013").is_file()
    assert not cache_path("fer2013").with_suffix(".parts").exists()


def test_what_another_process_finds_meanwhile_is_kept(samples, monkeypatch):
    rows = np.arange(len(samples))
    mine, theirs = samples.select(rows < 12), samples.select(rows >= 9)
    original = landmark_cache._compute

    def compute(*arguments):
        monkeypatch.setattr(landmark_cache, "_compute", original)
        with_landmarks(theirs)
        return original(*arguments)

    monkeypatch.setattr(landmark_cache, "_compute", compute)
    with_landmarks(mine)
    forbid_finding(monkeypatch)
    assert with_landmarks(samples).landmarks.shape == (21, FEATURE_SIZE)
    assert len(landmark_cache._read(cache_path("fer2013"))[0]) == 21


def test_a_cache_is_not_read_while_another_process_writes_it(samples):
    with ThreadPoolExecutor(1) as pool:
        with lock_of(cache_path("fer2013")):
            waiting = pool.submit(with_landmarks, samples)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.3)
        assert waiting.result(timeout=60).landmarks.shape == (21, FEATURE_SIZE)


def test_a_write_that_was_killed_does_not_block_the_cache(samples):
    parts = cache_path("fer2013").with_suffix(".parts")
    parts.mkdir(parents=True)
    (parts / ".0123456789abcdef.parquet.77.parquet").write_bytes(b"cut short")
    assert with_landmarks(samples).landmarks.shape == (21, FEATURE_SIZE)
    assert not parts.exists()


def test_a_users_own_folder_leaves_nothing_on_disk(samples, tmp_path):
    own = dataclasses.replace(samples, source="folder")
    assert with_landmarks(own).landmarks.any(axis=1).sum() == 2
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_damaged_cache_is_named(samples):
    path = cache_path("fer2013")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"cut short")
    with pytest.raises(DataError, match=r"not a readable cache of landmarks.*Remove it"):
        with_landmarks(samples)
