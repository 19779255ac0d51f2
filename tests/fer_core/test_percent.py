"""No rounded percentage claims certainty."""

import pytest

from fer_core.percent import p_in_words, percent


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


@pytest.mark.parametrize(
    ("p", "words"), [(0.0, "< 0.001"), (0.00099, "< 0.001"), (0.0166, "0.017")]
)
def test_a_small_p_is_not_rounded_to_zero(p: float, words: str):
    assert p_in_words(p) == words
