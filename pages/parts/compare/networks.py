"""The networks that are compared, and the message if there is only one."""

from typing import TYPE_CHECKING

import streamlit as st

from fer_core.listing import listed
from fer_core.networks.bundles import DEFAULT_PAIR, bundle_names
from pages.shared.networks import chosen_networks
from pages.shared.titles import title_of

if TYPE_CHECKING:
    from fer_core.analysis import Analysis, FaceAnalysis
    from fer_core.networks.classifier import Prediction


def pair_of(face: "FaceAnalysis") -> "dict[str, Prediction]":
    """Return the first and the last network's prediction on a face, by the names of their bundles."""
    items = list(face.predictions.items())
    return dict([items[0], items[-1]])


def show_only_one() -> None:
    """Explain that there is nothing to compare, and what is missing."""
    here = bundle_names()
    missing = [name for name in DEFAULT_PAIR if name not in here]
    if len(chosen_networks()) < 2 <= len(here):
        reason = "Choose a second one."
    elif missing:
        commands = listed(f"`python -m training fit {name}`" for name in missing)
        reason = (
            f"Missing here: {', '.join(missing)}. Train with {commands}, or copy the bundle into the "
            "folder of models."
        )
    else:
        reason = "One of them cannot be loaded."
    st.info(f"Two networks are needed for a comparison. {reason}", icon=":material/looks_one:")


def show_seconds(analysis: "Analysis") -> None:
    """Show how long each network took per face."""
    n = max(1, len(analysis.faces))
    times = [
        f"{title_of(name)} {1000 * seconds / n:.1f} ms"
        for name, seconds in analysis.model_seconds.items()
    ]
    st.caption(f"Time per face: {'; '.join(times)}")
