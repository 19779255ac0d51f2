"""The learning rate: warm-up, cosine, and restarts at half the peak."""

import numpy as np
import pytest

from training.schema.recipe import get_recipe


@pytest.fixture
def rate():
    from training.loop.schedule import WarmRestarts

    def of(steps, *overrides):
        settings = ["optimizer.peak_learning_rate=0.4", "optimizer.warmup_epochs=1", *overrides]
        schedule = WarmRestarts(get_recipe("cnn").with_overrides(settings), steps_per_epoch=100)
        return np.array([float(schedule(step)) for step in steps])

    return of


def test_one_cycle_rises_and_falls_to_zero(rate):
    got = rate([0, 50, 100, 550, 1000], "epochs=10", "restarts=[]")
    np.testing.assert_allclose(got, [0, 0.2, 0.4, 0.2, 0], atol=1e-6)


def test_a_restart_rises_to_half_the_peak_and_ends_at_zero(rate):
    got = rate([399, 400, 450, 500, 1000], "epochs=10", "restarts=[4]")
    np.testing.assert_allclose(got, [0, 0, 0.1, 0.2, 0], atol=1e-4)


def test_a_run_that_ends_before_the_restart_ends_at_zero(rate):
    got = rate([100, 200], "epochs=2", "restarts=[4]")
    np.testing.assert_allclose(got, [0.4, 0], atol=1e-6)


def test_without_a_warm_up_it_starts_at_the_peak(rate):
    got = rate([1, 1000], "epochs=10", "restarts=[]", "optimizer.warmup_epochs=0")
    np.testing.assert_allclose(got, [0.4, 0], atol=1e-3)
