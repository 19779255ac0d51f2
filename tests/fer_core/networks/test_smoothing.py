"""Probabilities follow a change with their time constant, each person's and network's by themselves."""

import numpy as np
import pytest

from fer_core.expressions import FER2013, Expression
from fer_core.networks.smoothing import Smoother
from tests.predictions import prediction

SAD = Expression.SAD


def test_smoothing_goes_by_time_and_not_by_frames():
    once, often = Smoother(0.5), Smoother(0.5)
    start, end = {"cnn": prediction(happy=1.0)}, {"cnn": prediction(sad=1.0)}
    for smoother in (once, often):
        smoother.smooth(1, 0.0, start)
    for time_s in (0.1, 0.2, 0.45):
        often.smooth(1, time_s, end)
    a, b = (s.smooth(1, 0.5, end)["cnn"].probabilities for s in (once, often))
    np.testing.assert_allclose(a, b, atol=1e-6)
    assert a[FER2013.index(SAD)] == pytest.approx(1 - np.exp(-1), abs=1e-6)
    assert a.sum() == pytest.approx(1, abs=1e-5)


def test_smoothing_keeps_people_and_networks_apart_and_abstains():
    smoother = Smoother(1.0)
    smoother.smooth(1, 0.0, {"cnn": prediction(happy=0.9), "dual": prediction(sad=0.9)})
    after = smoother.smooth(1, 0.7, {"cnn": prediction(sad=0.9), "dual": prediction(sad=0.9)})
    assert after["cnn"].abstained, "between the two it is not sure"
    assert after["dual"].expression == SAD
    assert not after["dual"].abstained
    other = smoother.smooth(2, 0.7, {"cnn": prediction(sad=0.9)})
    assert other["cnn"].confidence == pytest.approx(0.9)


def test_no_smoothing_leaves_all_as_it_is():
    smoother = Smoother(0)
    smoother.smooth(1, 0.0, {"cnn": prediction(happy=0.9)})
    assert smoother.smooth(1, 0.1, {"cnn": prediction(sad=0.9)})["cnn"].confidence == np.float32(
        0.9
    )
    with pytest.raises(ValueError, match="0 or more"):
        Smoother(-1)


def test_a_late_frame_changes_nothing():
    smoother = Smoother(0.5)
    smoother.smooth(1, 1.0, {"cnn": prediction(happy=0.9)})
    late = smoother.smooth(1, 0.9, {"cnn": prediction(sad=0.9)})["cnn"]
    assert late.confidence == pytest.approx(0.9)
    # Time goes on from the last frame, not from the late one.
    after = smoother.smooth(1, 1.0, {"cnn": prediction(sad=0.9)})["cnn"]
    np.testing.assert_allclose(after.probabilities, late.probabilities, atol=1e-6)


def test_who_is_forgotten_starts_again():
    smoother = Smoother(0.5)
    for person in (1, 2):
        smoother.smooth(person, 0.0, {"cnn": prediction(happy=0.9)})
    smoother.forget(1)
    first, second = (
        smoother.smooth(person, 0.1, {"cnn": prediction(sad=0.9)}) for person in (1, 2)
    )
    assert first["cnn"].expression == SAD
    assert second["cnn"].expression == Expression.HAPPY
