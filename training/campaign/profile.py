"""The kinds of machines that a campaign has runs for, by the words of the command line."""

from enum import StrEnum


class Profile(StrEnum):
    """The kind of machine for which a run is sized."""

    CPU = "cpu"
    GPU = "gpu"
