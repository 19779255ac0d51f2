"""A visitor's batch: photos are taken in, and analyzed one by one while the page stays usable.

The page's own run does the work: it shows each photo that is done, and there Streamlit ends a run when the
visitor clicks or leaves. The next run resumes where that one stopped, and a visitor who left has none. One
photo at a time is decoded, so that the models are shared with others after each; nothing is kept but the
uploads, in the session, and what `fer_core.batch.results` keeps of a photo.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.batch.inputs import PhotoBytes, PhotoSource, Refused, kind_of, uploaded_photos
from fer_core.batch.progress import Progress
from fer_core.batch.skipped import Skipped
from fer_core.content import Kind
from fer_core.errors import FerError
from fer_core.photos.decode import LARGEST_IN_WORDS
from pages.parts.batch.jobs import PAUSES, forget_videos
from pages.shared import notes
from pages.shared.loading import (
    are_of_all_networks,
    load_analyzer,
    show_missing_networks,
    show_no_model,
    specs_of_networks,
)
from pages.shared.networks import chosen_networks, offer_networks
from pages.shared.paste_drop import take_pasted_and_dropped_files
from pages.shared.photo_intake import tell_if_uploads_are_refused
from pages.shared.uploads import delete_all_uploads, delete_uploads, still_there
from pages.shared.verbatim import message_as_text
from pages.shared.waiting import patient_place

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator
    from streamlit.runtime.uploaded_file_manager import DeletedFile, UploadedFile

    from fer_core.batch.results import AnnotatedZip, PhotoResult

MAX_PHOTOS: Final = 500
#: Of all uploads of one batch, in units of 1,000,000 bytes: they stay in memory until they are removed.
MAX_MEGABYTES: Final = 1000
#: Between two pictures of the growing table.
_TABLE_SECONDS: Final = 2.0
_BATCH: Final = "batch"
#: What all uploads hold, and what those hold that the widget no longer shows.
_TAKEN: Final = "batch_taken"
_KEPT: Final = "batch_kept"
_GENERATION: Final = "batch_generation"
#: Keys of the widgets that choose rows of the results: another batch begins without them.
FILTERS: Final = ("batch_outcomes", "batch_agreements", "batch_expressions")


class Task(StrEnum):
    """The current task of a batch."""

    LOOKING = "Analyzing photos"
    ZIPPING = "Drawing the annotated photos"


@dataclass(slots=True, eq=False)
class _BegunZip:
    """A zip that is being made: the archive, and the number of photos that it was given."""

    archive: "AnnotatedZip"
    n_photos: int = 0


@dataclass(slots=True, eq=False)
class Batch:
    """The photos that a visitor uploaded.

    A click starts the next run of the page while the run before works on its photo. So each photo takes a
    lock, and a run that was overtaken writes only to what it began with.

    Attributes:
        files: by a key that stands for the photo, in order.
        n_left_out: photos beyond MAX_PHOTOS.
        skipped: sentences about what else is in the zips.
        specs: of the networks that answered, as `specs_of_networks` gives them.
        results: of the photos that were looked at, by key.
        task: what is going on; None while nothing is.
        zip: of the annotated photos, once it was made.
        n_not_zipped: photos that are missing in it, as they could not be read again.
        before: specs and results of the networks before these.
        no_model: why no network could be loaded, which ended the task.
    """

    files: dict[str, PhotoSource]
    n_left_out: int
    specs: tuple[str, ...]
    results: "dict[str, PhotoResult]"
    skipped: tuple[str, ...] = ()
    task: Task | None = None
    zip: bytes | None = None
    n_not_zipped: int = 0
    before: "tuple[tuple[str, ...], dict[str, PhotoResult]] | None" = field(
        default=None, repr=False, kw_only=True
    )
    no_model: FerError | None = field(default=None, kw_only=True)
    _progress: Progress | None = field(default=None, repr=False)
    _begun_zip: _BegunZip | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def is_busy(self) -> bool:
        """Whether a task is running."""
        return self.task is not None

    @property
    def keys(self) -> list[str]:
        """The keys of the analyzed photos, in the order of upload."""
        return [key for key in self.files if key in self.results]

    @property
    def in_order(self) -> "list[tuple[PhotoSource, PhotoResult]]":
        """The analyzed photos, in the order of upload."""
        return [(self.files[key], self.results[key]) for key in self.keys]

    @property
    def progress(self) -> Progress:
        """Progress of the task."""
        if self._progress is None:
            if self.task is Task.LOOKING:
                self._progress = Progress(len(self.files), done=len(self.results))
            else:
                done = self._begun_zip.n_photos if self._begun_zip else 0
                self._progress = Progress(len(self.results), done=done)
        return self._progress

    def restart_clock(self) -> None:
        """Measure the speed from now on."""
        self._progress = None

    @property
    def is_looking(self) -> bool:
        """Whether photos are being analyzed."""
        return self.task is Task.LOOKING

    @property
    def is_whole(self) -> bool:
        """Whether every photo was analyzed."""
        return len(self.results) == len(self.files)

    @property
    def has_begun_zip(self) -> bool:
        """Whether a zip is unfinished."""
        return self._begun_zip is not None

    @property
    def n_failed(self) -> int:
        """Number of photos that failed for a temporary reason."""
        return sum(result.failed for result in self.results.values())

    def start(self, task: Task) -> None:
        """Start or resume a task."""
        self.task, self._progress, self.zip, self.no_model = task, None, None, None
        if task is Task.LOOKING:
            # A zip that is begun would lack what is found now.
            self._begun_zip = None

    def look_again(self, *, at_failed_only: bool = False) -> None:
        """Forget results and analyze again, either all photos or the failed ones."""
        self.results = {k: r for k, r in self.results.items() if at_failed_only and not r.failed}
        self.start(Task.LOOKING)

    def change_networks(self, specs: tuple[str, ...]) -> None:
        """Analyze with other networks; the results of those before are kept, and come back with them."""
        if specs == self.specs:
            # A network that could not be opened can be now, or the other way round.
            self.look_again()
            return
        before = self.before
        # Of networks that nothing was asked yet, there is nothing to keep.
        if self.results:
            self.before = self.specs, self.results
        found = before[1] if before and before[0] == specs else {}
        self.specs = specs
        self.results = {key: found[key] for key in self.files if key in found}
        self.start(Task.LOOKING)
        if self.is_whole:
            self.cancel()

    def cancel(self) -> None:
        """Stop the task and keep its results."""
        self.task = None

    def work(self, say: Callable[[str], object]) -> Iterator[None]:
        """Continue the task, pausing briefly after each photo.

        Args:
            say: shows what is said while photos of others are before the next one.
        """
        yield from self._look(say) if self.task is Task.LOOKING else self._zip(say)

    def _look(self, say: Callable[[str], object]) -> Iterator[None]:
        from fer_core.batch.results import look_at

        # Those of the networks that are loaded now: other networks get results of their own meanwhile.
        results = self.results
        analyzer = load_analyzer()
        for key, file in self.files.items():
            if key in results:
                continue
            with patient_place(say), self._lock:
                # The run before may have been working on it.
                if key in results:
                    continue
                results[key] = look_at(file, analyzer)
            yield
        if results is self.results:
            self.task = None

    def _zip(self, say: Callable[[str], object]) -> Iterator[None]:
        from fer_core.batch.results import AnnotatedZip

        with self._lock:
            begun = self._begun_zip = self._begun_zip or _BegunZip(AnnotatedZip())
        for number, (file, result) in enumerate(self.in_order, start=1):
            if number <= begun.n_photos:
                continue
            with patient_place(say), self._lock:
                if number <= begun.n_photos:
                    continue
                begun.archive.add(number, file, result)
                begun.n_photos = number
            yield
        with self._lock:
            if begun is self._begun_zip:
                self.n_not_zipped = begun.archive.n_left_out
                self.zip, self._begun_zip, self.task = begun.archive.finish(), None, None


@dataclass(slots=True, eq=False)
class _Taken:
    """The content of a batch's uploads.

    Attributes:
        files: the photos, by key.
        videos: by key.
        skipped: counts what else is in the zips.
        n_left_out: photos beyond MAX_PHOTOS.
        n_bytes: size of all uploads within MAX_MEGABYTES.
        refused: names of the uploads beyond MAX_MEGABYTES, by `file_id`; their bytes are deleted.
        listed: `file_id` of each upload that the widget lists.
    """

    files: dict[str, PhotoSource] = field(default_factory=dict)
    videos: dict[str, PhotoBytes] = field(default_factory=dict)
    skipped: Skipped = field(default_factory=Skipped)
    n_left_out: int = 0
    n_bytes: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    listed: tuple[str, ...] = ()

    def copy(self) -> "_Taken":
        """Return a copy that more can be added to; what was uploaded is not copied."""
        return replace(
            self,
            files=self.files.copy(),
            videos=self.videos.copy(),
            skipped=deepcopy(self.skipped),
            refused=self.refused.copy(),
        )

    def add(self, upload: "UploadedFile") -> None:
        """Add an upload, or the reason why it is too much."""
        content = upload.getvalue()
        if self.n_bytes + len(content) > MAX_MEGABYTES * 1_000_000:
            self.refuse(upload.file_id, upload.name)
            return
        self.n_bytes += len(content)
        if kind_of(content, upload.name) in (Kind.VIDEO, Kind.ANIMATION):
            self.videos[upload.file_id] = PhotoBytes(upload.name, content)
            return
        self._add_photos(upload.file_id, uploaded_photos(upload.name, content, self.skipped))

    def refuse(self, file_id: str, name: str) -> None:
        """Add the reason why an upload is too much."""
        self.refused[file_id] = name
        limit = f"This file exceeds the limit of {MAX_MEGABYTES:,} MB per batch."
        self._add_photos(
            file_id, [Refused(name, f"{limit} Remove other files and upload it again.")]
        )

    def _add_photos(self, file_id: str, photos: Iterable[PhotoSource]) -> None:
        for i, photo in enumerate(photos):
            if len(self.files) < MAX_PHOTOS:
                self.files[f"{file_id}/{i}"] = photo
            else:
                self.n_left_out += 1


def current_batch() -> Batch | None:
    """Offer the upload, and return the uploaded photos; None without any."""
    # Random, since a page that outlived its session still shows the files that it gave under an old key.
    generation = st.session_state.setdefault(_GENERATION, secrets.randbelow(1_000_000_000))
    if _TAKEN not in st.session_state:
        notes.show_lost_visit()
    tell_if_uploads_are_refused("Uploads")
    key = f"batch_upload_{generation}"
    st.file_uploader(
        "Photos, zips of photos, or videos",
        accept_multiple_files=True,
        key=key,
        help=f"Photos of at most {LARGEST_IN_WORDS}, also in zips. An animated GIF counts as a video. "
        "For more, use the command line: `python -m fer_core analyze`.",
        on_change=_take_widget,
        args=(key,),
    )
    take_pasted_and_dropped_files()
    # Not what the widget returns, which leaves out the files whose bytes are deleted.
    if not st.session_state[key]:
        # Streamlit empties the widget when its page is left. Further uploads are added to what it held.
        st.session_state[_KEPT] = st.session_state.get(_TAKEN)
    below = st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    )
    below.caption(
        f"Up to {MAX_PHOTOS} photos; {st.get_option('server.maxUploadSize')} MB per file, "
        f"{MAX_MEGABYTES:,} MB in total. A phone's video of a minute is often larger: shorten it, or record "
        "in 720p.",
        width="content",
    )
    with below:
        offer_networks()
    batch = st.session_state.get(_BATCH)
    if not isinstance(batch, Batch) or not batch.files:
        if current_videos():
            with below:
                _offer_removal()
        return None
    found = [r.analysis for r in batch.results.values() if r.analysis is not None]
    specs = specs_of_networks()
    if batch.specs != specs or not are_of_all_networks(found):
        batch.change_networks(specs)
    batch.specs = specs
    if n := batch.n_left_out:
        st.warning(
            f"{n:,} photo{'' if n == 1 else 's'} beyond the limit of {MAX_PHOTOS} "
            f"{'was' if n == 1 else 'were'} skipped.",
            icon=":material/content_cut:",
        )
    for line in batch.skipped:
        st.caption(message_as_text(line))
    if batch.no_model is not None:
        show_no_model(batch.no_model, st.empty())
    if batch.results:
        show_missing_networks()
    with below:
        _show_state(batch)
    return batch


def current_videos() -> dict[str, PhotoBytes]:
    """Return the uploaded videos, by their keys."""
    taken = st.session_state.get(_TAKEN)
    return taken.videos if isinstance(taken, _Taken) else {}


def resume(batch: Batch, bar: "DeltaGenerator", show: Callable[[Batch], object]) -> None:
    """Continue a batch's task, and rerun the page when it is done. Call it last in a page.

    Streamlit ends this run at any of the calls in it, when the visitor clicks or leaves.

    Args:
        batch: with a task.
        bar: where the progress is shown.
        show: shows what is found so far.
    """

    def say(words: str) -> None:
        bar.progress(batch.progress.share, f"{batch.task}: {words}; {PAUSES}")

    # The time on other pages does not count.
    batch.restart_clock()
    say(str(batch.progress))
    shown_at = -_TABLE_SECONDS
    try:
        for _ in batch.work(say):
            batch.progress.step()
            if batch.is_looking and time.monotonic() - shown_at >= _TABLE_SECONDS:
                show(batch)
                shown_at = time.monotonic()
            say(str(batch.progress))
    except FerError as error:
        batch.cancel()
        # A copy: an error that was raised keeps the frames of its callers, and with them the photos.
        batch.no_model = FerError(str(error))
    st.rerun()


# What a widget calls outlives the visit, as Streamlit keeps widgets: so it holds no batch.
# A click may come when the batch was removed by another that came with it.
def start(task: Task) -> None:
    """Start or resume a task of this visitor's batch when a widget is clicked."""
    if batch := st.session_state.get(_BATCH):
        batch.start(task)


def _cancel() -> None:
    if batch := st.session_state.get(_BATCH):
        batch.cancel()


def _look_at_failed() -> None:
    if batch := st.session_state.get(_BATCH):
        batch.look_again(at_failed_only=True)


def networks_of(batch: Batch) -> list[str]:
    """Return the networks of the results."""
    names = {name for r in batch.results.values() for face in r.faces for name in face.predictions}
    return [name for name in chosen_networks() if name in names] or chosen_networks()


def _show_state(batch: Batch) -> None:
    """Offer to stop or resume the task, or to remove all photos."""
    with st.container(horizontal=True, vertical_alignment="center", width="content"):
        if batch.is_busy:
            st.button("Cancel", on_click=_cancel, icon=":material/stop_circle:")
            return
        if not batch.is_whole:
            st.markdown(f"Stopped after {len(batch.results):,} of {len(batch.files):,} photos.")
            st.button(
                "Resume",
                on_click=start,
                args=(Task.LOOKING,),
                icon=":material/play_circle:",
                type="primary",
            )
        elif n_failed := batch.n_failed:
            st.button(
                f"Try again ({n_failed:,})",
                on_click=_look_at_failed,
                icon=":material/refresh:",
                help="Photos that failed for a reason that may be temporary, such as too little memory.",
            )
        _offer_removal()


def _offer_removal() -> None:
    """Offer to remove all uploads, which takes a second click: they would have to be uploaded again."""
    with st.popover("Remove all", icon=":material/delete:"):
        st.button("Remove photos, videos and results", on_click=_remove, type="primary")


def _take_widget(key: str) -> None:
    """Replace the files of this visit of the page; results of those that stay are kept."""
    taken = _take(st.session_state[key])
    if taken is None:
        return
    delete_uploads(taken.refused)
    before = st.session_state.get(_BATCH)
    if isinstance(before, Batch):
        known = {key: before.results[key] for key in taken.files if key in before.results}
        batch = Batch(taken.files, taken.n_left_out, before.specs, known, before=before.before)
    else:
        batch = Batch(taken.files, taken.n_left_out, specs_of_networks(), {})
    batch.skipped = tuple(taken.skipped.lines())
    if not batch.is_whole:
        batch.start(Task.LOOKING)
    st.session_state[_BATCH] = batch
    st.session_state[_TAKEN] = taken
    forget_videos(keep=taken.videos)


def _take(listed: "list[UploadedFile | DeletedFile]") -> _Taken | None:
    """Return what a widget's files and those before it hold; None if it lists the same files as before."""
    before, kept = (st.session_state.get(key) for key in (_TAKEN, _KEPT))
    file_ids = tuple(file.file_id for file in listed)
    if isinstance(before, _Taken) and before.listed == file_ids:
        return None
    taken = kept.copy() if isinstance(kept, _Taken) else _Taken()
    taken.listed = file_ids
    there = {upload.file_id: upload for upload in still_there(listed)}
    for file_id in file_ids:
        if file_id in there:
            taken.add(there[file_id])
        elif isinstance(before, _Taken) and file_id in before.refused:
            taken.refuse(file_id, before.refused[file_id])
    return taken


def _remove() -> None:
    # A new key empties the widget, which would still show what is forgotten.
    st.session_state[_GENERATION] += 1
    for key in (_BATCH, _KEPT, *FILTERS):
        st.session_state.pop(key, None)
    st.session_state[_TAKEN] = _Taken()
    forget_videos(keep=())
    delete_all_uploads()
