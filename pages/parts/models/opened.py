"""Choosing a bundle of any kind, and reading its layers."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from fer_core.errors import FerError
from fer_core.networks.bundles import BaseBundle, Bundle, all_names, default_networks
from fer_core.networks.layers import read_layers
from pages.shared.links import linked, tell_unknown
from pages.shared.networks import chosen_networks
from pages.shared.titles import label_of
from pages.shared.verbatim import public_message

if TYPE_CHECKING:
    from fer_core.networks.layers import Layer

    AnyBundle = BaseBundle[Any]


def choose_bundle() -> "AnyBundle | None":
    """Offer the bundles and return the chosen one; show an error if there is none or it is damaged."""
    from fer_core.networks.kinds import resolve_any

    names = all_names()
    if not names:
        st.error(
            "There is no network here. Restore the folder `models` from version control, or train one with: "
            "`python -m training fit cnn`",
            icon=":material/report:",
        )
        return None
    used = [name for name in default_networks() if name in names]
    words = {name: name for name in names}
    tell_unknown("model", words)
    on_change = linked("model", words, used[-1] if used else names[0], key="model")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Model", names, format_func=label_of, key="model", on_change=on_change, width=320
        )
        use = st.empty()
    try:
        bundle = resolve_any(name)
        if isinstance(bundle, Bundle) and [name] != chosen_networks():
            use.page_link(
                "../analyze.py",
                label="Use it on photos",
                icon=":material/photo_camera:",
                query_params={"networks": name},
            )
        return bundle
    except FerError as error:
        st.error(
            f"**This network cannot be opened.** {public_message(error)}", icon=":material/report:"
        )
        return None


def layers_or_explain(bundle: "AnyBundle") -> "tuple[Layer, ...] | None":
    """Return the layers of a bundle's network; show the reason and return None if they are unknown."""
    try:
        layers = read_layers(bundle)
    except FerError as error:
        st.warning(f"Its layers cannot be shown. {public_message(error)}", icon=":material/report:")
        return None
    if layers is None:
        st.info(
            "This network has no table of layers, so its architecture cannot be shown. Write it with: "
            f"`python -m training describe models/{bundle.spec.name}`"
        )
    return layers
