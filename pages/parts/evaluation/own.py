"""A visitor's own network: a bundle in a zip, or a table of predictions, kept in the session's memory."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.data_names import data_name, source_of, split_of
from fer_core.errors import BundleError, DataError
from fer_core.listing import listed
from fer_core.networks.bundles import default_networks, resolve
from pages.shared.downloads import offer_file
from pages.shared.predictions import stored_predictions
from pages.shared.verbatim import message_as_text, name_as_code, public_message

if TYPE_CHECKING:
    from collections.abc import Collection

    from fer_core.evaluation.predictions import EvaluationResult
    from fer_core.evaluation.user_bundles import UserBundle
    from fer_core.networks.bundles import BundleSpec

_KEPT: Final = "own_network"
_FILE: Final = "own_file"
_MOST_MEGABYTES: Final = 50
_FORMS: Final = (
    "- **A bundle as a zip**: `spec.json` and `predictions/SOURCE-SPLIT.parquet`; weights may be left out.\n"
    "- **A table of predictions** for the data set above, as CSV or Parquet.\n\n"
    "Files stay in this session's memory and are not stored."
)
_COLUMNS: Final = (
    "Fill in the probabilities. **clean** is false for duplicates in the training data of {}. Adapt it to "
    "yours, or leave it out to use this one."
)


@dataclass(frozen=True, slots=True, eq=False)
class Own:
    """A visitor's network on the chosen data set.

    Attributes:
        name: what it is called here; none of ours is called so.
        result: its predictions.
        spec: its spec under that name; None if a table was uploaded.
    """

    name: str
    result: "EvaluationResult"
    spec: "BundleSpec | None"


def offer_own(data: str, taken: "Collection[str]") -> Own | None:
    """Offer to add a network, and return it if it has predictions on "SOURCE:SPLIT".

    Args:
        data: the chosen data set.
        taken: names of our networks.
    """
    from fer_core.evaluation.predictions import EvaluationResult

    template = _template(data, taken)
    with st.expander("Add your own network", icon=":material/upload_file:"):
        st.markdown(_FORMS)
        if template is not None:
            _offer_template(data, *template)
        file = st.file_uploader(
            f"Zip, CSV or Parquet, at most {_MOST_MEGABYTES} MB",
            type=["zip", "csv", "parquet"],
            max_upload_size=_MOST_MEGABYTES,
            key=_FILE,
            on_change=_forget_removed,
        )
        kept = st.session_state.get(_KEPT)
        if file is None and kept is not None:
            # Streamlit empties the widget when its page is left.
            st.button("Remove your network", icon=":material/delete:", on_click=_forget)
    if file is not None and (kept is None or kept[0] != file.file_id):
        try:
            ours = template[1] if template else None
            kept = file.file_id, data, _parse(file.getvalue(), file.name, ours)
        except DataError as error:
            kept = file.file_id, data, error
        st.session_state[_KEPT] = kept
    if kept is None:
        return None
    _, given_for, given = kept
    if isinstance(given, DataError):
        st.error(f"**Your file cannot be used.** {public_message(given)}", icon=":material/report:")
        return None
    if isinstance(given, EvaluationResult):
        if data != given_for:
            st.info(
                f"Your table is of {data_name(given_for)}. Add one of this data set in its place.",
                icon=":material/database_off:",
            )
            return None
        return Own(_free("own", taken), given, None)
    _describe(given)
    if data not in given.results:
        names = ", ".join(data_name(known) for known in given.results)
        st.info(
            f"Your network has no predictions on this data set. It has: {message_as_text(names)}.",
            icon=":material/database_off:",
        )
        return None
    name = _free(given.spec.name, taken)
    return Own(name, given.results[data], given.spec.model_copy(update={"name": name}))


def _template(data: str, ours: "Collection[str]") -> "tuple[str, EvaluationResult] | None":
    """Return one of our networks with its predictions on "SOURCE:SPLIT"; None if none can be read."""
    from fer_core.evaluation.predictions import predictions_path

    for name in dict.fromkeys((*default_networks(), *ours)):
        try:
            file = predictions_path(resolve(name).path, source_of(data), split_of(data))
            return name, stored_predictions(file)
        except (BundleError, DataError):
            continue
    return None


def _offer_template(data: str, name: str, result: "EvaluationResult") -> None:
    """Offer a table with the rows of a network's predictions to fill in."""
    from fer_core.evaluation.user_predictions import template_csv

    offer_file(
        "Template for this data set (CSV)",
        lambda: template_csv(result),
        f"{data.replace(':', '-')}-template.csv",
        "text/csv",
        help=_COLUMNS.format(name_as_code(name)),
    )


def _forget_removed() -> None:
    """Forget the network when the visitor takes its file out of the widget."""
    if st.session_state[_FILE] is None:
        _forget()


def _forget() -> None:
    st.session_state.pop(_KEPT, None)


def _parse(
    content: bytes, name: str, ours: "EvaluationResult | None"
) -> "UserBundle | EvaluationResult":
    from fer_core.evaluation.user_bundles import parse_user_bundle
    from fer_core.evaluation.user_predictions import parse_predictions

    if name.lower().endswith(".zip"):
        return parse_user_bundle(content, name)
    return parse_predictions(content, name, ours=ours)


def _describe(bundle: "UserBundle") -> None:
    checked = listed(map(name_as_code, bundle.verified))
    st.success(
        f"{name_as_code(bundle.spec.name)}: predictions on {len(bundle.results)} "
        f"{'data set' if len(bundle.results) == 1 else 'data sets'}"
        + (f"; sha256 of {checked} verified." if checked else ".")
        + f" {message_as_text(bundle.spec.title)}",
        icon=":material/check_circle:",
    )


def _free(name: str, taken: "Collection[str]") -> str:
    """Return a name that no other network has."""
    return f"{name} (own)" if name in taken else name
