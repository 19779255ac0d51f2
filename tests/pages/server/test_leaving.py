"""What keeps a server's memory for those who visit it: garbage is found late or soon, but found."""

import asyncio
import gc
import platform
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest
from streamlit.runtime.caching.ttl_cache import TTLCache
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.runtime.session_manager import ActiveSessionInfo
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager

from pages.server import leaving
from tests.conftest import PROJECT
from tests.coroutines import run

#: Frees large things of growing size, each between small ones that stay, and prints what is left of them.
LARGE_AND_SMALL = """
import psutil
from pages.server import leaving
if {is_told}:
    leaving.give_photos_back_at_once()
process = psutil.Process()
before = process.memory_info().rss
stays = []
for _ in range(3):
    large = [bytearray(size * 1_000_000) for size in range(2, 30)]
    for i in range(len(large)):
        stays.append([bytes(50_000) for _ in range(3)])
        large[i] = None
    for size in range(2, 30):
        large.append(bytearray(size * 1_000_000))
        stays.append(bytes(50_000))
del large
kept = sum(len(thing) if isinstance(thing, bytes) else sum(map(len, thing)) for thing in stays)
print((process.memory_info().rss - before - kept) // 1_000_000)
"""


@pytest.fixture
def nothing_set_aside() -> Iterator[None]:
    yield
    gc.unfreeze()


class Thing:
    """Refers to itself, so that only the collector can free it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.mark.usefixtures("nothing_set_aside")
def test_what_was_set_aside_is_found_when_it_is_garbage():
    thing = Thing()
    alive = weakref.ref(thing)
    leaving._set_aside_what_stays()
    assert gc.get_freeze_count() > 0, "every search looks through everything"
    del thing
    leaving._set_aside_what_stays()
    assert alive() is None


@pytest.mark.slow
@pytest.mark.release
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the option is glibc's")
def test_large_memory_goes_back_though_small_things_stay():
    left = {}
    for is_told in (False, True):
        done = subprocess.run(
            [sys.executable, "-c", LARGE_AND_SMALL.format(is_told=is_told)],
            capture_output=True,
            text=True,
            check=True,
            cwd=PROJECT,
        )
        left[is_told] = int(done.stdout)
    assert left[True] < 10 < left[False], left


class Visit:
    """A session of a visitor, with what a server calls of it."""

    def __init__(self, name: str) -> None:
        self.id = name
        self.session_state = {"photo": name}
        self.is_shut_down = False

    def shutdown(self) -> None:
        self.is_shut_down = True

    def is_resumable(self) -> bool:
        return True

    def request_script_stop(self) -> None: ...

    def disconnect_file_watchers(self) -> None: ...

    def clear_session_caches(self) -> None: ...


class Server:
    """A server with Streamlit's own management of sessions, and a time that passes when told to."""

    def __init__(self, *, at_most: int) -> None:
        self.now = 0.0
        storage = MemorySessionStorage()
        storage._cache = TTLCache(maxsize=at_most, ttl=120, timer=lambda: self.now)
        self._session_mgr = WebsocketSessionManager(storage, None, ScriptCache(), None)
        self.media_file_mgr = MediaFileManager(MemoryMediaFileStorage("/media"))

    def visited_by(self, name: str) -> Visit:
        visit = Visit(name)
        self._session_mgr._active_session_info_by_id[name] = ActiveSessionInfo(None, visit)
        return visit

    async def leave(self, visit: Visit) -> None:
        self._session_mgr.disconnect_session(visit.id)
        await asyncio.sleep(0)


def with_three_visits(server: Server, told) -> None:
    """Let visitors come to a server that looks for those who left, and tell of them."""

    async def serve() -> None:
        looking = asyncio.create_task(leaving.forget_who_left(server))
        await asyncio.sleep(0)
        await told(*(server.visited_by(name) for name in "abc"))
        looking.cancel()

    run(serve())


@pytest.mark.usefixtures("nothing_set_aside")
def test_whose_time_is_over_when_another_leaves_is_forgotten_then():
    server = Server(at_most=128)

    async def told(first: Visit, second: Visit, _: Visit) -> None:
        await server.leave(first)
        server.now = 121
        await server.leave(second)
        assert first.is_shut_down
        assert not first.session_state
        assert not second.is_shut_down

    with_three_visits(server, told)


@pytest.mark.usefixtures("nothing_set_aside")
def test_who_is_one_too_many_is_forgotten_at_once():
    server = Server(at_most=2)

    async def told(*visits: Visit) -> None:
        for visit in visits:
            await server.leave(visit)
        assert [visit.is_shut_down for visit in visits] == [True, False, False]
        assert server._session_mgr.get_session_info("b").session is visits[1]

    with_three_visits(server, told)
