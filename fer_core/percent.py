"""Probabilities as percentages, and p-values."""

from typing import Final

#: Below it, and as far below 1, a rounded percentage would claim certainty.
LEAST_PERCENT: Final = 0.01


def percent(probability: float) -> str:
    """Return a probability in [0, 1] as a whole percentage: "42%", "<1%" near 0 and ">99%" near 1."""
    if probability < LEAST_PERCENT:
        return "<1%"
    return ">99%" if probability > 1 - LEAST_PERCENT else f"{probability:.0%}"


def p_in_words(p: float) -> str:
    """Return a p-value as tables have it: "< 0.001" or "0.017"."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
