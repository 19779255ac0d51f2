"""The architecture, the speed and the training of a network."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from fer_core.data_names import data_name
from fer_core.errors import FerError
from fer_core.listing import capitalized
from fer_core.networks.bundles import HISTORY_FILE, SERVING_FILE, BaseBundle, BundleSpec
from pages.parts.glossary import defined
from pages.shared.verbatim import message_as_text, name_as_code, public_message
from pages.shared.views import show_view

if TYPE_CHECKING:
    from fer_core.networks.layers import Layer
    from fer_core.networks.speed import Speed

    AnyBundle = BaseBundle[Any]

_SPEEDS: Final = "measured_speeds"


def show_architecture(bundle: "AnyBundle", layers: "Sequence[Layer]") -> None:
    """Show a network's architecture and the cost of its stages."""
    from fer_core.views.models import architecture_view, cost_view, layer_rows

    left, right = st.columns(2, gap="medium")
    with left:
        show_view(architecture_view(bundle.spec, layers))
    with right:
        show_view(cost_view(bundle.spec, layers), help=defined("Multiply-adds"))
        with st.expander("All layers"):
            st.dataframe(layer_rows(layers), hide_index=True)


def show_speed(bundle: "AnyBundle") -> None:
    """Offer to measure a network's speed here, and show the measurements of this session."""
    from fer_core.networks.speed import measure_speed

    st.subheader("Speed on this server")
    measured: dict[str, tuple[Speed, datetime]] = st.session_state.setdefault(_SPEEDS, {})
    key = bundle.spec.sha256.get(SERVING_FILE, bundle.spec.name)
    if st.button("Measure on this machine", icon=":material/timer:"):
        try:
            with st.spinner("Measuring for a second or two"):
                measured[key] = measure_speed(bundle), datetime.now(UTC)
        except FerError as error:
            st.warning(public_message(error), icon=":material/hourglass:")
    if key not in measured:
        st.caption("Network only, on random input, without face and landmark detection.")
        return
    speed, when = measured[key]
    with st.container(horizontal=True):
        for n, milliseconds in speed.milliseconds.items():
            label = "One face at a time" if n == 1 else f"{n} faces at a time"
            st.metric(label, f"{milliseconds:.2f} ms per face", border=True, width="content")
    st.caption(
        f"Medians, {when:%Y-%m-%d %H:%M} UTC, {speed.cpu}, {speed.cores} cores. Network only, on random "
        "input, without face and landmark detection."
    )


def show_training(bundle: "AnyBundle") -> None:
    """Show the training of the weights."""
    spec = bundle.spec
    data = spec.training_data
    st.subheader("Training")
    notes = [message_as_text(capitalized(note)) for note in data.note.split("; ") if note]
    if data.sha256:
        notes.append(f"sha256 of these rows: `{data.sha256[:12]}`")
    st.markdown(
        f"- **Data**: {data.n:,} rows of {message_as_text(data_name(f'{data.source}:{data.split}'))}\n"
        + "".join(f"  - {note}\n" for note in notes)
        + f"- **Backend**: {message_as_text(spec.backend)}\n"
        f"- **Code**: commit {name_as_code(spec.code_commit)}\n"
        f"- **Licence** of the weights: {message_as_text(spec.license)}. They learnt from data sets that "
        "were published for research: check whether they may be used commercially where you are (see NOTICE)."
    )
    _show_learning(bundle)
    with st.expander("Recipe: all settings"):
        st.json(spec.recipe, expanded=1)


def _show_learning(bundle: "AnyBundle") -> None:
    """Show the learning curves, if the network has a history."""
    import pandas as pd

    from fer_core.views.learning import learning_view

    file = bundle.path / HISTORY_FILE
    if not file.is_file():
        st.caption("There is no training history of this network.")
        return
    chosen_on = bundle.spec.chosen_on if isinstance(bundle.spec, BundleSpec) else None
    try:
        view = learning_view(pd.read_csv(file), bundle.spec.name, chosen_on)
    except (ValueError, KeyError):
        st.error(
            f"`{HISTORY_FILE}` of this network is damaged. Restore it from version control.",
            icon=":material/report:",
        )
        return
    show_view(view)
