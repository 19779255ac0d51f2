"""Choosing whose predictions on which faces to look at, and reading them once for all visitors.

Stored predictions hold no photo of anybody's, so they are shared. A visitor's own predictions stay in the
visitor's session.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.data_names import data_name, source_of
from fer_core.errors import BundleError, DataError
from fer_core.networks.bundles import (
    FER2013_PAIR,
    SERVING_FILE,
    Bundle,
    bundle_names,
    opinions,
    resolve,
)
from fer_core.settings import models_root
from pages.shared.titles import spec_of
from pages.shared.verbatim import message_as_text, name_as_code

if TYPE_CHECKING:
    import numpy as np

    from fer_core.evaluation.intervals import Estimate
    from fer_core.evaluation.predictions import EvaluationResult
    from fer_core.evaluation.robustness import Robustness

ALL_FACES: Final = "All faces"
CLEAN_FACES: Final = "Without copies"
#: What is looked at first, if it is there: test splits, which no choice was made on.
_FIRST_DATA: Final = ("ferplus:test", "fer2013:test")
#: Whose own labels FER2013_PAIR learnt alone.
_FER2013: Final = "fer2013"
_OWN: Final = "own_predictions"


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """What the visitor looks at.

    Attributes:
        data: "SOURCE:SPLIT".
        faces: ALL_FACES or CLEAN_FACES.
        results: on the chosen faces, by network, the visitor's own last; all within the same expressions.
        whole: the same networks on all faces.
        knows_copies: whether any row is known to have a copy in Training.
    """

    data: str
    faces: str
    results: "dict[str, EvaluationResult]"
    whole: "dict[str, EvaluationResult]"
    knows_copies: bool

    @property
    def on(self) -> str:
        """Which rows of which data set these are, in words."""
        sizes = sorted({len(result) for result in self.results.values()})
        n = " or ".join(f"{size:,}" for size in sizes)
        kind = "all" if self.faces == ALL_FACES else "without a copy in the training data:"
        return f"{data_name(self.data)}, {kind} {n} faces."


def choose_predictions() -> Chosen | None:
    """Offer networks, data sets and faces, and return what was chosen, if it can be read."""
    catalog = _catalog()
    if not catalog:
        st.info(
            "**No predictions are here.** They come with a network that was measured: "
            "`python -m training evaluate BUNDLE --data fer2013:test`.",
            icon=":material/database_off:",
        )
        return None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        data = st.selectbox(
            "Data set and split",
            list(catalog),
            format_func=data_name,
            key="data",
            bind="query-params",
            width=320,
        )
        names = st.multiselect(
            "Networks",
            list(catalog[data]),
            default=_usual_networks(data, catalog[data]),
            # A key a data set, since not every network was measured on every one.
            key=f"networks-{data}",
            bind="query-params",
            placeholder="Choose networks",
            width=420,
        )
        faces = st.segmented_control(
            "Faces",
            [ALL_FACES, CLEAN_FACES],
            default=ALL_FACES,
            required=True,
            key="faces",
            bind="query-params",
            help="A tenth of FER2013's test faces have a copy in its training split. Leave them out to see "
            "how a network does on faces that it cannot have learnt by heart.",
        )
    results = {}
    for name in names:
        try:
            results[name] = _read(catalog[data][name])
        except DataError as error:
            st.error(f"{name_as_code(name)}: {message_as_text(error)}", icon=":material/report:")
    own = _offer_own()
    if own is not None:
        results["own"] = own
    if not results:
        st.info("Choose a network.", icon=":material/arrow_upward:")
        return None
    try:
        results = _on_common_ground(results)
    except DataError as error:
        st.error(message_as_text(error), icon=":material/report:")
        return None
    knows_copies = any(not result.clean.all() for result in results.values())
    chosen = results
    if faces == CLEAN_FACES:
        chosen = {name: result.select(result.clean) for name, result in results.items()}
    empty = [name for name, result in chosen.items() if not len(result)]
    for name in empty:
        st.warning(f"{name_as_code(name)} has no such faces.", icon=":material/warning:")
        del chosen[name]
    return Chosen(data, str(faces), chosen, results, knows_copies) if chosen else None


def _on_common_ground(results: "dict[str, EvaluationResult]") -> "dict[str, EvaluationResult]":
    """Return results that can be compared, and say what was left out for it."""
    from fer_core.evaluation.predictions import on_common_ground

    common = on_common_ground(results)
    first = next(iter(common.values())).expressions
    if any(set(result.expressions) != set(first) for result in results.values()):
        st.info(
            "These networks do not know the same expressions. They are compared on the faces labelled "
            f"{', '.join(first[:-1])} or {first[-1]}, and by their answers among these alone.",
            icon=":material/balance:",
        )
    return common


def estimates_of(results: "Mapping[str, EvaluationResult]") -> "dict[str, dict[str, Estimate]]":
    """Return the headline measures of each network, computed once a session for the same predictions."""
    from fer_core.evaluation.intervals import estimate

    known = st.session_state.setdefault("estimates", {})
    keys = {
        name: hash((r.probabilities.tobytes(), r.labels.tobytes(), r.expressions))
        for name, r in results.items()
    }
    for name, result in results.items():
        if keys[name] not in known:
            known[keys[name]] = estimate(result)
    return {name: known[keys[name]] for name in results}


def found_faces(chosen: Chosen) -> "np.ndarray | None":
    """Return bool (N,), where a face was found among the chosen faces; None if nobody looked.

    A network that sees landmarks records it, so that any such network's predictions tell.
    """
    import numpy as np

    first = next(iter(chosen.results.values()))
    for name, file in _catalog()[chosen.data].items():
        spec = spec_of(name)
        if spec is None or spec.landmark_features is None:
            continue
        try:
            result = _read(file)
        except DataError:
            continue
        result = result.select(np.isin(result.rows, first.rows))
        if np.array_equal(result.rows, first.rows):
            return result.found_face
    return None


def _usual_networks(data: str, here: Iterable[str]) -> list[str]:
    """Return the networks that are shown at first; for FER2013, the pair that was trained on it alone."""
    wanted = FER2013_PAIR if source_of(data) == _FER2013 else opinions()
    return [name for name in wanted if name in here] or list(here)[:2]


def _catalog() -> dict[str, dict[str, Path]]:
    """Return the stored predictions by "SOURCE:SPLIT", then by network, the first choice first."""
    from fer_core.evaluation.predictions import predictions_of

    catalog: dict[str, dict[str, Path]] = {}
    for name in bundle_names():
        for data, file in predictions_of(_folder(name)).items():
            catalog.setdefault(data, {})[name] = file
    return dict(sorted(catalog.items(), key=_place))


def _place(item: tuple[str, dict[str, Path]]) -> tuple[int, str]:
    """Return what data sets are sorted by."""
    data, _ = item
    first = _FIRST_DATA.index(data) if data in _FIRST_DATA else len(_FIRST_DATA)
    return first, data


def _folder(name: str) -> Path:
    """Return where the predictions of the weights lie that answer; a damaged bundle's may still be read."""
    try:
        return resolve(name).path
    except BundleError:
        return models_root() / name


def _read(file: Path) -> "EvaluationResult":
    state = file.stat()
    return _read_version(str(file), state.st_mtime_ns, state.st_size)


@st.cache_resource(show_spinner=False, max_entries=64)
def _read_version(file: str, modified_ns: int, size: int) -> "EvaluationResult":
    from fer_core.evaluation.predictions import read_predictions

    return read_predictions(Path(file))


def robustness_of(bundle: Bundle, data: str) -> "Robustness | None":
    """Return a network's answers to corrupted images of "SOURCE:SPLIT"; None if nobody asked it.

    Raises:
        DataError: the file is damaged or of other weights.
    """
    from fer_core.evaluation.robustness import robustness_path

    source, _, split = data.partition(":")
    file = robustness_path(bundle.path, source, split)
    if not file.is_file():
        return None
    weights = bundle.spec.sha256.get(SERVING_FILE)
    return _robustness_version(bundle, source, split, str(file), file.stat().st_mtime_ns, weights)


# The leading underscore keeps Streamlit from hashing the bundle; file and checksum stand for it.
@st.cache_resource(show_spinner=False, max_entries=16)
def _robustness_version(
    _bundle: Bundle, source: str, split: str, file: str, modified_ns: int, weights: str | None
) -> "Robustness | None":
    from fer_core.evaluation.robustness import stored_robustness

    return stored_robustness(_bundle, source, split)


def _offer_own() -> "EvaluationResult | None":
    """Offer to look at predictions of the visitor's own beside the stored ones."""
    from fer_core.evaluation.predictions import parse_predictions

    with st.expander("Compare with your own predictions", icon=":material/upload_file:"):
        st.markdown(
            "A CSV or parquet file with a row a face: `row` (the image's number in the data set), `label` "
            "(index of its expression among the columns that follow), `p_angry` ... `p_neutral` "
            "(probabilities that add up to 1, but for rounding), `found_face` and `clean` (true or false, 1 "
            "or 0). It stays in this session's memory."
        )
        file = st.file_uploader(
            f"Predictions file, at most {st.get_option('server.maxUploadSize')} MB",
            type=["csv", "parquet"],
            key="own_file",
        )
    if file is None:
        st.session_state.pop(_OWN, None)
        return None
    kept = st.session_state.get(_OWN)
    if kept is None or kept[0] != file.file_id:
        try:
            kept = file.file_id, parse_predictions(file.getvalue(), file.name)
        except DataError as error:
            kept = file.file_id, error
        st.session_state[_OWN] = kept
    if isinstance(kept[1], DataError):
        st.error(
            f"**Your file cannot be used.** {message_as_text(kept[1])}", icon=":material/report:"
        )
        return None
    return kept[1]
