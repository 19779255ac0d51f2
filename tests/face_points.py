"""Points between landmarks, to compare the places of faces with."""

import numpy as np

from fer_core.faces.landmarks import LEFT_IRIS, LOWER_LIP, RIGHT_IRIS, UPPER_LIP


def eyes_midpoint(landmarks: np.ndarray) -> np.ndarray:
    """Return the point between the irises, float32 (2,), of landmarks (478, 2 or 3) in pixels."""
    result: np.ndarray = landmarks[[RIGHT_IRIS, LEFT_IRIS], :2].mean(axis=0)
    return result


def mouth_midpoint(landmarks: np.ndarray) -> np.ndarray:
    """Return the point between the lips' outer edges, float32 (2,), of landmarks (478, 2 or 3).

    Unlike the corners, it stays where it is in a smile.
    """
    result: np.ndarray = landmarks[[UPPER_LIP, LOWER_LIP], :2].mean(axis=0)
    return result
