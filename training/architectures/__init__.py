"""Network families, one module each, in pure Keras 3."""

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def call_arguments(inputs: Iterable[T]) -> T | list[T]:
    """Return inputs in the form that Keras calls a network with: alone if there is one, else a list."""
    values = list(inputs)
    return values[0] if len(values) == 1 else values
