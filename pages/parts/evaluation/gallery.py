"""Face galleries: of a cell, of disagreements, of confident errors."""

import base64
from html import escape
from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.data_names import data_name, known_data_sets, source_of, split_of
from fer_core.errors import DataError
from fer_core.files import version_of
from fer_core.percent import percent
from pages.parts.evaluation.choice import Chosen, choose_network
from pages.shared.verbatim import message_as_text, public_message

if TYPE_CHECKING:
    import numpy as np

    from fer_core.evaluation.predictions import EvaluationResult
    from fer_core.evaluation.thumbnails import Thumbnails

#: Faces of one page of a gallery.
_SHOWN: Final = 48
_THUMBNAIL: Final = 72
_ANY: Final = "any"
_GRID: Final = "display:grid;grid-template-columns:repeat(auto-fill,minmax(96px,1fr));gap:12px"
_FIGURE: Final = "margin:0;font-size:0.8125rem;line-height:1.3"
_ORDERS: Final = ("Confident mistakes", "Least confident", "Random")


def show_cell(result: "EvaluationResult", name: str, chosen: Chosen) -> None:
    """Show the faces of one cell of a network's confusion matrix, the most confident first."""
    label, prediction = _choose_cell(result)
    if _ANY in (label, prediction):
        return
    keep = _where(result, label, prediction)
    _show(result, name, _by_confidence(result, keep), chosen)


def show_gallery(chosen: Chosen) -> None:
    """Show a network's faces in an order of the visitor's choice."""
    import numpy as np

    names = list(chosen.results)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = choose_network(names)
        order = st.segmented_control(
            "Order", _ORDERS, default=_ORDERS[0], required=True, key="order", bind="query-params"
        )
    result = chosen.results[name]
    label, prediction = _choose_cell(result)
    keep = _where(result, label, prediction)
    if order == _ORDERS[0]:
        keep &= ~result.is_right
        positions = _by_confidence(result, keep)
    elif order == _ORDERS[1]:
        positions = _by_confidence(result, keep)[::-1]
    else:
        seed = st.number_input("Seed", 1, 1000, 1, key="seed", bind="query-params", width=160)
        positions = np.random.default_rng(int(seed)).permutation(np.flatnonzero(keep))
    _show(result, name, positions, chosen)


def show_disagreements(
    pair: "tuple[EvaluationResult, EvaluationResult]", names: tuple[str, str], chosen: Chosen
) -> None:
    """Show the faces that only one of two networks gets right, sorted by its confidence."""
    right, also = (result.is_right for result in pair)
    only = st.segmented_control(
        "Faces that only one gets right",
        list(names),
        default=names[1],
        format_func=lambda name: f"Only {name}",
        required=True,
        key="right",
        bind="query-params",
    )
    position = names.index(str(only))
    keep = (also & ~right) if position else (right & ~also)
    _show(pair[position], names[position], _by_confidence(pair[position], keep), chosen)


def _choose_cell(result: "EvaluationResult") -> tuple[str, str]:
    known = [_ANY, *map(str, result.expressions)]
    with st.container(horizontal=True):
        label = st.selectbox("Label", known, key="label", bind="query-params", width=180)
        prediction = st.selectbox(
            "Prediction", known, key="prediction", bind="query-params", width=180
        )
    return str(label), str(prediction)


def _where(result: "EvaluationResult", label: str, prediction: str) -> "np.ndarray":
    import numpy as np

    known = [str(expression) for expression in result.expressions]
    keep = np.ones(len(result), bool)
    if label != _ANY:
        keep &= result.labels == known.index(label)
    if prediction != _ANY:
        keep &= result.predicted == known.index(prediction)
    return keep


def _by_confidence(result: "EvaluationResult", keep: "np.ndarray") -> "np.ndarray":
    import numpy as np

    positions = np.flatnonzero(keep)
    return positions[np.argsort(-result.confidence[positions], kind="stable")]


def _show(result: "EvaluationResult", name: str, positions: "np.ndarray", chosen: Chosen) -> None:
    """Show the faces at `positions`, in this order, with label, prediction and confidence."""
    n = len(positions)
    st.caption(
        f"{n:,} of {len(result):,} faces: label \u2192 prediction of {message_as_text(name)} (confidence)."
    )
    if not n:
        return
    try:
        thumbnails = _load_thumbnails(chosen.data)
    except DataError as error:
        st.error(public_message(error), icon=":material/report:")
        return
    if thumbnails is None:
        st.info(
            f"There are no pictures of {data_name(chosen.data)} here. Faces are shown by their row numbers.",
            icon=":material/image_not_supported:",
        )
    pages = -(-n // _SHOWN)
    # One key per choice: another choice starts on its first page.
    page = (
        st.number_input(f"Page of {pages}", 1, pages, 1, key=f"page-{n}-{positions[0]}", width=160)
        if pages > 1
        else 1
    )
    shown = positions[(int(page) - 1) * _SHOWN : int(page) * _SHOWN]
    predicted, confidence = result.predicted, result.confidence
    figures = [
        _figure(
            int(result.rows[i]),
            str(result.expressions[result.labels[i]]),
            str(result.expressions[predicted[i]]),
            float(confidence[i]),
            thumbnails,
        )
        for i in shown
    ]
    st.html(f'<div style="{_GRID}">{"".join(figures)}</div>')
    known = known_data_sets().get(source_of(chosen.data))
    if thumbnails is not None and known and known.credit:
        st.caption(known.credit)


def _figure(
    row: int, label: str, prediction: str, confidence: float, thumbnails: "Thumbnails | None"
) -> str:
    """Return one face as HTML: its picture, or its row number, with label and prediction."""
    shown = escape(percent(confidence))
    words = f"row {row}: labelled {label}, predicted {prediction}, {shown}"
    picture = f"row {row}"
    if thumbnails is not None and row in thumbnails:
        data = base64.b64encode(thumbnails.image(row)).decode()
        picture = (
            f'<img src="data:image/jpeg;base64,{data}" alt="{words}" title="{words}" '
            f'width="{_THUMBNAIL}" height="{_THUMBNAIL}" style="border-radius:4px">'
        )
    said = label if prediction == label else f"{label} \u2192 {prediction}"
    return f'<figure style="{_FIGURE}">{picture}<figcaption>{said} ({shown})</figcaption></figure>'


def _load_thumbnails(data: str) -> "Thumbnails | None":
    from fer_core.evaluation.thumbnails import thumbnails_path

    source, split = source_of(data), split_of(data)
    path = thumbnails_path(source, split)
    if not path.is_file():
        return None
    return _read_version(source, split, str(path), version_of(path))


@st.cache_resource(show_spinner=False, max_entries=4)
def _read_version(
    source: str, split: str, file: str, version: tuple[int, int]
) -> "Thumbnails | None":
    from fer_core.evaluation.thumbnails import read_thumbnails

    return read_thumbnails(source, split)
