"""The label order is a contract: a swap here mislabels every answer in silence."""

import numpy as np
import pytest

from fer_core.errors import UnknownNameError
from fer_core.expressions import (
    CKPLUS,
    COLORS,
    FER2013,
    FERPLUS,
    FIVE,
    LABEL_SPACES,
    Expression,
    label_map,
    parse_expression,
)


def test_the_label_order_is_fer2013s():
    assert FER2013.labels == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    assert FERPLUS.labels == (*FER2013.labels, "contempt")


@pytest.mark.parametrize("space", LABEL_SPACES.values(), ids=lambda space: space.name)
def test_mapping_a_space_through_another_keeps_each_meaning(space):
    for target in LABEL_SPACES.values():
        for index, mapped in enumerate(label_map(space, target)):
            if mapped >= 0:
                assert target.labels[mapped] == space.labels[index]
            else:
                assert space.labels[index] not in target.labels


def test_maps_between_the_spaces():
    np.testing.assert_array_equal(label_map(CKPLUS, FER2013), [0, 1, 2, 3, 4, 5, -1])
    np.testing.assert_array_equal(label_map(FER2013, FIVE), [0, 1, -1, 3, 2, 4, -1])


@pytest.mark.parametrize(
    ("word", "expression"),
    [("happiness", "happy"), (" Anger ", "angry"), ("SURPRISED", "surprise"), ("sad", "sad")],
)
def test_data_sets_words_are_understood(word, expression):
    assert parse_expression(word) is Expression(expression)


def test_an_unknown_word_gets_the_nearest():
    with pytest.raises(UnknownNameError, match=r"hapy.*happy"):
        parse_expression("hapy")


def test_each_expression_has_its_own_colour():
    assert set(COLORS) == set(Expression)
    assert len(set(COLORS.values())) == len(COLORS)
