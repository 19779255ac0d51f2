"""Network families, one module each, in pure Keras 3."""

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def call_arguments(inputs: Iterable[T]) -> T | list[T]:
    """Return inputs in the form in which Keras calls a network: a single tensor, or a list of several."""
    values = list(inputs)
    return values[0] if len(values) == 1 else values
