"""The progress of a long run: one changing line on a terminal, else a line now and then."""

import os
import time
from collections.abc import Callable
from typing import Final, TextIO

from fer_core.closing import Closing
from fer_core.files import shown_name

#: Seconds between two lines in a log, and between two changes of a terminal's line.
_LOG_SECONDS: Final = 30.0
_TERMINAL_SECONDS: Final = 0.2
#: Columns of a terminal that does not tell.
_UNKNOWN_WIDTH: Final = 80
_UNITS: Final = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


class Progress:
    """The progress of a run over a known number of photos."""

    def __init__(
        self,
        total: int,
        *,
        done: int = 0,
        noun: str = "",
        from_first: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start a run.

        Args:
            total: photos in all.
            done: of these, those that were done before.
            noun: what is counted, for the words; none by default.
            from_first: count the rate from the first step on, since its time is that of loading the models.
                Not for steps of many photos: those of several processes end almost together.
            clock: gives seconds.
        """
        self._total, self._noun, self._clock = total, noun, clock
        self._done, self._errors = done, 0
        self._from_first = from_first
        self._began: tuple[float, int] | None = None if from_first else (clock(), done)

    def step(self, photos: int = 1, *, errors: int = 0) -> None:
        """Count finished photos, and those of them that could not be read."""
        self._done += photos
        self._errors += errors
        if self._began is None:
            self._began = self._clock(), self._done

    @property
    def share(self) -> float:
        """Share of finished photos, in [0, 1]."""
        return self._done / self._total if self._total else 1.0

    @property
    def rate(self) -> float:
        """Photos per second; 0 while unknown."""
        if self._began is None:
            return 0.0
        time_s, done = self._began
        seconds = self._clock() - time_s
        return (self._done - done) / seconds if seconds > 0 else 0.0

    def __str__(self) -> str:
        """Return the state: "1,200 of 5,000 photos, 40.0 per second, 1 min 35 s left"."""
        parts = [f"{self._done:,} of {self._total:,} {self._noun}".rstrip()]
        if self._errors:
            parts.append(f"{self._errors:,} of them not readable")
        if rate := self.rate:
            parts.append(f"{rate:,.1f} per second")
            left = (self._total - self._done) / rate
            if left >= 1:
                parts.append(f"{duration(left)} left")
        return ", ".join(parts)


class ProgressLine(Closing):
    """Writes a run's progress to a stream; leaving its `with` block clears the line on a terminal."""

    def __init__(
        self, stream: TextIO, progress: Progress, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start to report.

        Args:
            stream: that is written to.
            progress: of the run.
            clock: gives seconds.
        """
        self._stream, self._progress, self._clock = stream, progress, clock
        self._on_terminal = stream.isatty()
        self._pause = _TERMINAL_SECONDS if self._on_terminal else _LOG_SECONDS
        self._told = clock()
        self._is_shown = False

    def close(self) -> None:
        """Clear the line on a terminal."""
        self.clear()

    def step(self, photos: int = 1, *, errors: int = 0, name: str = "") -> None:
        """Count finished photos, and report if it is time.

        Args:
            photos: that are done.
            errors: of these, those that could not be read.
            name: of the last one; not told by default.
        """
        self._progress.step(photos, errors=errors)
        now = self._clock()
        if now - self._told >= self._pause:
            self._told = now
            self._tell(f"{self._progress}: {name}" if name else f"{self._progress}")

    def finish(self) -> None:
        """Write the final state in a line that stays."""
        self.clear()
        self._stream.write(f"{self._progress}\n")
        self._stream.flush()

    def clear(self) -> None:
        """Clear the line on a terminal, so that other output can be written."""
        if self._is_shown:
            self._draw("")
            self._is_shown = False

    def _tell(self, text: str) -> None:
        text = shown_name(text)
        if self._on_terminal:
            self._draw(text)
            self._is_shown = True
        else:
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def _draw(self, text: str) -> None:
        # The last column stays empty: some terminals begin a new line after it.
        width = (os.get_terminal_size(self._stream.fileno()).columns or _UNKNOWN_WIDTH) - 1
        self._stream.write(f"\r{text[:width]:<{width}}\r")
        self._stream.flush()


def duration(seconds: float) -> str:
    """Return a time in its two largest units: "3 h 20 min", "45 s"."""
    whole = round(seconds)
    for i, (unit, size) in enumerate(_UNITS):
        if whole >= size:
            text = f"{whole // size} {unit}"
            if i + 1 < len(_UNITS):
                smaller, smaller_size = _UNITS[i + 1]
                text += f" {whole % size // smaller_size} {smaller}"
            return text
    return "0 s"
