"""A queue, first come, first served, for a limited number of places."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from fer_core.errors import BusyError

#: Seconds between two calls of the function that reports the wait, and as many more for each turn before: a
#: page that changes costs the server work, and fifty who wait would take as much of it as their photos.
_SECONDS_BETWEEN_WORDS: Final = 0.5
_MORE_SECONDS: Final = 0.1
#: Weight of the newest value in the mean time from one turn to the next.
_NEWEST: Final = 0.1


@dataclass(frozen=True, slots=True)
class Wait:
    """The position and estimate for someone who waits.

    Attributes:
        before: how many are to be served first, those being served not among them.
        seconds: until the turn comes, as fast as the queue has moved so far; None while it has not.
    """

    before: int
    seconds: float | None


class PhotoQueue:
    """A queue of limited length for a number of places. Safe to share between threads."""

    def __init__(self, *, places: int, longest: int) -> None:
        """Create an empty queue.

        Args:
            places: how much work goes on at once, at least 1.
            longest: how many wait at most; who comes after them is turned away.
        """
        self._longest = longest
        self._lock = threading.Lock()
        # Those who have waited before, and then all others.
        self._waiting: list[_Ticket] = []
        self._n_free = places
        self._last_turn = 0.0
        self._mean_seconds: float | None = None

    @property
    def has_waiting(self) -> bool:
        """Whether anyone waits for a place."""
        return bool(self._waiting)

    @contextmanager
    def place(
        self,
        tell: Callable[[Wait], object],
        *,
        has_waited: bool = False,
        longest_silence: float = math.inf,
    ) -> Iterator[None]:
        """Wait in the queue, and hold a place inside the context.

        Args:
            tell: called while waiting, in this thread: at once, then twice a second, and less often at
                the end of a long queue. It is not called if a place is free. If it raises, the wait ends and
                the others move up.
            has_waited: whether the photo has waited once before. It then comes before all others, so that
                nobody waits twice.
            longest_silence: seconds between two calls of `tell` at most.

        Raises:
            BusyError: the queue has its full length.
        """
        ticket = self._enter(has_waited=has_waited)
        try:
            while not ticket.has_turn.is_set():
                wait = self._prospect(ticket)
                tell(wait)
                silence = _SECONDS_BETWEEN_WORDS + _MORE_SECONDS * wait.before
                ticket.has_turn.wait(min(silence, longest_silence))
            yield
        finally:
            self._leave(ticket)

    def _enter(self, *, has_waited: bool) -> "_Ticket":
        ticket = _Ticket(has_waited=has_waited)
        with self._lock:
            if len(self._waiting) >= self._longest:
                raise BusyError(
                    f"{self._longest} photos are already waiting, which is this server's limit. Try again in "
                    "a moment."
                )
            self._waiting.insert(self._n_before(ticket), ticket)
            self._give_turns()
        return ticket

    def _n_before(self, ticket: "_Ticket") -> int:
        if not ticket.has_waited:
            return len(self._waiting)
        return sum(other.has_waited for other in self._waiting)

    def _leave(self, ticket: "_Ticket") -> None:
        with self._lock:
            if ticket.has_turn.is_set():
                self._n_free += 1
                self._give_turns()
            else:
                self._waiting.remove(ticket)

    def _give_turns(self) -> None:
        """Give the free places to the first in the queue, and wake no one else."""
        while self._n_free and self._waiting:
            ticket = self._waiting.pop(0)
            self._n_free -= 1
            if not ticket.has_waited:
                self._note_turn(ticket)
            ticket.has_turn.set()

    def _note_turn(self, ticket: "_Ticket") -> None:
        now = time.monotonic()
        if ticket.was_told:
            # Since the turn before, or since there was someone to wait for the next.
            seconds, mean = now - max(self._last_turn, ticket.came), self._mean_seconds
            self._mean_seconds = seconds if mean is None else mean + _NEWEST * (seconds - mean)
        self._last_turn = now

    def _prospect(self, ticket: "_Ticket") -> Wait:
        with self._lock:
            ticket.was_told = True
            before = self._waiting.index(ticket) if ticket in self._waiting else 0
            mean = self._mean_seconds
        return Wait(before, None if mean is None else (before + 1) * mean)


class _Ticket:
    """Someone in the queue."""

    def __init__(self, *, has_waited: bool) -> None:
        self.has_waited = has_waited
        # Its own, so that the end of a turn wakes one thread, not all that wait.
        self.has_turn = threading.Event()
        self.came = time.monotonic()
        self.was_told = False
