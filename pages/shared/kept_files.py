"""Files that a page offers stay for a while after the page that offered them was drawn anew.

Streamlit throws a file away that no drawn page shows, whenever any visitor's page has been drawn. A file
that is made at a click, as all that can be taken away is, belongs to no drawn page at all: two pages drawn
between its making and the browser's asking for it, of whomever, and the browser gets a 404. What makes it is
thrown away likewise if the visitor clicks while the page is being drawn.
"""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import streamlit as st

if TYPE_CHECKING:
    from streamlit.runtime.media_file_manager import MediaFileManager

#: From when nobody needs a file to when it goes: a busy server's page, and a slow connection's click.
SECONDS: Final = 60.0


@st.cache_resource(show_spinner=False)
def keep_files_for_a_while() -> None:
    """Let this server keep what it offers for a minute more. Call it in app.py."""
    from streamlit import runtime

    if runtime.exists():
        keep_for(runtime.get_instance().media_file_mgr, SECONDS)


def keep_for(manager: "MediaFileManager", seconds: float) -> None:
    """Let a manager of files throw away only what nobody has needed for that long."""
    # Streamlit has no public way to these; tests hold that they do what is promised.
    unneeded_files = manager._get_inactive_file_ids
    files, makers = _Unneeded(seconds), _Unneeded(seconds)

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


class _Unneeded:
    """Remembers since when something has been needed by nobody."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[str, float] = {}

    def long_enough(self, unneeded: Iterable[str]) -> set[str]:
        """Return what has been unneeded for the time given, of all that is unneeded now."""
        now = time.monotonic()
        self._since = {name: self._since.get(name, now) for name in unneeded}
        return {name for name, since in self._since.items() if now - since >= self._seconds}
