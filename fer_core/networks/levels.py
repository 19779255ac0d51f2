"""Three levels of confidence, and predictions in words."""

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    # `Prediction.level` applies the rule below, so this module is the lower one.
    from fer_core.networks.classifier import Prediction

#: By how much probability the first of two expressions must lead to be named alone. Chosen on the clean faces
#: of FER2013's PublicTest (n 2,853) by what most annotators of FER+ said: of the predictions below their
#: threshold with such a lead, 65 % of `dual_photos` and 64 % of `cnn_photos` are right, and 53 and 48 %
#: without it; there one of the first two is right in 92 and 89 %.
CLEAR_LEAD: Final = 0.2


class Level(StrEnum):
    """Level of confidence of a prediction."""

    #: The confidence reaches the network's threshold.
    CONFIDENT = "confident"
    #: It does not, but one expression leads clearly.
    PROBABLE = "probable"
    #: Two or more expressions are close, or the face is doubtful.
    UNCLEAR = "unclear"


def level_of(prediction: "Prediction") -> Level:
    """Return the level of confidence of a prediction."""
    if prediction.is_doubtful:
        return Level.UNCLEAR
    level: Level = levels(prediction.probabilities[None], prediction.abstention_threshold)[0]
    return level


def levels(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Return the level of each of many predictions.

    Args:
        probabilities: float (N, C), C at least 2.
        threshold: confidence in [0, 1] from which the network is confident.

    Returns:
        object (N,) of `Level`.
    """
    # Compared as `Prediction.abstained` compares: in double precision.
    ordered = np.sort(probabilities.astype(np.float64), axis=1)
    first, second = ordered[:, -1], ordered[:, -2]
    # From strings NumPy would make an array of its own strings.
    kinds = np.array([Level.CONFIDENT, Level.PROBABLE, Level.UNCLEAR], dtype=object)
    found: np.ndarray = kinds[
        np.where(first >= threshold, 0, np.where(first - second >= CLEAR_LEAD, 1, 2))
    ]
    return found


def in_words(prediction: "Prediction") -> str:
    """Return a prediction in words: "happy", "probably happy", "unclear: angry or sad".

    Of a doubtful face it says "unclear: perhaps happy".
    """
    return ": ".join(filter(None, words_of(prediction)))


def words_of(prediction: "Prediction") -> tuple[str, str]:
    """Return what `in_words` says before and after the colon; the second is empty of a clear prediction."""
    first = prediction.expression
    order = np.argsort(prediction.probabilities)[::-1]
    likely = [first, *(label for label in (prediction.labels[i] for i in order) if label != first)]
    return words_of_level(level_of(prediction), likely, is_doubtful=prediction.is_doubtful)


def words_of_level(
    level: Level, likely: Sequence[str], *, is_doubtful: bool = False
) -> tuple[str, str]:
    """Return `words_of` a prediction that is known by its parts.

    Args:
        level: of it.
        likely: at least two expressions, the most probable first.
        is_doubtful: whether the face rules out a confident prediction.
    """
    if level is Level.CONFIDENT:
        return str(likely[0]), ""
    if level is Level.PROBABLE:
        return f"probably {likely[0]}", ""
    return "unclear", f"perhaps {likely[0]}" if is_doubtful else f"{likely[0]} or {likely[1]}"
