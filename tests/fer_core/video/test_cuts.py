"""Cuts are told from a camera that moves or shakes, also at the start of a scene."""

from collections.abc import Iterable

import numpy as np
from av.video.frame import VideoFrame

from fer_core.video.cuts import CutFinder


def cuts(greys: Iterable[int]) -> list[int]:
    """Return the positions of the cuts in pictures of one grey each."""
    finder = CutFinder()
    frames = (np.full((36, 64), grey, np.uint8) for grey in greys)
    return [
        i for i, f in enumerate(frames) if finder.is_cut(VideoFrame.from_ndarray(f, format="gray"))
    ]


def test_pictures_that_always_differ_somewhat_are_one_scene():
    assert cuts([100, 130] * 10) == []


def test_pictures_of_which_each_is_another_photo_are_cuts():
    assert cuts([0, 60, 120, 180, 240]) == [1, 2, 3, 4]


def test_a_scene_begins_after_a_still_one_and_after_a_shaken_one():
    assert cuts([100] * 10 + [125] * 10) == [10]
    assert cuts([100, 112] * 5 + [160, 172] * 5) == [10]
