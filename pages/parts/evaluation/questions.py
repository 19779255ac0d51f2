"""The views of the evaluation page: accuracy, confusions, expressions, pairs, and the list of all."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import streamlit as st

from fer_core.errors import DataError
from fer_core.listing import capitalized
from pages.parts.evaluation.beyond import show_data_sets, show_heat_maps, show_photos
from pages.parts.evaluation.choice import CLEAN_FACES, Chosen, choose_network, estimates_of
from pages.parts.evaluation.confidence import show_confidence
from pages.parts.evaluation.gallery import show_cell, show_disagreements, show_gallery
from pages.parts.glossary import GLOSSARY, defined
from pages.shared.downloads import offer_file
from pages.shared.links import linked
from pages.shared.verbatim import public_message
from pages.shared.views import show_view

if TYPE_CHECKING:
    from fer_core.views import View

_DIFFERENCE: Final = "difference"
_CELLS: Final = {
    "faces": "Faces",
    "of the label": "% of the label",
    "of the prediction": "% of the prediction",
    _DIFFERENCE: "Difference",
}


def _show_accuracy(chosen: Chosen) -> None:
    from fer_core.views.accuracy import accuracy_view

    whole = estimates_of(chosen.whole)
    clean_rows = {name: r.select(r.clean) for name, r in chosen.whole.items()}
    clean = estimates_of(clean_rows) if chosen.knows_copies else {}
    n, n_clean = ({name: len(r) for name, r in rows.items()} for rows in (chosen.whole, clean_rows))
    by_network = (
        {name: e["accuracy"] for name, e in whole.items()},
        {name: e["accuracy"] for name, e in clean.items()},
    )
    view = accuracy_view(*by_network, (n, n_clean), chosen.on)
    show_view(view, help=defined("Accuracy", "Bootstrap interval"))
    shown = clean if chosen.faces == CLEAN_FACES and chosen.knows_copies else whole
    _show_measures(chosen, {name: shown[name] for name in chosen.results})


def _show_measures(chosen: Chosen, shown: dict[str, Any]) -> None:
    from fer_core.evaluation.headline import (
        LATEX,
        MARKDOWN,
        headline_cells,
        headline_data,
        headline_table,
    )
    from fer_core.evaluation.intervals import RESAMPLES

    of = chosen.data.replace(":", "-")
    st.subheader("All measures", help=defined("Bootstrap interval"))
    n = {name: len(result) for name, result in chosen.results.items()}
    cells, is_best = headline_cells(shown, n)
    styles = is_best.map(lambda best: "font-weight: bold" if best else "")
    config: dict[str, Any] = {
        column: st.column_config.TextColumn(help=GLOSSARY.get(column.removesuffix(" (%)")))
        for column in map(str, cells)
    }
    config["Network"] = st.column_config.TextColumn(pinned=True)
    st.dataframe(cells.style.apply(lambda _: styles, axis=None), column_config=config)
    st.caption("In brackets the 95% bootstrap interval; the best value of each measure is bold.")
    with st.expander("Details and download"):
        st.markdown(
            f"{chosen.on} Intervals are bias-corrected, from {RESAMPLES:,} resamples of the faces, fewer for "
            "very large files. Each interval is of one network alone. *Compare two* tests whether two "
            "networks differ on the same faces, which is more sensitive."
        )
        with st.container(horizontal=True):
            for label, text, suffix in (
                ("CSV", lambda: headline_data(shown, n).to_csv(index=False), "csv"),
                ("Markdown", lambda: headline_table(shown, n, MARKDOWN), "md"),
                ("LaTeX", lambda: headline_table(shown, n, LATEX), "tex"),
            ):
                _download(label, text, f"measures_{of}.{suffix}")


def _download(label: str, text: Callable[[], str], file: str) -> None:
    offer_file(label, text, file, key=f"download-{file}", type="tertiary")


def _show_confusions(chosen: Chosen) -> None:
    from fer_core.views.confusion import SHARES, confusion_view

    names = list(chosen.results)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = choose_network(names)
        shares = [*SHARES, _DIFFERENCE] if len(names) > 1 else list(SHARES)
        words = {share.replace(" ", "-"): share for share in shares}
        share = st.segmented_control(
            "Cells",
            shares,
            format_func=_CELLS.__getitem__,
            required=True,
            key="cells",
            on_change=linked("cells", words, "of the label", key="cells"),
            wrap=True,
        )
        other = _choose_other(names, name) if share == _DIFFERENCE else None
    result = chosen.results[name]
    if other is None:
        view = confusion_view(result, name, str(share), chosen.on)
    elif (view_or_none := _difference(chosen, name, other)) is None:
        return
    else:
        view = view_or_none
    st.caption("Select a cell, or a label and a prediction below the matrix, to see the faces.")
    show_view(view, on_click=_open_cell)
    show_cell(result, name, chosen)


def _difference(chosen: Chosen, name: str, other: str) -> "View | None":
    from fer_core.evaluation.predictions import check_same_rows
    from fer_core.views.confusion import confusion_difference_view

    first, second = chosen.results[other], chosen.results[name]
    try:
        check_same_rows(first, second)
    except DataError as error:
        st.warning(public_message(error), icon=":material/warning:")
        return None
    return confusion_difference_view(first, second, (other, name), chosen.on)


def _open_cell(point: dict[str, Any]) -> None:
    """Set the lists under the matrix to the clicked cell."""
    st.session_state["label"], st.session_state["prediction"] = point["y"], point["x"]


def _choose_other(names: list[str], name: str) -> str:
    others = [other for other in names if other != name]
    return choose_network(others, parameter="other", label="Compared with")


def _show_expressions(chosen: Chosen) -> None:
    from fer_core.views.classes import areas, class_view, precision_recall_view, roc_view

    measure = st.segmented_control(
        "Measure",
        ["recall", "precision", "F1"],
        default="recall",
        required=True,
        format_func=capitalized,
        key="measure",
        bind="query-params",
        help=defined("Recall", "Precision"),
    )
    show_view(class_view(chosen.results, str(measure), chosen.on))
    st.subheader("One expression against the rest")
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
    with st.expander(
        "Areas of all expressions", icon=":material/table:", key="areas", on_change="rerun"
    ) as opened:
        if opened.open:
            table = areas(chosen.results)
            st.dataframe(table, hide_index=True)
            _download("CSV", lambda: table.to_csv(index=False), "areas.csv")


def _show_pair(chosen: Chosen) -> None:
    from fer_core.evaluation.predictions import compare
    from fer_core.views.paired import comparison_sentence, paired_view

    if len(chosen.results) < 2:
        st.info("Choose two networks above.", icon=":material/arrow_upward:")
        return
    with st.container(horizontal=True):
        name = choose_network(list(chosen.results))
        other = _choose_other(list(chosen.results), name)
    pair = chosen.results[other], chosen.results[name]
    try:
        comparison = compare(*pair)
    except DataError as error:
        st.warning(public_message(error), icon=":material/warning:")
        return
    st.markdown(
        comparison_sentence(comparison, (other, name)),
        help=defined("McNemar's test", "Bootstrap interval"),
    )
    show_view(paired_view(*pair, (other, name), chosen.on))
    show_disagreements(pair, (other, name), chosen)


class Question(NamedTuple):
    """One view of the page.

    Attributes:
        title: on its pill.
        show: shows it.
        is_of_chosen: whether it is of the chosen data set and networks.
        has_captions: whether each of its charts says what faces it is of.
    """

    title: str
    show: Callable[[Chosen], None]
    is_of_chosen: bool = True
    has_captions: bool = False


#: By their words in the URL, in the order of the page.
QUESTIONS: Final = {
    "accuracy": Question("Accuracy", _show_accuracy),
    "confusions": Question("Confusions", _show_confusions),
    "expressions": Question("Expressions", _show_expressions),
    "confidence": Question("Confidence", show_confidence),
    "compare": Question("Compare two", _show_pair),
    "faces": Question("Browse faces", show_gallery),
    "data-sets": Question("Other data sets", show_data_sets, has_captions=True),
    "photos": Question("Whole photos", show_photos, is_of_chosen=False),
    "heat-maps": Question("Heat maps", show_heat_maps, is_of_chosen=False),
}
