"""Delete the data of visitors who left, after the time for reconnecting.

Streamlit keeps a session for two minutes after its connection ended, so that a phone that lost its network
finds its photo again. It then drops it when the next visitor leaves: on a quiet server the last photo of the
evening would stay in memory until the morning. What it drops then, and beyond 128 sessions, it does not end.

Streamlit also collects garbage after each run of a page, through all objects, libraries and networks
included. That is half of a busy server's Python time. Long-lived objects are therefore frozen here.
"""

import asyncio
import ctypes
import gc
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from pages.server.kept_files import forget_makers

if TYPE_CHECKING:
    from streamlit.runtime import Runtime
    from streamlit.runtime.session_manager import SessionInfo

#: Between two looks for sessions whose time is over.
_SECONDS: Final = 15.0
#: So many blocks of memory are some 50,000 objects, which a search for garbage goes through in 10 ms.
_MANY_BLOCKS: Final = 100_000
#: glibc's M_MMAP_THRESHOLD of malloc.h: from so many bytes on, memory is the system's own and no heap's.
_MMAP_THRESHOLD: Final = -3
_LARGE_BYTES: Final = 1_000_000


@dataclass
class _SetAside:
    """The objects that garbage collection skips: number of memory blocks when they were frozen."""

    blocks: int = 0


_set_aside = _SetAside()


async def forget_who_left(server: "Runtime") -> None:
    """Look for expired sessions while the server runs.

    On the server's own loop: no other thread may touch sessions.
    """
    loop = asyncio.get_running_loop()
    _end_what_is_dropped(server, loop)
    while True:
        await asyncio.sleep(_SECONDS)
        # The event loop reports errors there, and this loop continues.
        loop.call_soon(_forget, server)


def _end_what_is_dropped(server: "Runtime", loop: asyncio.AbstractEventLoop) -> None:
    """Make the storage of sessions end those that it drops to store another."""
    storage = _storage_of(server)
    store = storage.save

    def save(visit: "SessionInfo") -> None:
        over = storage._cache.expire()
        if len(storage._cache) >= storage._cache.maxsize:
            over.append(storage._cache.popitem())
        store(visit)
        if over:
            # Not in here: the session manager holds its lock.
            loop.call_soon(_end, server, over)

    storage.save = save


def _storage_of(server: "Runtime") -> Any:
    """Return Streamlit's `MemorySessionStorage`. It has no public way to it; tests hold what it does."""
    return server._session_mgr._session_storage  # type: ignore[attr-defined]


def _forget(server: "Runtime") -> None:
    """End the sessions whose time is over, and give memory back."""
    _end(server, _storage_of(server)._cache.expire())


def _end(server: "Runtime", over: "Sequence[tuple[str, SessionInfo]]") -> None:
    """End sessions: delete their uploads, pictures, state and last page.

    Args:
        server: of the sessions.
        over: the sessions by their ids, not in the storage any more.
    """
    manager = server._session_mgr
    for _, visit in over:
        visit.session.shutdown()
        visit.session.session_state.clear()
        forget_makers(server.media_file_mgr, visit.session.id)
    # Streamlit throws files away only when a page was drawn.
    server.media_file_mgr.remove_orphaned_files()
    if over and not manager.num_active_sessions():
        # The page that ran last lives on under this name, with all its variables, until another runs.
        sys.modules["__main__"] = ModuleType("__main__")
    # Counted by blocks: whoever holds the list of gc.get_objects() breaks the tuples that other threads are
    # building (a SystemError there: https://bugs.python.org/issue15108).
    if over or sys.getallocatedblocks() > _set_aside.blocks + _MANY_BLOCKS:
        _set_aside_what_stays()
    if over or not manager.num_active_sessions():
        _give_memory_back()


def _set_aside_what_stays() -> None:
    """Collect all garbage, and freeze the remaining objects so that later collections skip them.

    What is set aside can become garbage too, so it is looked through again here, whenever a visitor has left.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    _set_aside.blocks = sys.getallocatedblocks()


def _give_memory_back() -> None:
    """Return freed memory to the system if the C library is glibc, which keeps it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def give_photos_back_at_once() -> None:
    """Make glibc return each photo's memory to the system when it is freed.

    By default, glibc raises its threshold to the largest block freed so far, and puts such blocks on the heap
    among longer-lived ones. After fifty visitors, as much memory was free inside the process as was in use.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_MMAP_THRESHOLD, _LARGE_BYTES)
