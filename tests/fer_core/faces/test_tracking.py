"""People keep their numbers from frame to frame, and who comes back late is somebody new."""

import numpy as np
import pytest

from fer_core.faces.face import Face
from fer_core.faces.tracking import Tracker


def face(left: float, *, top: float = 0, side: float = 100) -> Face:
    return Face(np.array([left, top, left + side, top + side], np.float32), 0.9)


def test_two_people_keep_their_numbers_whatever_the_order_of_the_faces():
    tracker = Tracker()
    assert tracker.follow([face(0), face(300)], 0.0, after_cut=False) == [1, 2]
    assert tracker.follow([face(310), face(10)], 0.1, after_cut=False) == [2, 1]


def test_the_nearest_of_all_assignments_is_taken_not_the_first_greedy_one():
    tracker = Tracker()
    tracker.follow([face(0), face(60)], 0.0, after_cut=False)
    # The first of them lies a little nearer to where the second was.
    assert tracker.follow([face(32), face(92)], 0.1, after_cut=False) == [1, 2]


@pytest.mark.parametrize(("gap_s", "number"), [(0.9, 1), (1.2, 2)])
def test_a_face_out_of_sight_for_less_than_a_second_is_the_same(gap_s, number):
    tracker = Tracker()
    tracker.follow([face(0)], 0.0, after_cut=False)
    tracker.follow([], 0.1, after_cut=False)
    assert tracker.follow([face(5)], gap_s, after_cut=False) == [number]


@pytest.mark.parametrize(("frames_may_last", "number"), [(True, 1), (False, 2)])
def test_in_a_video_a_frame_may_last_longer_than_a_face_may_be_away(frames_may_last, number):
    tracker = Tracker(max_gap_s=1.0, frames_may_last=frames_may_last)
    tracker.follow([face(0)], 0.0, after_cut=False)
    assert tracker.follow([face(5)], 3.0, after_cut=False) == [number]
    tracker.follow([], 3.1, after_cut=False)
    assert tracker.follow([face(5)], 6.0, after_cut=False) == [number + 1]


def test_who_stays_keeps_the_number_when_a_neighbour_leaves_and_another_comes():
    tracker = Tracker()
    tracker.follow([face(0), face(140)], 0.0, after_cut=False)
    # Each could have moved up by one place.
    assert tracker.follow([face(140), face(280)], 1.0, after_cut=False) == [2, 3]


def test_nobody_is_followed_over_a_cut():
    tracker = Tracker()
    tracker.follow([face(0)], 0.0, after_cut=False)
    assert tracker.follow([face(0)], 0.1, after_cut=True) == [2]


@pytest.mark.parametrize("other", [face(120), face(0, side=300)], ids=["far", "large"])
def test_a_face_that_jumps_is_another(other):
    tracker = Tracker()
    tracker.follow([face(0)], 0.0, after_cut=False)
    assert tracker.follow([other], 0.1, after_cut=False) == [2]


def test_a_late_frame_of_a_camera_is_the_same_person():
    tracker = Tracker()
    tracker.follow([face(0)], 5.0, after_cut=False)
    assert tracker.follow([face(10)], 4.9, after_cut=False) == [1]


def test_who_is_out_of_sight_is_followed_for_a_while():
    tracker = Tracker(max_gap_s=1.0)
    tracker.follow([face(0), face(300)], 0.0, after_cut=False)
    tracker.follow([face(300)], 0.9, after_cut=False)
    assert tracker.numbers == {1, 2}
    tracker.follow([face(300)], 1.8, after_cut=False)
    assert tracker.numbers == {2}
