"""Lists are written as in a sentence."""

import pytest

from fer_core.listing import listed


@pytest.mark.parametrize(
    ("names", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), ([1, 2, 3], "1, 2 and 3")],
)
def test_names_are_joined_by_commas_and_and(names, text):
    assert listed(names) == text
    assert listed(iter(names)) == text
