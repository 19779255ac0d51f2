"""A file that a page offers can be had for a while, and is gone after it."""

import pytest
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from pages.server import kept_files


class Clock:
    """A time that passes when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(kept_files, "time", clock)
    return clock


@pytest.fixture
def manager(clock: Clock) -> MediaFileManager:
    manager = MediaFileManager(MemoryMediaFileStorage("/media"))
    kept_files.keep_longer(manager)
    return manager


def offer(manager: MediaFileManager) -> str:
    return manager.add_deferred(lambda: b"a,b", "text/csv", "0.1", file_name="table.csv")


def draw_pages(manager: MediaFileManager, times: int) -> None:
    """What a server does when a page of any visitor is drawn: this one's shows no file any more."""
    for _ in range(times):
        manager.clear_session_refs()
        manager.remove_orphaned_files()


def stored(manager: MediaFileManager, url: str) -> bytes | None:
    file = manager.read_file(url.rpartition("/")[2])
    return None if file is None else file.content


def test_a_file_made_at_a_click_outlives_pages_that_are_drawn_before_it_is_fetched(
    manager: MediaFileManager,
):
    url = manager.execute_deferred(offer(manager))
    draw_pages(manager, times=5)
    assert stored(manager, url) == b"a,b"


def test_a_click_while_the_page_is_drawn_makes_its_file(manager: MediaFileManager):
    button = offer(manager)
    draw_pages(manager, times=5)
    assert stored(manager, manager.execute_deferred(button)) == b"a,b"


def test_after_a_while_files_and_what_makes_them_are_gone(manager: MediaFileManager, clock: Clock):
    button = offer(manager)
    url = manager.execute_deferred(button)
    draw_pages(manager, times=2)
    clock.now = 31.0
    # Streamlit marks what is there to be taken away first, and throws it away the next time.
    draw_pages(manager, times=2)
    assert stored(manager, url) is None
    with pytest.raises(MediaFileStorageError):
        manager.execute_deferred(button)


def test_what_makes_files_is_gone_with_its_visitor(manager: MediaFileManager):
    button = offer(manager)
    manager.clear_session_refs()
    kept_files.forget_makers(manager, "dontcare")
    with pytest.raises(MediaFileStorageError):
        manager.execute_deferred(button)


def test_the_time_begins_anew_when_a_page_shows_the_file_again(
    manager: MediaFileManager, clock: Clock
):
    url = manager.add(b"picture", "image/png", "0.1")
    draw_pages(manager, times=1)
    clock.now = 25.0
    assert manager.add(b"picture", "image/png", "0.1") == url
    manager.remove_orphaned_files()
    draw_pages(manager, times=1)
    clock.now = 50.0
    draw_pages(manager, times=1)
    assert stored(manager, url) == b"picture"
