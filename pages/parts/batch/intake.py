"""The intake of a batch: the visitor's uploads, and the work on them while the page stays usable.

The page's own run does the work: it shows each photo that is done, and there Streamlit ends a run when the
visitor clicks or leaves. The next run resumes where that one stopped, and a visitor who left has none.
"""

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.batch.inputs import PhotoBytes
from fer_core.errors import FerError
from fer_core.photos.decode import LARGEST_IN_WORDS
from pages.parts.batch.jobs import PAUSES, forget_videos
from pages.parts.batch.taken import MAX_MEGABYTES, MAX_PHOTOS, Taken
from pages.parts.batch.work import Batch, Task
from pages.shared import notes
from pages.shared.loading import (
    are_of_all_networks,
    show_missing_networks,
    show_no_model,
    specs_of_networks,
)
from pages.shared.networks import chosen_networks, offer_networks
from pages.shared.paste_drop import take_pasted_and_dropped_files
from pages.shared.photo_intake import tell_if_uploads_are_refused
from pages.shared.uploads import delete_all_uploads, delete_uploads, still_there
from pages.shared.verbatim import message_as_text

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator
    from streamlit.runtime.uploaded_file_manager import DeletedFile, UploadedFile

#: Between two pictures of the growing table.
_TABLE_SECONDS: Final = 2.0
_BATCH: Final = "batch"
#: What all uploads hold, and what those hold that the widget no longer shows.
_TAKEN: Final = "batch_taken"
_KEPT: Final = "batch_kept"
_GENERATION: Final = "batch_generation"
#: Keys of the widgets that choose rows of the results: another batch begins without them.
FILTERS: Final = ("batch_outcomes", "batch_agreements", "batch_expressions")


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
    return taken.videos if isinstance(taken, Taken) else {}


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


def _take(listed: "list[UploadedFile | DeletedFile]") -> Taken | None:
    """Return what a widget's files and those before it hold; None if it lists the same files as before."""
    before, kept = (st.session_state.get(key) for key in (_TAKEN, _KEPT))
    file_ids = tuple(file.file_id for file in listed)
    if isinstance(before, Taken) and before.listed == file_ids:
        return None
    taken = kept.copy() if isinstance(kept, Taken) else Taken()
    taken.listed = file_ids
    there = {upload.file_id: upload for upload in still_there(listed)}
    for file_id in file_ids:
        if file_id in there:
            taken.add(there[file_id])
        elif isinstance(before, Taken) and file_id in before.refused:
            taken.refuse(file_id, before.refused[file_id])
    return taken


def _remove() -> None:
    # A new key empties the widget, which would still show what is forgotten.
    st.session_state[_GENERATION] += 1
    for key in (_BATCH, _KEPT, *FILTERS):
        st.session_state.pop(key, None)
    st.session_state[_TAKEN] = Taken()
    forget_videos(keep=())
    delete_all_uploads()
