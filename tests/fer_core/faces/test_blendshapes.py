"""Blendshapes in plain words."""

import numpy as np

from fer_core.faces.blendshapes import strongest_blendshapes


def test_the_strongest_blendshapes_come_first_and_neutral_never():
    blendshapes = np.zeros(52)
    blendshapes[[0, 44, 25]] = [0.9, 0.5, 0.7]
    assert strongest_blendshapes(blendshapes, n=2) == [
        ("jaw open", 0.7),
        ("mouth corner up (left)", 0.5),
    ]
