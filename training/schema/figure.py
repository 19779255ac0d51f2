"""The validation figure of a recipe's runs."""

from typing import NamedTuple


class Figure(NamedTuple):
    """The validation figure for comparing epochs.

    Attributes:
        name: of the metric, in Keras's logs and in the history.
        greater_is_better: which way is up.
    """

    name: str
    greater_is_better: bool
