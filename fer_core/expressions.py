"""The vocabulary: expressions, the label spaces of the data sets, and the maps between them."""

import difflib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from fer_core.errors import UnknownNameError


class Expression(StrEnum):
    """An apparent facial expression, by the names that FER2013 uses."""

    ANGRY = "angry"
    DISGUST = "disgust"
    FEAR = "fear"
    HAPPY = "happy"
    SAD = "sad"
    SURPRISE = "surprise"
    NEUTRAL = "neutral"
    CONTEMPT = "contempt"


@dataclass(frozen=True, slots=True)
class LabelSpace:
    """The ordered classes of a data set or a network.

    Attributes:
        name: how files refer to it.
        labels: the expressions in the order of the label indices and of the logits.
    """

    name: str
    labels: tuple[Expression, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def index(self, expression: Expression | str) -> int:
        """Return the label index of `expression`; raise UnknownNameError if this space lacks it."""
        wanted = parse_expression(expression)
        if wanted not in self.labels:
            raise UnknownNameError(
                f"The label space {self.name!r} has no class {str(wanted)!r}; "
                f"it has {', '.join(self.labels)}."
            )
        return self.labels.index(wanted)


_SEVEN: Final = (
    Expression.ANGRY,
    Expression.DISGUST,
    Expression.FEAR,
    Expression.HAPPY,
    Expression.SAD,
    Expression.SURPRISE,
    Expression.NEUTRAL,
)

#: FER2013 (Goodfellow et al. 2013, arXiv:1307.0414); the order of every seven-class network here.
FER2013: Final = LabelSpace("fer2013", _SEVEN)
#: FER+ (Barsoum et al. 2016, arXiv:1608.01041), brought to FER2013's order with contempt last.
FERPLUS: Final = LabelSpace("ferplus", (*_SEVEN, Expression.CONTEMPT))
#: CK+ (Lucey et al. 2010): contempt in the place of neutral.
CKPLUS: Final = LabelSpace("ckplus", (*_SEVEN[:6], Expression.CONTEMPT))
#: The five classes that are easiest to tell apart.
FIVE: Final = LabelSpace(
    "five",
    (
        Expression.ANGRY,
        Expression.DISGUST,
        Expression.SAD,
        Expression.HAPPY,
        Expression.SURPRISE,
    ),
)

LABEL_SPACES: Final = {space.name: space for space in (FER2013, FERPLUS, CKPLUS, FIVE)}

#: What data sets call the expressions, in lower case; enum values stand for themselves.
_ALIASES: Final = {
    "anger": Expression.ANGRY,
    "disgusted": Expression.DISGUST,
    "afraid": Expression.FEAR,
    "fearful": Expression.FEAR,
    "happiness": Expression.HAPPY,
    "joy": Expression.HAPPY,
    "sadness": Expression.SAD,
    "surprised": Expression.SURPRISE,
    "calm": Expression.NEUTRAL,
}

#: One colour per expression, the same in every figure and overlay. Found by search: any two are at
#: least 15 apart in CIEDE2000, for normal sight and for simulated protanopia, deuteranopia and
#: tritanopia (Machado et al. 2009), and each has a contrast of 2:1 or more with white and with the
#: dark theme. A test holds this. Every colour also has a text beside it.
COLORS: Final = {
    Expression.ANGRY: "#CC1500",
    Expression.DISGUST: "#3E9D6F",
    Expression.FEAR: "#BE0084",
    Expression.HAPPY: "#C8AE24",
    Expression.SAD: "#0063F1",
    Expression.SURPRISE: "#00BAFF",
    Expression.NEUTRAL: "#A2ACB2",
    Expression.CONTEMPT: "#72514E",
}


def parse_expression(word: str) -> Expression:
    """Return the expression for a data set's word.

    Case, surrounding blanks and the data sets' usual synonyms (happiness, anger, surprised ...) do
    not matter.

    Raises:
        UnknownNameError: no expression is called that; the message names the nearest ones.
    """
    key = word.strip().lower()
    if key in _ALIASES:
        return _ALIASES[key]
    try:
        return Expression(key)
    except ValueError:
        known = [str(expression) for expression in Expression] + sorted(_ALIASES)
        near = difflib.get_close_matches(key, known) or [
            str(expression) for expression in Expression
        ]
        raise UnknownNameError(
            f"No expression is called {word!r}. Nearest: {', '.join(near)}."
        ) from None


def label_map(source: LabelSpace, target: LabelSpace) -> np.ndarray:
    """Return int64 (len(source),): the target's index of each source label, -1 where it has none."""
    return np.array(
        [target.labels.index(label) if label in target.labels else -1 for label in source.labels],
        dtype=np.int64,
    )
