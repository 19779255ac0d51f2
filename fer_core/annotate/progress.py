"""How far a bulk run is: on a terminal a line that changes, elsewhere a line now and then."""

import os
import time
from collections.abc import Callable
from typing import Final, TextIO

#: Seconds between two lines in a log, and between two changes of a terminal's line.
_LOG_SECONDS: Final = 30.0
_TERMINAL_SECONDS: Final = 0.2


class Progress:
    """Tells photos, errors, rate and time left."""

    def __init__(
        self, stream: TextIO, *, photos: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin to count.

        Args:
            stream: where to write.
            photos: that are to be annotated in this run.
            clock: seconds.
        """
        self._stream = stream
        self._photos = photos
        self._clock = clock
        self._began = self._told = clock()
        self._done = self._errors = 0
        self._on_terminal = stream.isatty()

    def add(self, photos: int, errors: int) -> None:
        """Count photos that are done, and tell of it if it is time to."""
        self._done += photos
        self._errors += errors
        now = self._clock()
        pause = _TERMINAL_SECONDS if self._on_terminal else _LOG_SECONDS
        if now - self._told >= pause or self._done == self._photos:
            self._told = now
            self._tell()

    def line(self) -> str:
        """Return the state as a sentence: "1,200 of 5,000 photos, 40.0 a second, 1 min 35 s left"."""
        rate = self.rate
        parts = [f"{self._done:,} of {self._photos:,} photos", f"{rate:,.1f} a second"]
        if self._errors:
            parts.insert(1, f"{self._errors:,} of them not readable")
        if rate and self._done < self._photos:
            parts.append(f"{duration((self._photos - self._done) / rate)} left")
        return ", ".join(parts)

    @property
    def rate(self) -> float:
        """Photos a second since the start, that of the processes included."""
        seconds = self._clock() - self._began
        return self._done / seconds if seconds > 0 else 0.0

    def _tell(self) -> None:
        if not self._on_terminal:
            self._stream.write(f"{self.line()}\n")
        else:
            width = os.get_terminal_size(self._stream.fileno()).columns - 1
            end = "\n" if self._done == self._photos else ""
            self._stream.write(f"\r{self.line()[:width]:<{width}}{end}")
        self._stream.flush()


def duration(seconds: float) -> str:
    """Return a time in its two largest units: "3 h 20 min", "45 s"."""
    whole = round(seconds)
    units = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
    for i, (unit, size) in enumerate(units):
        if whole >= size:
            text = f"{whole // size} {unit}"
            if i + 1 < len(units):
                smaller, smaller_size = units[i + 1]
                text += f" {whole % size // smaller_size} {smaller}"
            return text
    return "0 s"
