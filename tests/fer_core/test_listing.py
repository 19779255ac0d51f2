"""Words are written as in a sentence."""

import pytest

from fer_core.listing import capitalized, listed, split_names


@pytest.mark.parametrize(
    ("names", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), ([1, 2, 3], "1, 2 and 3")],
)
def test_names_are_joined_by_commas_and_and(names, text):
    assert listed(names) == text
    assert listed(iter(names)) == text


@pytest.mark.parametrize(
    ("text", "names"), [("", []), (" , ", []), ("b, a,b", ["b", "a"]), ("a", ["a"])]
)
def test_a_list_in_a_setting_has_each_name_once(text, names):
    assert split_names(text) == names


def test_the_first_letter_alone_becomes_a_capital():
    assert [capitalized(words) for words in ("low contrast", "F1 of FER+", "")] == [
        "Low contrast",
        "F1 of FER+",
        "",
    ]
