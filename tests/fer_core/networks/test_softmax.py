"""The softmax agrees with an independent one, survives large logits, and loads little."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.special

from fer_core.networks.softmax import softmax


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_softmax_agrees_with_scipy(temperature):
    logits = np.random.default_rng(0).normal(0, 5, (50, 7))
    found = softmax(logits, temperature=temperature)
    assert found.dtype == np.float32
    np.testing.assert_allclose(
        found, scipy.special.softmax(logits / temperature, axis=1), atol=1e-7
    )


def test_softmax_survives_large_logits_and_ignores_a_common_offset():
    logits = np.array([[1000.0, 999.0, -1000.0]], np.float32)
    found = softmax(logits)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, softmax(logits - 1000), atol=1e-7)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_it_loads_neither_sklearn_nor_scipy_nor_pandas():
    heavy = {"sklearn", "scipy", "pandas"}
    probe = f"import sys, fer_core.networks.softmax; print({heavy!r} & set(sys.modules))"
    found = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "set()"
