"""No rounded percentage claims certainty."""

import pytest

from fer_core.percent import percent


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (0.0, "<1%"),
        (0.0099, "<1%"),
        (0.01, "1%"),
        (0.424, "42%"),
        (0.99, "99%"),
        (0.9901, ">99%"),
        (1.0, ">99%"),
    ],
)
def test_the_ends_are_not_rounded(probability: float, words: str):
    assert percent(probability) == words
