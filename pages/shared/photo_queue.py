"""The queue of all photos, from pages and from the HTTP API."""

from functools import cache
from typing import Final

from fer_core.batch.photo_queue import PhotoQueue
from fer_core.cores import available_cores

#: Each is a visitor with a page open, or a request; the last one waits for some seconds.
_LONGEST: Final = 100


@cache
def photo_queue() -> PhotoQueue:
    """Return the process's queue. Safe to use from several threads."""
    # As many places as cores: more at once would take as long, and more memory.
    return PhotoQueue(places=available_cores(), longest=_LONGEST)
