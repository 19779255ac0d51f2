"""The views beyond one data set: all test sets, landmarks, degraded images, photos and heat maps."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from fer_core.data_names import split_of
from fer_core.errors import DataError
from fer_core.evaluation.measured_weights import MeasuredT
from fer_core.listing import listed
from fer_core.percent import p_in_words
from pages.parts.evaluation.choice import CLEAN_FACES, Chosen, found_faces, robustness_of
from pages.parts.glossary import defined
from pages.shared.titles import bundle_of, of_current_weights, title_of
from pages.shared.verbatim import public_message
from pages.shared.views import show_view

if TYPE_CHECKING:
    from fer_core.evaluation.robustness import Robustness
    from fer_core.views import View


def show_data_sets(chosen: Chosen) -> None:
    """Show the networks on all test sets, with and without landmarks, and on degraded images."""
    import numpy as np

    from fer_core.evaluation.human_agreement import read_annotators
    from fer_core.views.data_sets import across_view, coverage_view

    specs = list(chosen.specs.values())
    try:
        annotators = read_annotators()
    except DataError as error:
        annotators = []
        st.caption(public_message(error))
    if any(split_of(data) == "test" for spec in specs for data in spec.metrics):
        show_view(across_view(specs, annotators), help=defined("Accuracy", "Whole"))
    elif specs:
        st.info(
            "None of these networks was evaluated on a test split yet: "
            "`python -m training evaluate BUNDLE --data fer2013:test`.",
            icon=":material/grid_off:",
        )
    known = found_faces(chosen)
    if known is None:
        st.info(
            "No network with landmarks was evaluated on this data set, so it is unknown in which images "
            "landmarks are found.",
            icon=":material/face_retouching_off:",
        )
    else:
        rows, found = known
        same = {name: r for name, r in chosen.results.items() if np.array_equal(r.rows, rows)}
        show_view(coverage_view(same, found, chosen.on))
    _show_robustness(chosen)


def _show_robustness(chosen: Chosen) -> None:
    bundles = [bundle for name in chosen.whole if (bundle := bundle_of(name))]
    try:
        stored = {b.spec.name: robustness_of(b, chosen.data) for b in bundles}
        known = {name: result for name, result in stored.items() if result is not None}
        if known:
            if lacking := [title_of(name) for name in stored if name not in known]:
                st.caption(f"Not measured on degraded images of this data set: {listed(lacking)}.")
            weights = tuple((name, result.weights_sha256) for name, result in known.items())
            show_view(
                _robustness_view(
                    known, chosen.data, weights, only_clean=chosen.faces == CLEAN_FACES
                )
            )
        else:
            st.info(
                "These networks were not evaluated on degraded images of this data set: "
                f"`python -m training robustness BUNDLE --data {chosen.data}`.",
                icon=":material/blur_on:",
            )
    except DataError as error:
        st.error(public_message(error), icon=":material/report:")


# Twenty panels of lines take Plotly a third of a second. What is cached is of stored predictions alone; the
# data set and the weights stand for them.
@st.cache_resource(show_spinner=False, max_entries=16)
def _robustness_view(
    _results: "dict[str, Robustness]",
    data: str,
    weights: tuple[tuple[str, str], ...],
    *,
    only_clean: bool,
) -> "View":
    from fer_core.views.robustness import robustness_view

    return robustness_view(_results, only_clean=only_clean)


def show_photos(chosen: Chosen) -> None:
    """Show the accuracy of networks on whole photos, whatever data set is chosen."""
    from fer_core.evaluation.photo_accuracy import read_photo_accuracy
    from fer_core.views.photos import photos_view

    rows = _current_rows(read_photo_accuracy, "photos", icon=":material/photo_library:")
    if not rows:
        return
    view = photos_view(rows)
    show_view(view, help=defined("Bootstrap interval"))
    shares = {
        "accuracy": "Accuracy",
        "macro recall": "Balanced accuracy",
        "coverage": "Coverage",
        "accuracy of confident predictions": "Accuracy of confident",
        "mean confidence": "Mean confidence",
    }
    shown = view.data[["network", "faces", "photos", *shares, "ece"]].copy()
    shown[list(shares)] *= 100
    helps = {"macro recall": "Balanced accuracy (macro recall)", "coverage": "Coverage"}
    st.dataframe(
        shown,
        hide_index=True,
        column_config={
            "network": st.column_config.TextColumn("Network", pinned=True),
            "faces": "Faces",
            "photos": "Photos",
            **{
                name: st.column_config.NumberColumn(
                    title,
                    format="%.1f%%",
                    help=defined(helps[name]) if name in helps else None,
                )
                for name, title in shares.items()
            },
            "ece": st.column_config.NumberColumn(
                "ECE", format="%.3f", help=defined("Calibration error (ECE)")
            ),
        },
    )


def show_heat_maps(chosen: Chosen) -> None:
    """Show how faithful kinds of heat maps are to networks, whatever data set is chosen."""
    from fer_core.evaluation.faithfulness import read_faithfulness
    from fer_core.views.faithfulness import faithfulness_view

    rows = _current_rows(read_faithfulness, "faithfulness", icon=":material/blur_circular:")
    if not rows:
        return
    view = faithfulness_view(rows)
    show_view(view)
    formats: dict[str, Any] = {
        "deletion": "{:.3f}",
        "p of deletion": p_in_words,
        "insertion": "{:.3f}",
        "p of insertion": p_in_words,
        "shuffled": "{:.3f}",
    }
    table = view.data[["network", "map", *formats]].style
    st.dataframe(
        # Class activation maps have no p: they are not compared with themselves.
        table.format(formats, na_rep=""),
        hide_index=True,
        placeholder="",
        column_config={
            "network": st.column_config.TextColumn("Network", pinned=True),
            "map": "Map",
            **{name: name.capitalize() for name in formats},
        },
    )


def _current_rows(
    read: Callable[[], list[MeasuredT]], command: str, *, icon: str
) -> list[MeasuredT]:
    """Return a table's rows of the weights that are here; say so if there is none, or others too.

    Args:
        read: reads the table.
        command: of `python -m training`, writes it.
        icon: of the note that it is missing.
    """
    try:
        rows = read()
    except DataError as error:
        st.info(public_message(error), icon=icon)
        return []
    current = of_current_weights(rows)
    if len(current) < len(rows):
        st.caption(
            "Networks whose weights were replaced since this was measured are left out. Measure again: "
            f"`python -m training {command}`."
        )
    return current
