"""Scene cuts, detected by the difference between consecutive pictures."""

from collections import deque
from statistics import median
from typing import Final

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

#: Pictures are compared as grey ones of this size, width and height.
_SIZE: Final = (64, 36)
#: Mean difference in grey values that a cut has at least. Between any two of eleven photos it is 47 or more;
#: in a window that moves over one it is 5 for a 300th of its width a frame and 20 for a fiftieth.
_LEAST_DIFFERENCE: Final = 20.0
#: A cut's difference is this many times the recent ones; otherwise a shaken camera would be a cut.
_TIMES_USUAL: Final = 2.5
#: The least difference of a cut at the start of a scene, without recent ones: photos differ more from each
#: other, and a moving camera's pictures less.
_LEAST_AT_START: Final = 40.0
_REMEMBERED: Final = 8


class CutFinder:
    """Detects cuts in a video frame by frame. Dissolves are not detected."""

    def __init__(self) -> None:
        """Start before the first frame."""
        self._reformatter = VideoReformatter()
        self._before: np.ndarray | None = None
        self._usual: deque[float] = deque(maxlen=_REMEMBERED)

    def is_cut(self, frame: VideoFrame) -> bool:
        """Return whether a new scene begins with this frame; call it for every frame."""
        width, height = _SIZE
        picture = (
            self._reformatter.reformat(
                frame, width=width, height=height, format="gray", interpolation="AREA"
            )
            .to_ndarray()
            .astype(np.int16)
        )
        before, self._before = self._before, picture
        if before is None:
            return False
        difference = float(np.abs(picture - before).mean())
        if self._usual:
            cut = difference > max(_LEAST_DIFFERENCE, _TIMES_USUAL * median(self._usual))
        else:
            cut = difference > _LEAST_AT_START
        if cut:
            self._usual.clear()
        else:
            self._usual.append(difference)
        return cut
