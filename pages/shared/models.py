"""Loading models once for all visitors, and running them once per photo.

What is cached here is shared by all sessions: it is read-only and safe between threads, and no photo is
ever in it. Everything heavy is imported where it is used, so that a page appears before.
"""

import dataclasses
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.errors import AnalysisError, BusyError, FerError
from fer_core.networks.bundles import SERVING_FILE, Bundle, resolve
from pages.shared.examples import Example
from pages.shared.networks import chosen_networks
from pages.shared.photo_intake import offer_photos
from pages.shared.titles import spec_of
from pages.shared.turns import show_busy, show_working, turn
from pages.shared.verbatim import message_as_text, name_as_code, public_message
from pages.shared.visit_photos import (
    ChosenPhoto,
    Intake,
    UnreadableFile,
    current_key,
    put_stand_in,
)

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from fer_core.analysis import Analysis, Analyzer
    from fer_core.faces.finder import FaceFinder
    from fer_core.networks.classifier import Classifier
    from fer_core.networks.keypoints import KeypointBundle, KeypointFinder

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
        _show_unreadable(intake.unreadable)
        analyses, failed = analyze_photos(intake.photos)
    except BusyError as error:
        show_busy(error)
        st.stop()
    except FerError as error:
        show_no_model(error, st.empty())
        st.stop()
    if failed:
        _show_unreadable(failed)
        analyzed = tuple(photo for photo in intake.photos if photo.key in analyses)
        intake = Intake(analyzed, intake.unreadable + failed)
    if analyses:
        show_missing_networks()
    key = current_key(intake)
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


def show_no_model(error: FerError, place: "DeltaGenerator") -> None:
    """Show in a place that no photo can be analyzed, and why."""
    place.error(
        f"**The model cannot be loaded, so photos cannot be analyzed.** {public_message(error)}",
        icon=":material/report:",
    )


def show_missing_networks() -> None:
    """Show why chosen networks cannot be loaded, if there are such."""
    for missing in load_classifiers()[1]:
        st.warning(
            f"One of the networks cannot be loaded. {public_message(missing)}",
            icon=":material/report:",
        )


def load_analyzer(names: Iterable[str] | None = None) -> "Analyzer":
    """Return the pipeline with given networks; by default with those of this visit that can be opened.

    Raises:
        BundleError: one of the names does not open; without names, if none does.
    """
    from fer_core.analysis import Analyzer

    if names is None:
        return load_openable(chosen_networks())
    return Analyzer(_load_finder(), {name: _open_classifier(name) for name in names})


def load_openable(names: Iterable[str]) -> "Analyzer":
    """Return the pipeline with those of the networks that can be opened; raise BundleError if none can."""
    from fer_core.analysis import Analyzer

    classifiers, errors = load_classifiers(names)
    if not classifiers:
        raise errors[0]
    return Analyzer(_load_finder(), classifiers)


def load_classifiers(
    names: Iterable[str] | None = None,
) -> "tuple[dict[str, Classifier], list[FerError]]":
    """Return the networks that can be opened, by name, and the errors of the others.

    Args:
        names: of networks; by default those of this visit.
    """
    classifiers, errors = {}, []
    for name in chosen_networks() if names is None else names:
        try:
            classifiers[name] = _open_classifier(name)
        except FerError as error:
            errors.append(error)
    return classifiers, errors


def _open_classifier(name: str) -> "Classifier":
    bundle = resolve(name)
    return _load_classifier(bundle, folder=str(bundle.path), spec=bundle.spec.model_dump_json())


def specs_of_networks() -> tuple[str, ...]:
    """Return the basis of predictions: each network's spec as JSON, with checksums and calibration."""
    return tuple(spec.model_dump_json() for name in chosen_networks() if (spec := spec_of(name)))


def are_of_all_networks(analyses: "Collection[Analysis]") -> bool:
    """Return whether analyses have exactly the networks that can be opened now."""
    if not analyses:
        return True
    loaded = list(load_classifiers()[0])
    return all(list(analysis.model_seconds) == loaded for analysis in analyses)


def analyze_photos(
    photos: Sequence[ChosenPhoto],
) -> "tuple[dict[str, Analysis], tuple[UnreadableFile, ...]]":
    """Return each photo's analysis by its key, and those that failed, which the next run tries again.

    A status line shows while there is work to do.

    Raises:
        BundleError: a model is missing or damaged.
        BusyError: the server is busy; analyses so far are kept.
    """
    specs = specs_of_networks()
    kept_specs, known = st.session_state.get(_ANALYSES, (specs, {}))
    if kept_specs != specs or not are_of_all_networks(known.values()):
        known = {}
    analyses: dict[str, Analysis] = {p.key: known[p.key] for p in photos if p.key in known}
    # Stored at once and filled below: if this run is interrupted, the next one continues.
    st.session_state[_ANALYSES] = specs, analyses
    failed: list[UnreadableFile] = []
    waiting = [photo for photo in photos if photo.key not in analyses]
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
                with turn(partial(_say, place, name), has_waited=i == 1):
                    show_working(place, f"Looking at {name}")
                    analyses[photo.key] = analyzer.analyze(photo.photo)
            except AnalysisError as error:
                failed.append(UnreadableFile(photo.name, str(error)))
        place.empty()
    return analyses, tuple(failed)


def _say(place: "DeltaGenerator", name: str, words: str) -> None:
    show_working(place, f"{name}: {words}")


# The leading underscore keeps Streamlit from hashing the bundle; folder and spec, with its checksums and
# calibration, stand for it.
@st.cache_resource(show_spinner=False, max_entries=8)
def _load_classifier(_bundle: Bundle, *, folder: str, spec: str) -> "Classifier":
    from fer_core.networks.classifier import Classifier

    return Classifier(_bundle)


def load_keypoint_finder() -> "KeypointFinder | None":
    """Return the keypoint network; None if it is missing.

    Raises:
        BundleError: it is damaged.
    """
    from fer_core.networks.keypoints import resolve_keypoints

    bundle = resolve_keypoints()
    if bundle is None:
        return None
    sha256 = bundle.spec.sha256.get(SERVING_FILE)
    return _load_keypoint_finder(bundle, folder=str(bundle.path), sha256=sha256)


@st.cache_resource(show_spinner=False, max_entries=2)
def _load_keypoint_finder(
    _bundle: "KeypointBundle", *, folder: str, sha256: str | None
) -> "KeypointFinder":
    from fer_core.networks.keypoints import KeypointFinder

    return KeypointFinder(_bundle)


@st.cache_resource(show_spinner=False)
def _load_finder() -> "FaceFinder":
    from fer_core.faces.finder import FaceFinder

    return FaceFinder()
