"""The choice of networks, data set and faces. A visitor's own predictions stay in the session."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.data_names import caution_of, data_name, source_of, split_of
from fer_core.errors import BundleError, DataError
from fer_core.files import version_of
from fer_core.networks.bundles import (
    FER2013_PAIR,
    SERVING_FILE,
    Bundle,
    BundleSpec,
    bundle_names,
    default_networks,
    resolve,
)
from fer_core.settings import models_root
from pages.parts.evaluation.own import offer_own
from pages.parts.glossary import defined
from pages.shared.links import linked, linked_list, tell_unknown
from pages.shared.predictions import stored_predictions
from pages.shared.titles import label_of, spec_of
from pages.shared.verbatim import name_as_code, public_message

if TYPE_CHECKING:
    import numpy as np

    from fer_core.evaluation.intervals import Estimate
    from fer_core.evaluation.predictions import EvaluationResult
    from fer_core.evaluation.robustness import Robustness

ALL_FACES: Final = "All faces"
CLEAN_FACES: Final = "Without duplicates"
#: Order of default data sets: test splits, on which nothing was chosen.
_FIRST_DATA: Final = ("ferplus:test", "fer2013:test")
#: Whose own labels FER2013_PAIR learnt alone.
_FER2013: Final = "fer2013"
#: Predictions whose measures are kept: of every network on every data set, some with fewer classes.
_MOST_ESTIMATES: Final = 300
#: Key of the widget: the networks that answer on other pages are another choice.
_NETWORKS: Final = "evaluated_networks"


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """The visitor's choice.

    Attributes:
        data: "SOURCE:SPLIT".
        faces: ALL_FACES or CLEAN_FACES.
        results: on the chosen faces, by network, the visitor's own last; all within the same expressions.
        whole: the same networks on all faces.
        specs: of the networks that open, the visitor's bundle among them.
        knows_copies: whether any row is known to be a duplicate of a training image.
    """

    data: str
    faces: str
    results: "dict[str, EvaluationResult]"
    whole: "dict[str, EvaluationResult]"
    specs: dict[str, BundleSpec]
    knows_copies: bool

    @property
    def on(self) -> str:
        """The data set and its rows, in words."""
        sizes = sorted({len(result) for result in self.results.values()})
        n = " or ".join(f"{size:,}" for size in sizes)
        if self.faces == ALL_FACES:
            on = f"{data_name(self.data)}: all {n} faces."
        else:
            on = f"{data_name(self.data)}: {n} faces without duplicates in the training data."
        caution = caution_of(self.data)
        return f"{on} {caution}" if caution else on


def choose_predictions(*, applies: bool = True) -> Chosen | None:
    """Offer networks, data sets and faces, and return the choice, if it can be read.

    Args:
        applies: whether what is shown depends on the choice; without, it cannot be changed.
    """
    catalog = _catalog()
    if not catalog:
        st.info(
            "**There are no predictions yet.** Evaluate a network: "
            "`python -m training evaluate BUNDLE --data fer2013:test`.",
            icon=":material/database_off:",
        )
        return None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        data, names, faces = _choose(catalog, disabled=not applies)
    if applies:
        _explain_networks(data, names)
    else:
        st.caption(
            "This view uses its own photos or faces, and shows every network that was measured on them."
        )
    results = {}
    for name in names:
        try:
            results[name] = stored_predictions(catalog[data][name])
        except DataError as error:
            st.error(f"{name_as_code(name)}: {public_message(error)}", icon=":material/report:")
    specs = {name: spec for name in results if (spec := spec_of(name))}
    own = offer_own(data, bundle_names()) if applies else None
    if own is not None:
        results[own.name] = own.result
        if own.spec is not None:
            specs[own.name] = own.spec
    if not results:
        st.info("Choose a network.", icon=":material/arrow_upward:")
        return None
    try:
        results = _on_common_ground(results)
    except DataError as error:
        st.error(public_message(error), icon=":material/report:")
        return None
    knows_copies = any(not result.clean.all() for result in results.values())
    chosen = results
    if faces == CLEAN_FACES:
        chosen = {name: result.select(result.clean) for name, result in results.items()}
    empty = [name for name, result in chosen.items() if not len(result)]
    for name in empty:
        st.warning(f"{name_as_code(name)} has no such faces.", icon=":material/warning:")
        del chosen[name]
    return Chosen(data, faces, chosen, results, specs, knows_copies) if chosen else None


def _choose(catalog: dict[str, dict[str, Path]], *, disabled: bool) -> tuple[str, list[str], str]:
    """Return the chosen data set, networks and faces; the URL keeps them."""
    words = {data.replace(":", "-"): data for data in catalog}
    tell_unknown("data", words)
    tell_unknown("networks", {name for names in catalog.values() for name in names})
    on_data = linked("data", words, next(iter(catalog)), key="data")
    data = st.selectbox(
        "Data set",
        list(catalog),
        format_func=data_name,
        key="data",
        on_change=on_data,
        disabled=disabled,
        width=320,
    )
    here = list(catalog[data])
    on_networks = linked_list(
        "networks", {name: name for name in here}, _usual_networks(data, here), key=_NETWORKS
    )
    names = st.multiselect(
        "Networks",
        here,
        format_func=label_of,
        key=_NETWORKS,
        on_change=on_networks,
        placeholder="Choose networks",
        disabled=disabled,
        width=560,
    )
    kinds = {"all": ALL_FACES, "clean": CLEAN_FACES}
    on_faces = linked("faces", kinds, ALL_FACES, key="faces")
    faces = st.segmented_control(
        "Faces",
        list(kinds.values()),
        required=True,
        key="faces",
        on_change=on_faces,
        disabled=disabled,
        help=f"{defined(ALL_FACES, CLEAN_FACES)}  \nA tenth of FER2013's test faces are duplicates of "
        "training images. Without them, a network cannot score by having memorized them.",
    )
    return str(data), names, str(faces)


def _explain_networks(data: str, names: Sequence[str]) -> None:
    """Say why other networks are shown than elsewhere, where that is so."""
    if source_of(data) == _FER2013 and list(names) == list(FER2013_PAIR) != default_networks():
        st.caption(
            "For FER2013, networks trained on it alone come first. Those of the other pages are in the list."
        )


def choose_network(
    names: Sequence[str], *, parameter: str = "network", label: str = "Network"
) -> str:
    """Return the chosen network, by default the last; the URL keeps it."""
    on_change = linked(parameter, {name: name for name in names}, names[-1], key=parameter)
    return str(
        st.selectbox(
            label, names, format_func=label_of, key=parameter, on_change=on_change, width=300
        )
    )


def _on_common_ground(results: "dict[str, EvaluationResult]") -> "dict[str, EvaluationResult]":
    """Return comparable results, and show what was left out."""
    from fer_core.evaluation.predictions import on_common_ground

    common = on_common_ground(results)
    first = next(iter(common.values())).expressions
    if any(set(result.expressions) != set(first) for result in results.values()):
        st.info(
            "These networks know different expressions. They are compared on the faces labelled "
            f"{', '.join(first[:-1])} or {first[-1]}, with probabilities among these only.",
            icon=":material/balance:",
        )
    return common


def estimates_of(results: "Mapping[str, EvaluationResult]") -> "dict[str, dict[str, Estimate]]":
    """Return the measures of each network with intervals.

    They are computed once for all visitors, and once per session for a visitor's own predictions.
    """
    from fer_core.evaluation.intervals import estimate

    known = st.session_state.setdefault("estimates", {})
    ours = bundle_names()
    estimates = {}
    for name, result in results.items():
        key = hash((result.probabilities.tobytes(), result.labels.tobytes(), result.expressions))
        if name in ours:
            estimates[name] = _estimates_of(key, result)
        else:
            if key not in known:
                known[key] = estimate(result)
            estimates[name] = known[key]
    return estimates


@st.cache_resource(max_entries=_MOST_ESTIMATES, show_spinner=False)
def _estimates_of(key: int, _result: "EvaluationResult") -> "dict[str, Estimate]":
    """Return the measures of the predictions of a network of ours, by which `key` is made."""
    from fer_core.evaluation.intervals import estimate

    return estimate(_result)


def found_faces(chosen: Chosen) -> "tuple[np.ndarray, np.ndarray] | None":
    """Return rows, int (N,), and whether a face was found in each, bool (N,); None if unknown.

    Predictions of networks that see landmarks record it.
    """
    import numpy as np

    first = next(iter(chosen.results.values()))
    for name, file in _catalog()[chosen.data].items():
        spec = spec_of(name)
        if spec is None or spec.landmark_features is None:
            continue
        try:
            result = stored_predictions(file)
        except DataError:
            continue
        result = result.select(np.isin(result.rows, first.rows))
        if np.array_equal(result.rows, first.rows):
            return result.rows, result.found_face
    return None


def _usual_networks(data: str, here: Iterable[str]) -> list[str]:
    """Return the networks that are shown by default; for FER2013, the pair trained on it alone."""
    wanted = FER2013_PAIR if source_of(data) == _FER2013 else default_networks()
    return [name for name in wanted if name in here] or list(here)[:2]


def _catalog() -> dict[str, dict[str, Path]]:
    """Return the stored predictions by "SOURCE:SPLIT", then by network; the default comes first."""
    from fer_core.evaluation.predictions import predictions_of

    catalog: dict[str, dict[str, Path]] = {}
    for name in bundle_names():
        for data, file in predictions_of(_folder(name)).items():
            catalog.setdefault(data, {})[name] = file
    return dict(sorted(catalog.items(), key=_place))


def _place(item: tuple[str, dict[str, Path]]) -> tuple[int, str]:
    """Return the sort key of a data set."""
    data, _ = item
    first = _FIRST_DATA.index(data) if data in _FIRST_DATA else len(_FIRST_DATA)
    return first, data


def _folder(name: str) -> Path:
    """Return the folder with the predictions of the weights in use, even of a damaged bundle."""
    try:
        return resolve(name).path
    except BundleError:
        return models_root() / name


def robustness_of(bundle: Bundle, data: str) -> "Robustness | None":
    """Return a network's predictions on degraded images of "SOURCE:SPLIT"; None without any.

    Raises:
        DataError: the file is damaged or of other weights.
    """
    from fer_core.evaluation.robustness import robustness_path

    source, split = source_of(data), split_of(data)
    file = robustness_path(bundle.path, source, split)
    if not file.is_file():
        return None
    weights = bundle.spec.sha256.get(SERVING_FILE)
    return _robustness_version(bundle, source, split, str(file), version_of(file), weights)


# The leading underscore keeps Streamlit from hashing the bundle; file and checksum stand for it.
@st.cache_resource(show_spinner=False, max_entries=16)
def _robustness_version(
    _bundle: Bundle,
    source: str,
    split: str,
    file: str,
    version: tuple[int, int],
    weights: str | None,
) -> "Robustness | None":
    from fer_core.evaluation.robustness import stored_robustness

    return stored_robustness(_bundle, source, split)
