"""The kinds of machines that a campaign has runs for, by the words of the command line."""

from enum import StrEnum


class Profile(StrEnum):
    """What a run is sized for."""

    CPU = "cpu"
    GPU = "gpu"
