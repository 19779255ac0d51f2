"""Places for live visits: as many at once as the server can process; others wait in order."""

import math
import threading
import time
from collections.abc import Hashable


class LivePlaces:
    """Places for live visits, and a queue. Safe to share between threads.

    A visit keeps its place, or its place in the line, by asking again and again. While others wait, a visit
    that was live for its turn goes to the end of the line.
    """

    def __init__(self, places: int, *, patience_s: float, turn_s: float = math.inf) -> None:
        """Create the places.

        Args:
            places: how many visits are live at once, at least 1.
            patience_s: a visit that has not asked for so many seconds has left.
            turn_s: seconds for which a visit may be live while others wait.
        """
        self._places = places
        self._patience_s = patience_s
        self._turn_s = turn_s
        self._lock = threading.Lock()
        #: When each visit asked last, in the order in which they came.
        self._asked: dict[Hashable, float] = {}
        #: Since when each visit has been live.
        self._since: dict[Hashable, float] = {}
        #: When the last turn ended.
        self._ended = -math.inf

    def ask(self, visit: Hashable) -> int:
        """Return 0 if a visit may be live now, else its place in the queue, from 1."""
        now = time.monotonic()
        with self._lock:
            self._asked = {
                other: asked
                for other, asked in self._asked.items()
                if other == visit or now - asked <= self._patience_s
            }
            self._asked[visit] = now
            live = list(self._asked)[: self._places]
            self._since = {other: self._since.get(other, now) for other in live}
            if visit in self._since and self._turn_is_over(visit, now):
                self._ended = now
                # To the end of the line.
                del self._asked[visit], self._since[visit]
                self._asked[visit] = now
            return max(0, list(self._asked).index(visit) + 1 - self._places)

    def _turn_is_over(self, visit: Hashable, now: float) -> bool:
        """Return whether a live visit must let another in.

        Turns end one after the other, the longest first. Otherwise all visits that were live for long would
        end theirs for the first who waits.
        """
        since = self._since[visit]
        return (
            len(self._asked) > self._places
            and now - since >= self._turn_s
            and since == min(self._since.values())
            and now - self._ended >= self._turn_s / self._places
        )

    def leave(self, visit: Hashable) -> None:
        """Give up the visit's place, if it has one."""
        with self._lock:
            self._asked.pop(visit, None)
            self._since.pop(visit, None)
