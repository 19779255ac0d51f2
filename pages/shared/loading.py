"""Loading models once for all visitors.

What is cached here is shared by all sessions: it is read-only and safe between threads, and no photo is
ever in it. Everything heavy is imported where it is used, so that a page appears before.
"""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import streamlit as st

from fer_core.errors import FerError
from fer_core.networks.bundles import SERVING_FILE, Bundle, resolve
from pages.shared.networks import chosen_networks
from pages.shared.titles import spec_of
from pages.shared.verbatim import public_message

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from fer_core.analysis import Analysis, Analyzer
    from fer_core.faces.finder import FaceFinder
    from fer_core.networks.classifier import Classifier
    from fer_core.networks.keypoints import KeypointBundle, KeypointFinder


def show_no_model(error: FerError, place: "DeltaGenerator") -> None:
    """Show in a place that no photo can be analyzed, and why."""
    place.error(
        f"**No network can be loaded, so photos cannot be analyzed.** {public_message(error)}",
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
