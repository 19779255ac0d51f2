"""Keep a page's files for a while after the page was rerun.

After each run of any visitor's page, Streamlit deletes the files that no page shows. A file that is made at a
click is shown by no page. If two pages run before the browser requests it, the browser gets a 404. The
functions that make files are deleted in the same way if the visitor clicks during a run.
"""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from streamlit.runtime.media_file_manager import MediaFileManager

#: From when no page shows a file to when it goes: the time that a slow connection takes to ask for it.
FILE_SECONDS: Final = 30.0
#: The same of what makes files, which holds a visitor's photos.
MAKER_SECONDS: Final = 10.0


def keep_longer(manager: "MediaFileManager") -> None:
    """Make a file manager delete only files that no page has shown for some seconds."""
    # Streamlit has no public way to these; tests hold that they do what is promised.
    unneeded_files = manager._get_inactive_file_ids
    files, makers = _Unneeded(FILE_SECONDS), _Unneeded(MAKER_SECONDS)

    def files_to_drop() -> set[str]:
        return files.long_enough(unneeded_files())

    def drop_makers() -> None:
        needed = {
            file_id
            for places in manager._files_by_session_and_coord.values()
            for file_id in places.values()
        }
        for file_id in makers.long_enough(manager._deferred_callables.keys() - needed):
            manager._drop_deferred_id(file_id)

    # Both are called with the manager's lock held.
    manager._get_inactive_file_ids = files_to_drop  # type: ignore[method-assign]
    manager._remove_orphaned_deferred_callables = drop_makers  # type: ignore[method-assign]


def forget_makers(manager: "MediaFileManager", session_id: str) -> None:
    """Delete the file makers of an ended visit at once, because they hold its photos."""
    with manager._lock:
        for file_id in list(manager._deferred_ids_by_session.get(session_id, ())):
            manager._drop_deferred_id(file_id)


class _Unneeded:
    """Records since when each item has been unneeded."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[str, float] = {}

    def long_enough(self, unneeded: Iterable[str]) -> set[str]:
        """Return the items that have been unneeded for a given time."""
        now = time.monotonic()
        self._since = {name: self._since.get(name, now) for name in unneeded}
        return {name for name, since in self._since.items() if now - since >= self._seconds}
