"""The parts of the page on models: one function a part, for bundles of every kind."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import streamlit as st

from fer_core.data_names import data_name
from fer_core.errors import FerError
from fer_core.networks.bundles import (
    CARD_FILE,
    EXPRESSIONS,
    HISTORY_FILE,
    KERAS_FILE,
    KEYPOINTS_TASK,
    LAYERS_FILE,
    PREDICTIONS_FOLDER,
    SERVING_FILE,
    SPEC_FILE,
    BaseBundle,
    BaseSpec,
    BundleSpec,
    SplitMetrics,
    all_names,
)
from fer_core.networks.layers import multiply_adds, read_layers
from fer_core.settings import models_root
from pages.shared.downloads import offer_file
from pages.shared.verbatim import message_as_text, name_as_code
from pages.shared.views import show_view

if TYPE_CHECKING:
    from fer_core.evaluation.measures import Measure
    from fer_core.networks.keypoints import KeypointMetrics, KeypointSpec
    from fer_core.networks.layers import Layer
    from fer_core.networks.speed import Speed

    AnyBundle = BaseBundle[Any]

#: Of the address: /models?model=dual.
_CHOSEN: Final = "model"
_SPEEDS: Final = "measured_speeds"
_FILES: Final = {
    SERVING_FILE: "what the app runs (LiteRT)",
    KERAS_FILE: "to train further (Keras 3)",
    LAYERS_FILE: "its layers and their cost",
    HISTORY_FILE: "a row an epoch of training",
    CARD_FILE: "the model card, below",
    SPEC_FILE: "what this page says of it",
}
_PERCENT: Final = "%.1f %%"


def choose_bundle() -> "AnyBundle | None":
    """Let the visitor choose one of the bundles; say what is wrong if there is none, or if it is damaged."""
    from fer_core.networks.kinds import resolve_any

    names = all_names()
    if not names:
        st.error(
            f"There is no model under {name_as_code(str(models_root()))}. Restore the folder from version "
            "control, or train one with: `python -m training fit cnn`",
            icon=":material/report:",
        )
        return None
    name = st.segmented_control(
        "Model",
        names,
        default=names[0],
        required=True,
        key=_CHOSEN,
        bind="query-params",
    )
    try:
        return resolve_any(name)
    except FerError as error:
        st.error(
            f"**This model cannot be opened.** {message_as_text(error)}", icon=":material/report:"
        )
        return None


def layers_or_explain(bundle: "AnyBundle") -> "tuple[Layer, ...] | None":
    """Return the layers of a bundle's network; None, and why in place of them, if they are not known."""
    try:
        layers = read_layers(bundle)
    except FerError as error:
        st.warning(
            f"Its layers cannot be shown. {message_as_text(error)}", icon=":material/report:"
        )
        return None
    if layers is None:
        st.info(
            "This model has no table of its layers, so that its architecture cannot be shown. Write it "
            f"with: `python -m training describe {bundle.path}`"
        )
    return layers


def show_facts(bundle: "AnyBundle", layers: "Sequence[Layer] | None") -> None:
    """Show what a network sees, answers and costs, and what its confidence means."""
    from fer_core.views.models import short_count

    spec = bundle.spec
    st.subheader(message_as_text(spec.title))
    with st.container(horizontal=True):
        st.metric("Parameters", short_count(spec.parameters), border=True, width="content")
        if layers:
            st.metric(
                "Multiply-adds a face",
                short_count(multiply_adds(layers)),
                border=True,
                width="content",
            )
        if bundle.serving_file.is_file():
            size = bundle.serving_file.stat().st_size
            st.metric("Size served", f"{size / 1e6:.1f} MB", border=True, width="content")
    lines = _TOLD[bundle.kind].facts(spec)
    st.markdown("\n".join(f"- {line}" for line in lines))


def _facts_of_expressions(spec: BundleSpec) -> list[str]:
    parts = []
    if spec.sees_pixels:
        parts.append(_pixels(spec))
        if spec.view_pixels < spec.input_hw[0]:
            parts[0] += f", of which the middle {spec.view_pixels}x{spec.view_pixels} count"
    if spec.landmark_features is not None:
        from fer_core.faces.landmarks import FEATURE_SIZE

        parts.append(f"{FEATURE_SIZE:,} numbers that tell where 478 landmarks lie")
    labels = spec.labels
    return [
        f"**Sees** {', and '.join(parts)}.",
        f"**Answers** one of {len(labels)} expressions: {', '.join(labels)}.",
        _threshold_words(spec),
        _temperature_words(spec),
    ]


def _facts_of_keypoints(spec: "KeypointSpec") -> list[str]:
    return [
        f"**Sees** {_pixels(spec)}.",
        f"**Answers** where {len(spec.points)} points of a face lie.",
    ]


def _pixels(spec: BaseSpec) -> str:
    height, width = spec.input_hw
    return f"{height}x{width} grey pixels of a face"


def _threshold_words(spec: BundleSpec) -> str:
    if spec.abstention_threshold > 1:
        return (
            "**Never sure**: no confidence was found from which its answers are right often enough."
        )
    if spec.abstention_threshold == 0:
        return (
            "**Always answers**: on the faces that it was chosen on, its answers are right often enough "
            "without a \u201cnot sure\u201d among them."
        )
    return f"**Says \u201cnot sure\u201d** where its confidence is below {spec.abstention_threshold:.0%}."


def _temperature_words(spec: BundleSpec) -> str:
    change = "less" if spec.temperature > 1 else "more"
    return (
        f"**Temperature** {spec.temperature:.2f}: its outputs are divided by this, which makes it {change} "
        "confident, so that a confidence is close to the share of such answers that are right."
    )


def show_measured(bundle: "AnyBundle") -> None:
    """Show what the weights were measured to be worth, by data set."""
    st.subheader("Measured")
    if not bundle.spec.metrics:
        st.info("These weights were not measured yet.")
        return
    told = _TOLD[bundle.kind]
    table = told.table(bundle.spec.metrics)
    formats = {
        **dict.fromkeys(table.percents, _PERCENT),
        **dict.fromkeys(table.fractions, "%.3f"),
        **dict.fromkeys(("Rows, whole", "Rows, clean"), "localized"),
    }
    config = {name: st.column_config.NumberColumn(format=form) for name, form in formats.items()}
    st.dataframe(table.rows, hide_index=True, column_config=config)
    st.caption(f"With these very weights and the file that is served. {table.reading_aid}")


class _Table(NamedTuple):
    """What was measured of a bundle, as a table.

    Attributes:
        rows: one a split, by column.
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
        "Whole: every row of the split that is labelled with an expression that the network knows; the "
        "others are left out. Clean: without the rows of which the training data holds a copy. "
        + " ".join(f"{measure.title}: {measure.meaning}" for measure in shown),
    )


def _table_of_keypoints(metrics: "Mapping[str, KeypointMetrics]") -> _Table:
    rows = [
        {
            "Data": data_name(name),
            "Mean error": 100 * k.normalized_mean_error,
            "RMSE (pixels of 96)": k.rmse,
            "Images": k.n,
            "Persons": k.persons,
        }
        for name, k in metrics.items()
    ]
    return _Table(
        rows,
        ["Mean error"],
        ["RMSE (pixels of 96)"],
        "Mean error: the mean distance of the points, as a share of the distance of the eyes. RMSE: the "
        "root of the mean squared error of all coordinates.",
    )


class _Told(NamedTuple):
    """What the page says of bundles of one kind.

    Attributes:
        facts: Markdown sentences on what the network of a spec sees and answers.
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
    """Return a measure's columns, and of each whether it is on clean rows; only accuracy has both."""
    kinds = {f"{measure.head}, whole": False, f"{measure.head}, clean": True}
    return kinds if measure.name == "accuracy" else {f"{measure.head}, whole": False}


def _figures(measured: SplitMetrics, shown: "Sequence[Measure]") -> dict[str, float | str | None]:
    """Return a split's figures by column; None where a spec is older than the measure."""
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


def show_architecture(bundle: "AnyBundle", layers: "Sequence[Layer]") -> None:
    """Show how a network is built and what its stages cost."""
    from fer_core.views.models import architecture_view, cost_view, layer_rows

    left, right = st.columns(2, gap="medium")
    with left:
        show_view(architecture_view(bundle.spec, layers))
    with right:
        show_view(cost_view(bundle.spec, layers))
        with st.expander("Every layer"):
            st.dataframe(layer_rows(layers), hide_index=True)


def show_speed(bundle: "AnyBundle") -> None:
    """Offer to measure how fast a network is here, and show what was measured in this session."""
    from fer_core.networks.speed import measure_speed

    st.subheader("Speed on this server")
    measured: dict[str, tuple[Speed, datetime]] = st.session_state.setdefault(_SPEEDS, {})
    key = bundle.spec.sha256.get(SERVING_FILE, bundle.spec.name)
    if st.button("Measure on this machine", icon=":material/timer:"):
        try:
            with st.spinner("Measuring for a second or two"):
                measured[key] = measure_speed(bundle), datetime.now(UTC)
        except FerError as error:
            st.warning(message_as_text(error), icon=":material/hourglass:")
    if key not in measured:
        st.caption(
            "The network alone, on random input, without the finding of faces and landmarks."
        )
        return
    speed, when = measured[key]
    with st.container(horizontal=True):
        for n, milliseconds in speed.milliseconds.items():
            label = "One face at a time" if n == 1 else f"{n} faces at a time"
            st.metric(label, f"{milliseconds:.2f} ms a face", border=True, width="content")
    st.caption(
        f"Medians, measured {when:%Y-%m-%d %H:%M} UTC on {speed.cpu}, {speed.cores} cores: the network "
        "alone, on random input, without the finding of faces and landmarks. Other visitors' photos slow it "
        "down."
    )


def show_training(bundle: "AnyBundle") -> None:
    """Show what made the weights."""
    spec = bundle.spec
    data = spec.training_data
    st.subheader("Training")
    checksum = f" sha256 of these rows: `{data.sha256[:12]}`." if data.sha256 else ""
    st.markdown(
        f"- **Data** {data.n:,} rows of {message_as_text(data.source)}, split "
        f"{message_as_text(data.split)}: {message_as_text(data.note)}.{checksum}\n"
        f"- **Trained with** {message_as_text(spec.backend)}\n"
        f"- **Code** at commit {name_as_code(spec.code_commit)}\n"
        f"- **Licence** of the weights: {message_as_text(spec.license)}"
    )
    with st.expander("Recipe: every setting of the run"):
        st.json(spec.recipe, expanded=1)


def show_files(bundle: "AnyBundle") -> None:
    """Show where a bundle was loaded from, its files, and whether its weights are those of its spec."""
    st.subheader("Files")
    st.markdown(_origin(bundle))
    # Where only what serves is kept, the Keras file comes to those alone who train with it.
    here = [
        n for n in bundle.spec.sha256 if not bundle.is_for_serving or (bundle.path / n).exists()
    ]
    checks = {name: _check(bundle, name) for name in here}
    paths = [*bundle.path.iterdir(), *(bundle.path / PREDICTIONS_FOLDER).glob("*")]
    st.dataframe(
        [
            {
                "File": str(path.relative_to(bundle.path)),
                "Size (MB)": path.stat().st_size / 1e6,
                "What": _FILES.get(path.name, ""),
                "Checksum": {"": "agrees", None: ""}.get(checks.get(path.name), "differs"),
                "sha256": bundle.spec.sha256.get(path.name, ""),
            }
            for path in sorted(paths)
            if path.is_file()
        ],
        hide_index=True,
        column_config={
            "File": st.column_config.TextColumn(width=210),
            "Size (MB)": st.column_config.NumberColumn(format="%.3f", width=85),
            "Checksum": st.column_config.TextColumn(width=85),
            "sha256": st.column_config.TextColumn(width=520),
        },
    )
    for problem in filter(None, checks.values()):
        st.error(message_as_text(problem), icon=":material/report:")


def _origin(bundle: "AnyBundle") -> str:
    """Say where a bundle was loaded from, and in which revision: the one place that knows."""
    if bundle.pin is None:
        text = f"Loaded from the folder `{bundle.path}`."
        return (
            f"{text} Not from the Hub: {message_as_text(bundle.missed)}" if bundle.missed else text
        )
    return f"Loaded from {bundle.origin}, and kept in `{bundle.path}`."


def _check(bundle: "AnyBundle", name: str) -> str:
    """Return what is wrong with a weight file, nothing if its checksum agrees."""
    path = bundle.path / name
    try:
        stat = path.stat()
        changed = stat.st_mtime_ns, stat.st_size
    except OSError:
        changed = None
    return _verify(bundle, str(path), bundle.spec.sha256[name], changed)


# A tenth of a second for the largest; path, checksum and time of change stand for the file.
@st.cache_data(show_spinner=False, max_entries=64)
def _verify(_bundle: Any, path: str, sha256: str, changed: tuple[int, int] | None) -> str:
    try:
        _bundle.verify(Path(path).name)
    except FerError as error:
        return str(error)
    return ""


def show_card(bundle: "AnyBundle") -> None:
    """Show a bundle's card and offer it for download."""
    try:
        card = (bundle.path / CARD_FILE).read_text(encoding="utf-8")
    except (OSError, ValueError):
        st.info(f"This model has no readable card ({CARD_FILE}).")
        return
    with st.expander("Model card", icon=":material/description:"):
        st.markdown(card_body(card))
    offer_file(
        "Model card (Markdown)",
        card,
        f"{bundle.spec.name}-{CARD_FILE}",
        "text/markdown",
        type="tertiary",
    )


def card_body(card: str) -> str:
    """Return a card without the metadata at its front, its headings one level down: the page has a title."""
    lines = card.splitlines()
    if lines and lines[0] == "---" and "---" in lines[1:]:
        lines = lines[lines.index("---", 1) + 1 :]
    in_code = False
    body = []
    for line in lines:
        in_code ^= line.startswith("```")
        body.append(f"#{line}" if line.startswith("#") and not in_code else line)
    return "\n".join(body).strip()
