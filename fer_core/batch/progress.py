"""How fast a long run goes on, and how much longer it takes, in words."""

import time
from collections.abc import Callable


class Pace:
    """The progress of a run over a known number of photos."""

    def __init__(
        self, total: int, *, done: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin a run.

        Args:
            total: photos in all.
            done: of these, those that were done before.
            clock: gives seconds.
        """
        self._total, self._clock = total, clock
        self._done = self._first_done = done
        self._first_time: float | None = None

    def step(self) -> str:
        """Note that one more photo is done, and return the progress in words."""
        self._done += 1
        # From the first photo on: its time is that of loading the models.
        if self._first_time is None:
            self._first_time, self._first_done = self._clock(), self._done
        return str(self)

    @property
    def share(self) -> float:
        """Share of the photos that are done, in [0, 1]."""
        return self._done / self._total if self._total else 1.0

    def __str__(self) -> str:
        text = f"{self._done:,} of {self._total:,}"
        seconds = 0.0 if self._first_time is None else self._clock() - self._first_time
        if seconds <= 0 or self._done == self._first_done:
            return text
        rate = (self._done - self._first_done) / seconds
        left = _duration((self._total - self._done) / rate)
        return f"{text}, {rate:.1f} a second" + (f", {left} left" if left else "")


def _duration(seconds: float) -> str:
    """Return a time in words, as roughly as it is known; empty for less than a second."""
    if seconds < 1:
        return ""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
