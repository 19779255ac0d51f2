"""Expressions in videos: frames in, tracked faces with their expressions over time out."""

from typing import Final

#: Frames per second that are analyzed, unless the caller chooses.
DEFAULT_RATE: Final = 10.0
