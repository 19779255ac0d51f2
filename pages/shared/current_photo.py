"""The photo that a page shows, and the analysis of each photo of a visit."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.errors import AnalysisError, BusyError, FerError, TooManyFacesError
from pages.shared.examples import Example
from pages.shared.loading import (
    are_of_all_networks,
    load_analyzer,
    show_missing_networks,
    show_no_model,
    specs_of_networks,
)
from pages.shared.photo_intake import offer_photos
from pages.shared.verbatim import message_as_text, name_as_code
from pages.shared.visit_photos import (
    ChosenPhoto,
    Intake,
    UnreadableFile,
    current_key,
    dismiss_unreadable,
    put_stand_in,
)
from pages.shared.waiting import place_in_queue, show_busy, show_working

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from fer_core.analysis import Analysis

_ANALYSES: Final = "analyses"


@dataclass(frozen=True, slots=True, eq=False)
class Current:
    """The photo that a page shows, and its analysis.

    Attributes:
        intake: all that the visitor gave last; a photo that could not be analyzed counts as unreadable.
        analyses: of each photo, by its key.
        photo: the one to look at.
    """

    intake: Intake
    analyses: "dict[str, Analysis]"
    photo: ChosenPhoto

    @property
    def analysis(self) -> "Analysis":
        """The analysis of the current photo."""
        return self.analyses[self.photo.key]


def current_photo(*, example: Example | None = None) -> Current | None:
    """Offer the photo intake, analyze new photos, and return the current photo, if any.

    What cannot be read is said in its place; without models the page ends here, and says why.

    Args:
        example: to show until the visitor adds a photo.
    """
    put_stand_in(example)
    try:
        intake = offer_photos()
        if intake.unreadable:
            _show_unreadable(intake.unreadable)
            st.button(
                "Dismiss", on_click=dismiss_unreadable, type="tertiary", icon=":material/close:"
            )
        analyses, failed = analyze_photos(intake.photos)
    except BusyError as error:
        show_busy(error)
        st.stop()
    except FerError as error:
        show_no_model(error, st.empty())
        st.stop()
    # Also of a photo that could not be analyzed: another one in its place would be taken for it.
    key = current_key(intake)
    if failed:
        _show_unreadable(failed)
        analyzed = tuple(photo for photo in intake.photos if photo.key in analyses)
        intake = Intake(analyzed, intake.unreadable + failed)
    if analyses:
        show_missing_networks()
    photo = next((photo for photo in intake.photos if photo.key == key), None)
    if photo is None:
        return None
    analysis = analyses[photo.key]
    if analysis.quarter_turns:
        photo = dataclasses.replace(photo, photo=analysis.shown(photo.photo))
    return Current(intake, analyses, photo)


def _show_unreadable(files: Sequence[UnreadableFile]) -> None:
    names: dict[tuple[str, bool], list[str]] = {}
    for file in files:
        names.setdefault((file.message, file.is_beyond_limit), []).append(name_as_code(file.name))
    for (message, is_beyond_limit), of in names.items():
        named = ", ".join(of)
        if is_beyond_limit:
            st.warning(f"{named}: {message_as_text(message)}", icon=":material/photo_library:")
            st.page_link(
                "../batch.py", label="Open Batch and video", icon=":material/photo_library:"
            )
        else:
            st.error(f"{named}: {message_as_text(message)}", icon=":material/broken_image:")


def analyze_photos(
    photos: Sequence[ChosenPhoto],
) -> "tuple[dict[str, Analysis], tuple[UnreadableFile, ...]]":
    """Return each photo's analysis by its key, and those that failed.

    The next run tries again, unless a photo fails at every try. A status line shows while there is work.

    Raises:
        BundleError: a model is missing or damaged.
        BusyError: the server is busy; analyses so far are kept.
    """
    specs = specs_of_networks()
    kept_specs, known, refused = st.session_state.get(_ANALYSES, (specs, {}, {}))
    if kept_specs != specs or not are_of_all_networks(known.values()):
        known = {}
    analyses: dict[str, Analysis] = {p.key: known[p.key] for p in photos if p.key in known}
    never: dict[str, UnreadableFile] = {p.key: refused[p.key] for p in photos if p.key in refused}
    # Stored at once and filled below: if this run is interrupted, the next one continues.
    st.session_state[_ANALYSES] = specs, analyses, never
    failed: list[UnreadableFile] = []
    waiting = [photo for photo in photos if photo.key not in {*analyses, *never}]
    # Always present, so that later elements keep their place. Otherwise the browser would recreate them at
    # the next rerun and lose clicks on them.
    place = st.empty()
    if waiting:
        show_working(place, "Loading the models")
        analyzer = load_analyzer()
        for i, photo in enumerate(waiting, start=1):
            name = f"{name_as_code(photo.name)} ({i} of {len(waiting)})"
            try:
                # Only the first, so that many photos of one visit do not hold up those of others.
                with place_in_queue(partial(_say, place, name), has_waited=i == 1):
                    show_working(place, f"Looking at {name}")
                    analyses[photo.key] = analyzer.analyze(photo.photo)
            except TooManyFacesError as error:
                never[photo.key] = UnreadableFile(photo.name, str(error))
            except AnalysisError as error:
                failed.append(UnreadableFile(photo.name, str(error)))
        place.empty()
    return analyses, (*never.values(), *failed)


def _say(place: "DeltaGenerator", name: str, words: str) -> None:
    show_working(place, f"{name}: {words}")
