"""The questions that the evaluation page answers, a function each."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from fer_core.data_names import data_name, split_of
from fer_core.errors import DataError, FerError
from fer_core.networks.bundles import HISTORY_FILE, SERVING_FILE, Bundle, BundleSpec, resolve
from pages.parts.evaluation.choice import (
    CLEAN_FACES,
    Chosen,
    estimates_of,
    found_faces,
    robustness_of,
)
from pages.parts.evaluation.gallery import show_cell, show_disagreements, show_gallery
from pages.shared.downloads import offer_file
from pages.shared.verbatim import message_as_text, name_as_code
from pages.shared.views import show_view

if TYPE_CHECKING:
    from fer_core.evaluation.robustness import Robustness
    from fer_core.views import View

_DIFFERENCE: Final = "difference of two"


def _show_headline(chosen: Chosen) -> None:
    from fer_core.evaluation.headline import headline_data, headline_latex, headline_markdown
    from fer_core.evaluation.intervals import RESAMPLES
    from fer_core.evaluation.measures import MEASURES
    from fer_core.views.accuracy import accuracy_view

    whole = estimates_of(chosen.whole)
    clean_rows = {name: r.select(r.clean) for name, r in chosen.whole.items()}
    clean = estimates_of(clean_rows) if chosen.knows_copies else {}
    sizes = (len(next(iter(chosen.whole.values()))), len(next(iter(clean_rows.values()))))
    by_network = (
        {name: e["accuracy"] for name, e in whole.items()},
        {name: e["accuracy"] for name, e in clean.items()},
    )
    show_view(accuracy_view(*by_network, sizes, chosen.on))
    st.subheader("All measures")
    shown = clean if chosen.faces == CLEAN_FACES and chosen.knows_copies else whole
    shown = {name: shown[name] for name in chosen.results}
    n = {name: len(result) for name, result in chosen.results.items()}
    # An interval stays on one line of a narrow cell.
    st.markdown(headline_markdown(shown, n).replace(", ", ",\u00a0"))
    st.caption(
        f"{chosen.on} In brackets the 95 % bootstrap interval over faces (bias-corrected, {RESAMPLES:,} "
        "resamples, fewer for very large files); in bold the best. Each interval is of one network alone: "
        "whether two differ on the same faces is asked under *Which is better?*, which is sharper."
    )
    with st.expander("What the measures mean", icon=":material/help:"):
        st.markdown("\n".join(f"- **{m.title}**: {m.definition}" for m in MEASURES))
    with st.container(horizontal=True):
        for label, text, suffix in (
            ("CSV", lambda: headline_data(shown, n).to_csv(index=False), "csv"),
            ("Markdown", lambda: headline_markdown(shown, n), "md"),
            ("LaTeX", lambda: headline_latex(shown, n), "tex"),
        ):
            _download(label, text, f"measures.{suffix}")


def _download(label: str, text: Callable[[], str], file: str) -> None:
    offer_file(label, text, file, key=f"download-{file}", type="tertiary")


def _show_confusion(chosen: Chosen) -> None:
    from fer_core.views.confusion import SHARES, confusion_view

    names = list(chosen.results)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = _choose_network(chosen)
        share = st.segmented_control(
            "Cells",
            [*SHARES, _DIFFERENCE] if len(names) > 1 else list(SHARES),
            default="of the label",
            format_func=lambda s: (
                {"faces": "Faces", "of the label": "% of the label"}.get(s)
                or ("% of the answer" if s == "of the answer" else "Difference")
            ),
            required=True,
            key="cells",
            bind="query-params",
            wrap=True,
        )
        other = _choose_other(chosen, name) if share == _DIFFERENCE else None
    result = chosen.results[name]
    if other is None:
        view = confusion_view(result, name, share if share in SHARES else SHARES[1], chosen.on)
    elif (view_or_none := _difference(chosen, name, other)) is None:
        return
    else:
        view = view_or_none
    show_view(view, on_click=_open_cell)
    show_cell(result, name, chosen)


def _difference(chosen: Chosen, name: str, other: str) -> Any:
    from fer_core.evaluation.predictions import check_same_rows
    from fer_core.views.confusion import confusion_difference_view

    first, second = chosen.results[other], chosen.results[name]
    try:
        check_same_rows(first, second)
    except DataError as error:
        st.warning(message_as_text(error), icon=":material/warning:")
        return None
    return confusion_difference_view(first, second, (other, name), chosen.on)


def _open_cell(point: dict[str, Any]) -> None:
    """Let the lists under the matrix name the clicked cell."""
    st.session_state["label"], st.session_state["answer"] = point["y"], point["x"]


def _choose_network(chosen: Chosen) -> str:
    names = list(chosen.results)
    return str(
        st.selectbox(
            "Network", names, index=len(names) - 1, key="network", bind="query-params", width=220
        )
    )


def _choose_other(chosen: Chosen, name: str) -> str:
    others = [other for other in chosen.results if other != name]
    return str(st.selectbox("Compared with", others, key="other", bind="query-params", width=220))


def _show_classes(chosen: Chosen) -> None:
    from fer_core.views.classes import areas, class_view, precision_recall_view, roc_view

    measure = st.segmented_control(
        "Measure",
        ["recall", "precision", "F1"],
        default="recall",
        required=True,
        format_func=str.capitalize,
        key="measure",
        bind="query-params",
    )
    show_view(class_view(chosen.results, str(measure), chosen.on))
    st.subheader("One against the rest")
    known = next(iter(chosen.results.values())).expressions
    wanted = st.pills(
        "Expression",
        [str(expression) for expression in known],
        default=str(known[0]),
        required=True,
        format_func=str.capitalize,
        key="expression",
        bind="query-params",
    )
    expression = next(e for e in known if str(e) == wanted)
    if not all(
        (r.labels == r.expressions.index(expression)).any() for r in chosen.results.values()
    ):
        st.info(f"None of these faces is labelled {expression}.", icon=":material/search_off:")
        return
    left, right = st.columns(2, gap="medium")
    with left:
        show_view(precision_recall_view(chosen.results, expression, chosen.on))
    with right:
        show_view(roc_view(chosen.results, expression, chosen.on))
    table = areas(chosen.results)
    with st.expander("All areas", icon=":material/table:"):
        st.dataframe(table, hide_index=True)
        _download("CSV", lambda: table.to_csv(index=False), "areas.csv")


def _show_confidence(chosen: Chosen) -> None:
    from fer_core.views.calibration import reliability_view, risk_coverage_view

    name = _choose_network(chosen)
    bundle = _bundle(name)
    temperature = bundle.spec.temperature if bundle else None
    show_view(reliability_view(chosen.results[name], name, temperature, chosen.on))
    own = bundle.spec.abstention_threshold if bundle else None
    start = own if own is not None and own <= 1 else 0.5
    threshold = st.slider(
        "Answer only from this confidence",
        0.0,
        1.0,
        round(start, 2),
        0.01,
        key=f"threshold-{name}",
        bind="query-params",
    )
    from fer_core.evaluation.metrics import coverage_and_accuracy

    with st.container(horizontal=True):
        for other, result in chosen.results.items():
            coverage, accuracy = coverage_and_accuracy(
                result.labels, result.probabilities, threshold
            )
            with st.container(width=260, gap="xxsmall"):
                st.metric(f"{other} answers", f"{coverage:.0%} of faces")
                st.caption(f"right in {accuracy:.1%}" if coverage else "none at this threshold")
    if bundle is not None:
        st.caption(message_as_text(_about_threshold(bundle.spec)))
    show_view(risk_coverage_view(chosen.results, threshold, chosen.on))


def _about_threshold(spec: BundleSpec) -> str:
    """Say from which confidence on a network answers, and what that was chosen on."""
    where = f"on the clean rows of {spec.chosen_on}"
    if spec.references and 0 < spec.abstention_threshold <= 1:
        reached = " and ".join(
            f"{r.answered_accuracy:.0%} on {data_name(r.data)} (where it answers {r.coverage:.0%})"
            for r in spec.references
        )
        return (
            f"{spec.name} answers from {spec.abstention_threshold:.2f} on, the lowest threshold at which "
            f"answers on clean rows are right in {reached}."
        )
    if spec.abstention_threshold > 1:
        return f"No threshold makes answers right in 85 % {where}, so {spec.name} answers nothing."
    if spec.abstention_threshold == 0:
        return f"{spec.name} always answers: {where} that is right in 85 % or more."
    return (
        f"{spec.name} answers from {spec.abstention_threshold:.2f} on, chosen so that answers are right in "
        f"85 % {where}."
    )


def _bundle(name: str) -> Bundle | None:
    """Return the bundle of a network; None for a visitor's own and one that does not open."""
    try:
        return resolve(name)
    except FerError:
        return None


def _show_pair(chosen: Chosen) -> None:
    from fer_core.evaluation.predictions import compare
    from fer_core.views.paired import comparison_sentence, paired_view

    if len(chosen.results) < 2:
        st.info("Choose two networks above.", icon=":material/arrow_upward:")
        return
    with st.container(horizontal=True):
        name = _choose_network(chosen)
        other = _choose_other(chosen, name)
    pair = chosen.results[other], chosen.results[name]
    try:
        comparison = compare(*pair)
    except DataError as error:
        st.warning(message_as_text(error), icon=":material/warning:")
        return
    st.markdown(f"{chosen.on} {comparison_sentence(comparison, (other, name))}")
    show_view(paired_view(*pair, (other, name), chosen.on))
    show_disagreements(pair, (other, name), chosen)


def _show_other_faces(chosen: Chosen) -> None:
    from fer_core.evaluation.human_agreement import read_annotators
    from fer_core.views.data_sets import across_view, coverage_view

    bundles = [bundle for name in chosen.whole if (bundle := _bundle(name))]
    try:
        annotators = read_annotators()
    except DataError as error:
        annotators = []
        st.caption(message_as_text(error))
    specs = [bundle.spec for bundle in bundles]
    if any(split_of(data) == "test" for spec in specs for data in spec.metrics):
        show_view(across_view(specs, annotators))
    elif bundles:
        st.info(
            "None of these networks was measured on a test split yet: "
            "`python -m training evaluate BUNDLE --data fer2013:test`.",
            icon=":material/grid_off:",
        )
    found = found_faces(chosen)
    if found is None:
        st.info(
            "Where faces are found is known from a network that sees landmarks; none was measured on these "
            "faces.",
            icon=":material/face_retouching_off:",
        )
    else:
        same = {name: r for name, r in chosen.results.items() if len(r) == len(found)}
        show_view(coverage_view(same, found, chosen.on))
    try:
        stored = {b.spec.name: robustness_of(b, chosen.data) for b in bundles}
        known = {name: result for name, result in stored.items() if result is not None}
        if known:
            weights = tuple((name, result.weights_sha256) for name, result in known.items())
            show_view(
                _robustness_view(
                    known, chosen.data, weights, only_clean=chosen.faces == CLEAN_FACES
                )
            )
        else:
            st.info(
                "How the networks do on worse images of these faces was not measured: "
                f"`python -m training robustness BUNDLE --data {chosen.data}`.",
                icon=":material/blur_on:",
            )
    except DataError as error:
        st.error(message_as_text(error), icon=":material/report:")


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


def _show_learning(chosen: Chosen) -> None:
    import pandas as pd

    from fer_core.views.learning import learning_view

    name = _choose_network(chosen)
    # Of the weights that answer, which may be the Hub's.
    bundle = _bundle(name)
    file = bundle.path / HISTORY_FILE if bundle else None
    if file is None or not file.is_file():
        st.info(
            f"No history of the training of {name_as_code(name)} is here.",
            icon=":material/history_toggle_off:",
        )
        return
    try:
        view = learning_view(pd.read_csv(file), name, bundle.spec.chosen_on if bundle else None)
    except (ValueError, KeyError):
        st.error(
            f"{name_as_code(str(file))} is damaged. Restore it from version control.",
            icon=":material/report:",
        )
        return
    show_view(view)


def _show_photos(chosen: Chosen) -> None:
    from fer_core.evaluation.photo_accuracy import read_photo_accuracy
    from fer_core.views.photos import photos_view

    try:
        rows = read_photo_accuracy()
    except DataError as error:
        st.info(message_as_text(error), icon=":material/photo_library:")
        return
    weights = {name: _weights_of(name) for name in {row.network for row in rows}}
    current = [row for row in rows if row.weights_sha256 == weights[row.network]]
    if len(current) < len(rows):
        st.caption(
            "Networks whose weights were replaced since are left out: `python -m training photos`."
        )
    if not current:
        return
    view = photos_view(current)
    show_view(view)
    shares = ["accuracy", "macro recall", "answered", "accuracy on answered"]
    shown = view.data[["network", "faces", "photos", *shares]].copy()
    shown[shares] *= 100
    st.dataframe(
        shown,
        hide_index=True,
        column_config={name: st.column_config.NumberColumn(format="%.1f%%") for name in shares},
    )


def _weights_of(name: str) -> str | None:
    """Return the sha256 of the weights that answer for a network; None if it does not open."""
    bundle = _bundle(name)
    return bundle.spec.sha256.get(SERVING_FILE) if bundle else None


#: In the order of the page.
QUESTIONS: Final[dict[str, Callable[[Chosen], None]]] = {
    "How good?": _show_headline,
    "What is taken for what?": _show_confusion,
    "Which expressions?": _show_classes,
    "How sure?": _show_confidence,
    "Which is better?": _show_pair,
    "Which faces?": show_gallery,
    "On other faces?": _show_other_faces,
    "On photos?": _show_photos,
    "How trained?": _show_learning,
}
