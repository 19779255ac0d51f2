"""Expressions in videos: frames in, faces followed from one to the next, their expressions over time out."""

from typing import Final

#: Frames a second that are looked at, unless the caller chooses.
DEFAULT_RATE: Final = 10.0
