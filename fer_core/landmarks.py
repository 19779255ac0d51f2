"""MediaPipe's landmarks: which of the 478 points are what, and plain geometry on them."""

from typing import Final

import numpy as np

#: Centres of the irises: of the person's right eye, at the left of the image, and of the left one.
RIGHT_IRIS: Final = 468
LEFT_IRIS: Final = 473
#: Middle of the upper lip's upper edge and of the lower lip's lower edge.
UPPER_LIP: Final = 0
LOWER_LIP: Final = 17


def eyes_midpoint(landmarks: np.ndarray) -> np.ndarray:
    """Return the point between the irises, float32 (2,), of landmarks (478, 2 or 3) in pixels."""
    return landmarks[[RIGHT_IRIS, LEFT_IRIS], :2].mean(axis=0)


def mouth_midpoint(landmarks: np.ndarray) -> np.ndarray:
    """Return the point between the lips' outer edges, float32 (2,), of landmarks (478, 2 or 3).

    Unlike the corners, it stays where it is in a smile.
    """
    return landmarks[[UPPER_LIP, LOWER_LIP], :2].mean(axis=0)
