"""A queue, first come, first served, for a limited number of places."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from fer_core.errors import BusyError

#: Seconds between two calls of the function that reports the wait, and as many more for each turn before: a
#: page that changes costs the server work, and fifty who wait would take as much of it as their photos.
_SECONDS_BETWEEN_WORDS: Final = 0.5
_MORE_SECONDS: Final = 0.1
#: Weight of a new turn in the mean duration.
_NEWEST: Final = 0.1


@dataclass(frozen=True, slots=True)
class Wait:
    """The position and estimate for someone who waits.

    Attributes:
        before: how many are to be served first, those being served not among them.
        seconds: until the turn comes, as turns have lasted so far; None while none has ended.
    """

    before: int
    seconds: float | None


class WaitingLine:
    """A queue of limited length for a number of places. Safe to share between threads."""

    def __init__(self, *, places: int, longest: int) -> None:
        """Create an empty queue.

        Args:
            places: how much work goes on at once, at least 1.
            longest: how many wait at most; who comes after them is turned away.
        """
        self._places = places
        self._longest = longest
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self._served = 0
        self._mean_seconds: float | None = None

    @property
    def has_waiting(self) -> bool:
        """Whether anyone waits for a place."""
        return bool(self._waiting)

    @contextmanager
    def turn(self, tell: Callable[[Wait], object]) -> Iterator[None]:
        """Wait in the queue, and hold a place inside the context.

        Args:
            tell: called while waiting, in this thread: at once, then twice a second, and less often at
                the end of a long queue. Who comes when a place is free is told nothing. What it
                raises ends the wait, and the queue closes up.

        Raises:
            BusyError: the line has its full length.
        """
        self._wait(tell)
        began = time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                self._served -= 1
                self._note(time.monotonic() - began)
                self._changed.notify_all()

    def _wait(self, tell: Callable[[Wait], object]) -> None:
        ticket = object()
        with self._changed:
            if len(self._waiting) >= self._longest:
                raise BusyError(
                    f"{self._longest} photos are waiting already, and this server lets no more wait. "
                    "Try again in a minute."
                )
            self._waiting.append(ticket)
        entered = False
        try:
            entered = self._enter(ticket, seconds=0)
            while not entered:
                wait = self._prospect(ticket)
                tell(wait)
                seconds = _SECONDS_BETWEEN_WORDS + _MORE_SECONDS * wait.before
                entered = self._enter(ticket, seconds=seconds)
        finally:
            if not entered:
                with self._changed:
                    self._waiting.remove(ticket)
                    self._changed.notify_all()

    def _enter(self, ticket: object, *, seconds: float) -> bool:
        """Take a place if one becomes free for this ticket in time; return whether it did."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._may_enter(ticket), seconds):
                return False
            self._waiting.popleft()
            self._served += 1
            # There may be a place for the next one too.
            self._changed.notify_all()
            return True

    def _may_enter(self, ticket: object) -> bool:
        return self._waiting[0] is ticket and self._served < self._places

    def _prospect(self, ticket: object) -> Wait:
        with self._changed:
            before = self._waiting.index(ticket)
            mean = self._mean_seconds
        return Wait(before, None if mean is None else (before + 1) * mean / self._places)

    def _note(self, seconds: float) -> None:
        mean = self._mean_seconds
        self._mean_seconds = seconds if mean is None else mean + _NEWEST * (seconds - mean)
