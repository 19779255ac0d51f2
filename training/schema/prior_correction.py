"""Post-hoc logit adjustment: reduce the effect of the training class frequencies on a trained network.

Menon et al. 2021 (arXiv:2007.07314), section 4.1: a multiple of the log class frequencies is subtracted from
the logits. Unlike the loss of that name (`Balance.strategy`) it needs no training. It is folded into the
biases of the last layer, so that every file of the network holds it.
"""

from typing import TYPE_CHECKING

import numpy as np

from training.architectures.base import ExpressionArchitecture

if TYPE_CHECKING:
    import keras


def correct_priors(
    network: "keras.Model",
    architecture: ExpressionArchitecture,
    shares: np.ndarray,
    amount: float,
) -> np.ndarray:
    """Subtract `amount` times the log class frequencies from a network's logits, in place.

    Args:
        network: of an architecture that `corrects_priors`.
        architecture: its settings.
        shares: float (classes,), the mean training target of each class. A class without targets keeps its
            logit: the more it is corrected, the more often would it be predicted.
        amount: 1 brings the predictions to where all classes are equally frequent.

    Returns:
        What was subtracted, float64 (classes,).
    """
    bias = architecture.logit_bias(network)
    present = shares > 0
    logs = np.log(shares, where=present, out=np.zeros(len(shares)))
    # Around their mean, which changes no prediction and keeps the maps' scale.
    offsets: np.ndarray = np.where(present, amount * (logs - logs[present].mean()), 0.0)
    bias.assign(np.asarray(bias) - offsets.astype(np.float32))
    return offsets
