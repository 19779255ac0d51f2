"""The photos of a visit, read and unread, in the visitor's session and nowhere else.

No cache, which all visitors share, and no disk. What one page took in is there on the others.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Self

import streamlit as st

from fer_core.content import check_is_photo
from fer_core.errors import ImageDecodeError
from fer_core.photos.decode import NO_MEMORY, Photo, decode
from fer_core.photos.faults import unexpected
from pages.shared.examples import Example
from pages.shared.waiting import place_in_queue, show_working

if TYPE_CHECKING:
    import numpy as np


#: Decoded pixels that one visitor may keep on the server, 3 bytes each: ten photos of a phone (4032x3024).
MAX_MEGAPIXELS_KEPT: Final = 125

#: Side in pixels of a photo's thumbnail.
_THUMBNAIL: Final = 160
# Keys in the session.
_INTAKE: Final = "intake"
_CURRENT: Final = "current_photo"
_SENT: Final = "sent_files"
_STAND_IN: Final = "stand_in_example"
_TOOK: Final = "took_photos"


@dataclass(frozen=True, slots=True, eq=False)
class ChosenPhoto:
    """A photo of this visitor.

    Attributes:
        key: stands for the photo in the session.
        name: file name as uploaded.
        photo: the pixels.
        thumbnail: uint8 (side, side, 3), a square of the photo of 160 pixels a side at most.
    """

    key: str
    name: str
    photo: Photo
    thumbnail: "np.ndarray"

    @classmethod
    def of(cls, key: str, name: str, photo: Photo) -> Self:
        """Return a photo with its thumbnail."""
        from fer_core.drawing import fit_long_side

        height, width = photo.rgb.shape[:2]
        side = min(height, width)
        # The upper part of a portrait, where faces mostly are.
        left = (width - side) // 2
        square = photo.rgb[:side, left : left + side]
        return cls(key, name, photo, fit_long_side(square, smallest=1, largest=_THUMBNAIL).copy())


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A file that is not shown, with the reason for the visitor.

    Attributes:
        name: file name as uploaded.
        message: the reason.
        is_beyond_limit: whether it is a photo for which there is no room.
    """

    name: str
    message: str
    is_beyond_limit: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class SentFile:
    """A file that was not read yet.

    Attributes:
        key: stands for the file in the session.
        name: file name as uploaded.
        content: gives its bytes.
    """

    key: str
    name: str
    content: Callable[[], bytes]

    def read(self) -> ChosenPhoto | UnreadableFile:
        """Decode the file."""
        try:
            content = self.content()
            check_is_photo(content)
            return ChosenPhoto.of(self.key, self.name, decode(content))
        except ImageDecodeError as error:
            return UnreadableFile(self.name, str(error))
        except MemoryError:
            # `decode` says this of its own work; `content` copies the file.
            return UnreadableFile(self.name, NO_MEMORY)
        except Exception as error:
            # It would be tried again at every rerun.
            return UnreadableFile(self.name, unexpected(error))


@dataclass(frozen=True, slots=True, eq=False)
class Intake:
    """The photos of a visit, and the unreadable files of the last upload."""

    photos: tuple[ChosenPhoto, ...] = ()
    unreadable: tuple[UnreadableFile, ...] = ()

    def with_one_more(self, file: ChosenPhoto | UnreadableFile) -> "Intake":
        """Return the intake with a file added; as unreadable if the visit's pixel limit is exceeded."""
        if isinstance(file, ChosenPhoto):
            pixels = sum(p.photo.width * p.photo.height for p in (*self.photos, file))
            if pixels <= MAX_MEGAPIXELS_KEPT * 1_000_000:
                return Intake((*self.photos, file), self.unreadable)
            file = UnreadableFile(
                file.name,
                f"One visit holds {MAX_MEGAPIXELS_KEPT} megapixels, and there is no room for more. Remove "
                "other photos, or use the page Batch and video.",
                is_beyond_limit=True,
            )
        return Intake(self.photos, (*self.unreadable, file))


def took_any() -> bool:
    """Return whether this visit has taken a file of the visitor's choice, kept or not."""
    return bool(st.session_state.get(_TOOK))


def current_intake() -> Intake:
    """Return the photos of this visit."""
    intake = st.session_state.get(_INTAKE)
    return intake if isinstance(intake, Intake) else Intake()


def has_photos() -> bool:
    """Return whether there are photos, read or not: the visitor's, or an example in their place."""
    return bool(current_intake().photos or st.session_state.get(_SENT))


def has_own_photos() -> bool:
    """Return whether the visitor has added photos: an example in their place does not count."""
    stand_in = st.session_state.get(_STAND_IN)
    keys = [file.key for file in (*current_intake().photos, *st.session_state.get(_SENT, ()))]
    return any(key != stand_in for key in keys)


def current_key(intake: Intake) -> str | None:
    """Return the key of the current photo: the chosen one, else the newest; None without photos."""
    keys = [photo.key for photo in intake.photos]
    current = st.session_state.get(_CURRENT)
    return current if current in keys else keys[-1] if keys else None


def select(key: str) -> None:
    """Make the photo with a key the current one."""
    st.session_state[_CURRENT] = key


def remove(key: str) -> None:
    """Remove the photo with a key."""
    intake = current_intake()
    kept = tuple(p for p in intake.photos if p.key != key)
    st.session_state[_INTAKE] = Intake(kept, intake.unreadable)


def dismiss_unreadable() -> None:
    """Forget the files that could not be read."""
    st.session_state[_INTAKE] = Intake(current_intake().photos)


def add_picture(name: str, image_rgb: "np.ndarray") -> None:
    """Add a picture, uint8 (H, W, 3), to the photos of the session."""
    from fer_core.drawing import encode_png

    take([SentFile(name, name, lambda: encode_png(image_rgb))])


def remove_picture(name: str) -> None:
    """Remove the picture that was added under this name, read or not."""
    _forget_waiting(name)
    remove(name)


def is_stand_in(photo: ChosenPhoto) -> bool:
    """Return whether a photo is an example that a page shows until the visitor adds a photo."""
    return photo.key == st.session_state.get(_STAND_IN)


def put_stand_in(example: Example | None) -> None:
    """Show an example until the visitor adds a photo; None removes the one of another page."""
    before = st.session_state.get(_STAND_IN)
    if before is not None and (example is None or before != example_key(example)):
        remove(before)
        _forget_waiting(before)
        st.session_state[_STAND_IN] = None
    if example is not None and not has_photos():
        took = took_any()
        take_example(example)
        st.session_state[_TOOK] = took
        st.session_state[_STAND_IN] = example_key(example)


def _forget_waiting(key: str) -> None:
    st.session_state[_SENT] = tuple(f for f in st.session_state.get(_SENT, ()) if f.key != key)


def example_key(example: Example) -> str:
    """Return the key of an example in the session."""
    return f"example_{example.file.stem}"


def take_example(example: Example) -> None:
    """Add an example to the photos of the session, as the visitor's choice."""
    key = example_key(example)
    take([SentFile(key, example.file.name, example.file.read_bytes)])
    st.session_state[_STAND_IN] = None


def take(files: Iterable[SentFile]) -> None:
    """Add files to the photos of the session; the last one becomes the current one, also if it was there."""
    given = list(files)
    known = {photo.key for photo in current_intake().photos}
    waiting = st.session_state.get(_SENT, ())
    sent = [file for file in given if file.key not in {*known, *(w.key for w in waiting)}]
    st.session_state[_TOOK] = True
    st.session_state[_SENT] = (*waiting, *sent)
    # What could not be read was said once.
    st.session_state[_INTAKE] = Intake(current_intake().photos)
    if given:
        st.session_state[_CURRENT] = given[-1].key


def read_what_was_sent() -> None:
    """Decode waiting files one by one; the next rerun continues if this one is interrupted.

    Raises:
        BusyError: the server is busy; files that were not read yet are kept.
    """
    place = st.empty()
    while sent := st.session_state.get(_SENT):
        file, *others = sent
        with place_in_queue(partial(show_working, place)):
            read = file.read()
        intake = current_intake()
        stand_in = st.session_state.get(_STAND_IN)
        if isinstance(read, ChosenPhoto) and read.key != stand_in:
            own = tuple(photo for photo in intake.photos if photo.key != stand_in)
            intake = Intake(own, intake.unreadable)
        st.session_state[_INTAKE] = intake.with_one_more(read)
        st.session_state[_SENT] = tuple(others)
    place.empty()
