"""What a network sees, predicts and costs, and its measured accuracy."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import streamlit as st

from fer_core.data_names import data_name
from fer_core.listing import listed
from fer_core.networks.bundles import (
    EXPRESSIONS,
    KEYPOINTS_TASK,
    BaseBundle,
    BaseSpec,
    BundleSpec,
    SplitMetrics,
)
from fer_core.networks.layers import multiply_adds
from fer_core.networks.titles import description, short_title
from pages.parts.glossary import GLOSSARY, column_help
from pages.shared.verbatim import message_as_text

if TYPE_CHECKING:
    from fer_core.evaluation.measures import Measure
    from fer_core.networks.keypoints import KeypointMetrics, KeypointSpec
    from fer_core.networks.layers import Layer

    AnyBundle = BaseBundle[Any]

_PERCENT: Final = "%.1f%%"


def show_facts(bundle: "AnyBundle", layers: "Sequence[Layer] | None") -> None:
    """Show what a network sees, predicts and costs, and what its confidence means."""
    from fer_core.views.models import short_count

    spec = bundle.spec
    st.subheader(message_as_text(short_title(spec.name, spec)))
    if said := description(spec):
        st.markdown(f"{message_as_text(said)}.")
    with st.container(horizontal=True):
        st.metric("Parameters", short_count(spec.parameters), border=True, width="content")
        if layers:
            st.metric(
                "Multiply-adds per face",
                short_count(multiply_adds(layers)),
                border=True,
                width="content",
                help=GLOSSARY["Multiply-adds"],
            )
        if bundle.serving_file.is_file():
            size = bundle.serving_file.stat().st_size
            st.metric("Serving file", f"{size / 1e6:.1f} MB", border=True, width="content")
    st.caption(f"Bundle `{spec.name}`")
    lines = _TOLD[bundle.kind].facts(spec)
    st.markdown("\n".join(f"- {line}" for line in lines))


def _facts_of_expressions(spec: BundleSpec) -> list[str]:
    parts = []
    if spec.sees_pixels:
        parts.append(_pixels(spec))
        if spec.view_pixels < spec.input_hw[0]:
            parts[0] += f", of which it uses the middle {spec.view_pixels}x{spec.view_pixels}"
    if spec.landmark_features is not None:
        from fer_core.faces.landmarks import FEATURE_SIZE

        parts.append(f"{FEATURE_SIZE:,} features of 478 landmarks")
    labels = spec.labels
    return [
        f"**Input**: {listed(parts)}.",
        f"**Output**: probabilities of {len(labels)} expressions: {', '.join(labels)}.",
        _threshold_words(spec),
        _temperature_words(spec),
    ]


def _facts_of_keypoints(spec: "KeypointSpec") -> list[str]:
    return [
        f"**Input**: {_pixels(spec)}.",
        f"**Output**: positions of {len(spec.points)} points of a face.",
    ]


def _pixels(spec: BaseSpec) -> str:
    height, width = spec.input_hw
    return f"{height}x{width} greyscale pixels of a face"


def _threshold_words(spec: BundleSpec) -> str:
    if spec.abstention_threshold > 1:
        return "**Threshold**: none; its predictions do not reach the required accuracy at any confidence."
    if spec.abstention_threshold == 0:
        return "**Threshold** 0%: its predictions reach the required accuracy without a threshold."
    threshold = f"{spec.abstention_threshold:.1%}"
    return f"**Threshold** {threshold}: a prediction with at least this confidence is confident."


def _temperature_words(spec: BundleSpec) -> str:
    change = "lowers" if spec.temperature > 1 else "raises"
    first = data_name(spec.references[0].data) if spec.references else spec.chosen_on
    return (
        f"**Temperature** {spec.temperature:.2f}: logits are divided by it, which {change} confidence to "
        f"match accuracy on {first}."
    )


def show_measured(bundle: "AnyBundle") -> None:
    """Show the measured accuracy of the weights, by data set."""
    st.subheader("Accuracy by data set")
    if not bundle.spec.metrics:
        st.info("These weights were not evaluated yet.")
        return
    told = _TOLD[bundle.kind]
    table = told.table(bundle.spec.metrics)
    formats = {
        **dict.fromkeys(table.percents, _PERCENT),
        **dict.fromkeys(table.fractions, "%.3f"),
        **dict.fromkeys(("Rows, whole", "Rows, clean"), "localized"),
    }
    config: dict[str, Any] = {
        name: st.column_config.NumberColumn(format=form, help=column_help(name))
        for name, form in formats.items()
    }
    config["Data"] = st.column_config.TextColumn("Data set", pinned=True)
    st.dataframe(table.rows, hide_index=True, column_config=config)
    st.caption("Measured with these weights, from the serving file.")
    with st.expander("Details"):
        st.markdown(table.reading_aid)


class _Table(NamedTuple):
    """A bundle's measurements as a table.

    Attributes:
        rows: one per split, by column.
        percents: columns in percent.
        fractions: columns that are shown with three digits.
        reading_aid: sentences that explain the columns.
    """

    rows: list[dict[str, Any]]
    percents: list[str]
    fractions: list[str]
    reading_aid: str


def _table_of_expressions(metrics: Mapping[str, SplitMetrics]) -> _Table:
    from fer_core.evaluation.measures import MEASURES

    shown = [measure for measure in MEASURES if measure.in_tables]
    return _Table(
        [{"Data": data_name(name), **_figures(m, shown)} for name, m in metrics.items()],
        [column for m in shown if m.percent for column in _columns(m)],
        [column for m in shown if not m.percent for column in _columns(m)],
        "\n".join(
            f"- **{term}**: {meaning}"
            for term, meaning in (
                *((name, GLOSSARY[name]) for name in ("Whole", "Clean")),
                *((measure.title, measure.meaning) for measure in shown),
            )
        ),
    )


def _table_of_keypoints(metrics: "Mapping[str, KeypointMetrics]") -> _Table:
    rows = [
        {
            "Data": data_name(name),
            "Mean error": 100 * k.normalized_mean_error,
            "RMSE (px)": k.rmse,
            "Images": k.n,
            "Persons": k.persons,
        }
        for name, k in metrics.items()
    ]
    return _Table(
        rows,
        ["Mean error"],
        ["RMSE (px)"],
        "- **Mean error**: mean distance of the points, as a share of the distance between the eyes\n"
        "- **RMSE**: root of the mean squared error of all coordinates, in pixels of a 96 pixel image",
    )


class _Told(NamedTuple):
    """The page's texts about bundles of one kind.

    Attributes:
        facts: Markdown sentences on input and output of the network of a spec.
        table: what was measured, from the metrics of a spec.
    """

    facts: Callable[[Any], list[str]]
    table: Callable[[Any], _Table]


#: By the kind of the bundle.
_TOLD: Final = {
    EXPRESSIONS: _Told(_facts_of_expressions, _table_of_expressions),
    KEYPOINTS_TASK: _Told(_facts_of_keypoints, _table_of_keypoints),
}


def _columns(measure: "Measure") -> dict[str, bool]:
    """Return a measure's columns, each with whether it is on clean rows; only accuracy has both."""
    kinds = {f"{measure.head}, whole": False, f"{measure.head}, clean": True}
    return kinds if measure.name == "accuracy" else {f"{measure.head}, whole": False}


def _figures(measured: SplitMetrics, shown: "Sequence[Measure]") -> dict[str, float | str | None]:
    """Return a split's figures by column; None if the spec is older than the measure."""
    figures: dict[str, float | str | None] = {}
    for measure in shown:
        for column, clean in _columns(measure).items():
            value = measured.value(measure.name, clean=clean)
            figures[column] = value if value is None else value * (100 if measure.percent else 1)
    return figures | {
        "Rows, whole": measured.n,
        "Rows, clean": measured.n_clean,
        "Left out": ", ".join(f"{c} {n:,}" for c, n in measured.excluded.items()),
    }
