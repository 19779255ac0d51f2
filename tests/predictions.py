"""Predictions made up for tests."""

import numpy as np

from fer_core.expressions import FER2013
from fer_core.networks.classifier import Prediction


def prediction(**shares: float) -> Prediction:
    """A prediction with the given probabilities, the rest spread over the other classes."""
    rest = (1 - sum(shares.values())) / (len(FER2013) - len(shares))
    values = [shares.get(str(label), rest) for label in FER2013.labels]
    return Prediction(FER2013.labels, np.array(values, np.float32), 0.5)
