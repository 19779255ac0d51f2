"""Places for live visits: as many at once as the server can process; others wait in order."""

import threading
import time
from collections.abc import Hashable


class LivePlaces:
    """Places for live visits, and a queue. Safe to share between threads.

    A visit keeps its place, or its place in the line, by asking again and again.
    """

    def __init__(self, places: int, *, patience_s: float) -> None:
        """Create the places.

        Args:
            places: how many visits are live at once, at least 1.
            patience_s: a visit that has not asked for so many seconds has left.
        """
        self._places = places
        self._patience_s = patience_s
        self._lock = threading.Lock()
        #: When each visit asked last, in the order in which they came.
        self._asked: dict[Hashable, float] = {}

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
            return max(0, list(self._asked).index(visit) + 1 - self._places)

    def leave(self, visit: Hashable) -> None:
        """Give up the visit's place, if it has one."""
        with self._lock:
            self._asked.pop(visit, None)
