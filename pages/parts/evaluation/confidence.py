"""The view on confidence: levels, calibration, and accuracy against coverage."""

import streamlit as st

from fer_core.data_names import data_name
from fer_core.listing import listed
from fer_core.networks.bundles import REQUIRED_ACCURACY, BundleSpec
from pages.parts.evaluation.choice import Chosen, choose_network
from pages.parts.glossary import defined
from pages.shared.verbatim import public_message
from pages.shared.views import show_view


def show_confidence(chosen: Chosen) -> None:
    """Show levels, calibration, and the effect of a threshold."""
    from fer_core.views.calibration import reliability_view, risk_coverage_view

    _show_levels(chosen)
    name = choose_network(list(chosen.results))
    spec = chosen.specs.get(name)
    view = reliability_view(
        chosen.results[name], name, spec.temperature if spec else None, chosen.on
    )
    show_view(view, help=defined("Calibration error (ECE)", "Temperature"))
    own = spec.abstention_threshold if spec else None
    start = own if own is not None and own <= 1 else 0.5
    st.subheader("Accuracy against coverage", help=defined("Coverage", "Threshold"))
    threshold = st.slider(
        "Confidence threshold",
        0.0,
        1.0,
        round(start, 2),
        0.01,
        key=f"threshold-{name}",
        bind="query-params",
    )
    _show_coverage(chosen, threshold)
    if spec is not None:
        st.caption(public_message(about_threshold(spec)))
    show_view(risk_coverage_view(chosen.results, threshold, chosen.on), heading=False)


def _show_levels(chosen: Chosen) -> None:
    """Show the number of predictions and of correct ones at each level, on all and on clean rows."""
    from fer_core.views.calibration import levels_table, levels_view

    thresholds = {
        name: chosen.specs[name].abstention_threshold
        for name in chosen.results
        if name in chosen.specs
    }
    if not thresholds:
        return
    show_view(levels_view(chosen.results, thresholds, chosen.on), help=defined("Levels"))
    rows = {"whole": {name: chosen.whole[name] for name in thresholds}}
    if chosen.knows_copies:
        rows["clean"] = {name: r.select(r.clean) for name, r in rows["whole"].items()}
    kinds = {kind: levels_table(results, thresholds) for kind, results in rows.items()}
    cells = [
        {
            "Network": name,
            "Rows": kind,
            "Faces": int(part["faces"].iloc[0]),
            **{
                level.capitalize(): _level_words(n, share, accuracy)
                for level, n, share, accuracy in zip(
                    part["level"],
                    part["predictions"],
                    part["share"],
                    part["accuracy"],
                    strict=True,
                )
            },
        }
        for name in thresholds
        for kind, table in kinds.items()
        for part in [table[table["network"] == name]]
    ]
    st.dataframe(
        cells,
        hide_index=True,
        column_config={
            "Network": st.column_config.TextColumn(pinned=True),
            "Rows": st.column_config.TextColumn(help=defined("Whole", "Clean")),
            "Faces": st.column_config.NumberColumn(format="localized"),
        },
    )


def _level_words(n: int, share: float, accuracy: float) -> str:
    right = f", {accuracy:.1%} right" if n else ""
    return f"{share:.1%} ({n:,}){right}"


def _show_coverage(chosen: Chosen, threshold: float) -> None:
    from fer_core.evaluation.metrics import coverage_and_accuracy

    with st.container(horizontal=True):
        for name, result in chosen.results.items():
            coverage, accuracy = coverage_and_accuracy(
                result.labels, result.probabilities, threshold
            )
            with st.container(width=260, gap="xxsmall"):
                st.metric(name, f"{coverage:.1%} covered")
                st.caption(
                    f"{accuracy:.1%} accuracy" if coverage else "no face reaches this threshold"
                )


def about_threshold(spec: BundleSpec) -> str:
    """Return a sentence on a network's threshold and the data on which it was chosen."""
    threshold = spec.abstention_threshold
    has_threshold = 0 < threshold <= 1
    wanted = (
        listed(
            f"{r.answered_accuracy:.0%} accuracy on {data_name(r.data)}"
            + (f" ({r.coverage:.1%} covered)" if has_threshold else "")
            for r in spec.references
        )
        or f"{REQUIRED_ACCURACY:.0%} accuracy on the clean rows of {spec.chosen_on}"
    )
    if threshold > 1:
        return f"No threshold gives {spec.name} {wanted}, so no prediction is confident."
    if not threshold:
        return f"{spec.name} needs no threshold: it has at least {wanted}."
    return f"The threshold of {spec.name} is {threshold:.2f}, the lowest with {wanted}."
