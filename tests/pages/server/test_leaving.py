"""What keeps a server's memory for those who visit it: garbage is found late or soon, but found."""

import gc
import platform
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest

from pages.server import leaving
from tests.conftest import PROJECT

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
