"""Calibration: what is subtracted, and from whom."""

import numpy as np
import pytest

from fer_core.expressions import FER2013, Expression
from fer_core.live.resting import RESTING_NEUTRAL, RestingFace
from fer_core.networks.classifier import Prediction

SADDISH = np.array([0.05, 0.05, 0.05, 0.05, 0.45, 0.05, 0.3], np.float32)


def said(probabilities: np.ndarray) -> Prediction:
    return Prediction(FER2013.labels, probabilities, 0.5)


def test_a_resting_face_that_looks_sad_is_neutral_and_a_smile_stays_a_smile():
    resting = RestingFace.of(3, {"cnn": said(SADDISH)})
    at_rest = resting.apply("cnn", said(SADDISH))
    assert at_rest.expression is Expression.NEUTRAL
    assert at_rest.confidence == pytest.approx(RESTING_NEUTRAL)
    assert at_rest.probabilities.dtype == np.float32
    smile = np.full(7, 0.02, np.float32)
    smile[FER2013.index(Expression.HAPPY)] = 0.88
    assert resting.apply("cnn", said(smile)).expression is Expression.HAPPY


def test_what_rises_against_the_resting_face_rises_in_the_answer():
    """As much more sad as before in logits: the odds of sad to neutral grow by just that factor."""
    resting = RestingFace.of(1, {"cnn": said(SADDISH)})
    sad, neutral = FER2013.index(Expression.SAD), FER2013.index(Expression.NEUTRAL)
    sadder = SADDISH.copy()
    sadder[sad] *= 4
    sadder /= sadder.sum()
    before, after = (resting.apply("cnn", said(p)).probabilities for p in (SADDISH, sadder))
    odds = [p[sad] / p[neutral] for p in (before, after)]
    assert odds[1] / odds[0] == pytest.approx(4, rel=1e-3)


def test_networks_without_neutral_and_those_that_were_not_asked_answer_as_they_are():
    labels = (Expression.HAPPY, Expression.SAD)
    answer = Prediction(labels, np.array([0.3, 0.7], np.float32), 0.5)
    assert RestingFace.of(1, {"cnn": answer}).apply("cnn", answer) is answer
    assert RestingFace.of(1, {}).apply("dual", answer) is answer
