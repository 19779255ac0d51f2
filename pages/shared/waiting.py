"""Waiting for a server that is busy with other visitors' photos."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.batch.photo_queue import Wait
from fer_core.errors import BusyError
from pages.shared.photo_queue import photo_queue
from pages.shared.verbatim import message_as_text

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

#: Before work that has time asks again.
_BUSY_SECONDS: Final = 2.0


def place_in_queue(
    say: Callable[[str], object], *, has_waited: bool = False
) -> AbstractContextManager[None]:
    """Wait until a photo may be read or analyzed, and hold the place meanwhile; one place per photo.

    Args:
        say: shows what is said while waiting.
        has_waited: whether the photo, now to be analyzed, has waited to be read.

    Raises:
        BusyError: too many wait already.
    """
    return photo_queue().place(lambda wait: say(in_words(wait)), has_waited=has_waited)


@contextmanager
def patient_place(say: Callable[[str], object]) -> Iterator[None]:
    """Wait like `place_in_queue`, for work that is not urgent: if the queue is full, it tries again later."""
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(place_in_queue(say))
                break
            except BusyError:
                say("the server is busy, trying again")
                time.sleep(_BUSY_SECONDS)
        yield


def in_words(wait: Wait) -> str:
    """Return the message for a waiting visitor, such as "2 photos are ahead of yours, about 3 s"."""
    if wait.before == 0:
        return "Your photo is next"
    photos = "1 photo is" if wait.before == 1 else f"{wait.before} photos are"
    about = "" if wait.seconds is None else f", about {max(1, round(wait.seconds))} s"
    return f"{photos} ahead of yours{about}"


def show_working(place: "DeltaGenerator", words: str) -> None:
    """Show that work is in progress, in one element: a status would take 50 ms to appear."""
    place.info(words, icon="spinner")


def show_busy(error: BusyError, *, key: str = "busy") -> None:
    """Show that the server is busy, with a button of this key to try again; no file is lost."""
    st.warning(f"**The server is busy.** {message_as_text(error)}", icon=":material/groups:")
    st.button("Try again", icon=":material/refresh:", key=key)
