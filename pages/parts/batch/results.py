"""The results of a batch: filter and downloads, then a table, a contact sheet or charts."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from fer_core.expressions import Expression
from fer_core.face_columns import FaceColumns
from fer_core.percent import percent
from pages.parts.batch.intake import FILTERS, networks_of, start
from pages.parts.batch.opened import last_opened, open_face, opened_face, show_opened
from pages.parts.batch.sheet import show_sheet
from pages.parts.batch.unreadable import show_unreadable
from pages.parts.batch.work import Batch, Task
from pages.parts.glossary import defined
from pages.shared.downloads import Content, choose_columns, offer_file
from pages.shared.titles import spec_of, title_of
from pages.shared.views import show_view

if TYPE_CHECKING:
    import pandas as pd
    from pandas.io.formats.style import Styler
    from streamlit.delta_generator import DeltaGenerator

    from fer_core.batch.contact_sheet import SheetFace
    from fer_core.batch.results import PhotoResult

_TABLE, _SHEET, _CHARTS = "Table", "Contact sheet", "Charts"
_OUTCOMES, _NETWORKS_AGREE, _EXPRESSIONS = FILTERS
_ALL: Final = "All photos, whatever the filter."


def show_results(batch: Batch) -> None:
    """Show the results of a batch, or the open photo."""
    from fer_core.batch.contact_sheet import sheet_faces
    from fer_core.batch.results import results_csv, results_table, summary

    found = [result for _, result in batch.in_order]
    networks = networks_of(batch)
    table = results_table(found, networks)
    opened = opened_face(batch)
    if opened is not None:
        rows = _selected(table, networks)
        show_opened(batch, opened, _ids(batch, rows))
        return
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.subheader(summary(table), width="content")
        downloads = st.container(horizontal=True, vertical_alignment="center", width="content")
    show_unreadable(found)
    rows = _filtered(table, networks)
    faces = sheet_faces(found, rows)
    with downloads:
        columns = choose_columns("batch_columns")
        _offer_downloads(batch, found, networks, faces, columns)
    with st.container(horizontal=True, vertical_alignment="center"):
        view = st.segmented_control(
            "View",
            (_TABLE, _SHEET, _CHARTS),
            default=_TABLE,
            required=True,
            key="batch_view",
            persist_state="session",
            label_visibility="collapsed",
        )
        if len(rows) < len(table):
            st.caption(f"{len(rows):,} of {len(table):,} rows", width="content")
            _download(
                "CSV of these rows",
                partial(results_csv, found, _labels(networks), rows=rows, columns=columns),
                "second_look_selected.csv",
                "The rows that the filter leaves.",
            )
    if view == _SHEET:
        show_sheet(batch, faces)
    elif view == _CHARTS:
        _show_charts(rows, networks)
    else:
        _show_table(batch, rows, networks)


def show_growing_table(place: "DeltaGenerator", batch: Batch) -> None:
    """Show the table so far, replacing an earlier one."""
    from fer_core.batch.results import results_table

    found = [result for _, result in batch.in_order]
    networks = networks_of(batch)
    shown = _shown(results_table(found, networks), networks)
    place.dataframe(
        shown,
        hide_index=True,
        placeholder="",
        column_config=_columns(networks),
        column_order=_column_order(networks),
    )


def _filtered(table: "pd.DataFrame", networks: list[str]) -> "pd.DataFrame":
    """Offer filters, and return the rows that pass them."""
    from fer_core.batch.results import AGREEMENT, OUTCOME, Agreement, Outcome

    # Not the table itself: Streamlit keeps what names the choices for longer than a visit lasts.
    outcomes = {o: int((table[OUTCOME] == o).sum()) for o in Outcome}
    agreements = {a: int((table[AGREEMENT] == a).sum()) for a in Agreement}
    named = sorted({e for name in networks for e in table[name] if e})
    with st.container(horizontal=True, vertical_alignment="bottom", key="batch_filter"):
        st.pills(
            "Confidence",
            [outcome for outcome, n in outcomes.items() if n],
            selection_mode="multi",
            format_func=lambda o: f"{o.capitalize()} ({outcomes[o]:,})",
            key=_OUTCOMES,
            persist_state="session",
            help=defined("Levels"),
            wrap=True,
        )
        if any(agreements.values()):
            st.pills(
                "Networks",
                [agreement for agreement, n in agreements.items() if n],
                selection_mode="multi",
                format_func=lambda a: f"{a.capitalize()} ({agreements[a]:,})",
                key=_NETWORKS_AGREE,
                persist_state="session",
                help="Whether both networks find the same expression most likely.",
                wrap=True,
            )
        st.multiselect(
            "Expression",
            named,
            format_func=str.capitalize,
            placeholder="Any",
            key=_EXPRESSIONS,
            persist_state="session",
            help="The most likely expression, by either network.",
            width=190,
        )
    return _selected(table, networks)


def _selected(table: "pd.DataFrame", networks: list[str]) -> "pd.DataFrame":
    """Return the rows that pass the filters."""
    from fer_core.batch.results import AGREEMENT, select_rows

    # With a single network its widget is not shown, and its value stays.
    agreements = st.session_state.get(_NETWORKS_AGREE) if table[AGREEMENT].any() else None
    return select_rows(
        table,
        networks,
        outcomes=st.session_state.get(_OUTCOMES) or (),
        agreements=agreements or (),
        expressions=st.session_state.get(_EXPRESSIONS) or (),
    )


def _ids(batch: Batch, rows: "pd.DataFrame") -> list[str]:
    """Return the ids of the faces in rows, for opening them."""
    from fer_core.batch.results import FACE, RESULT

    keys = batch.keys
    return [f"{number}:{keys[i]}" for i, number in zip(rows[RESULT], rows[FACE], strict=True)]


def _show_table(batch: Batch, rows: "pd.DataFrame", networks: list[str]) -> None:
    """Show rows; a click on one opens its photo."""
    # A key for each choice of rows: a row chosen among others would be another one's.
    key = f"batch_rows_{hash(tuple(rows.index))}"
    # The face of the sheet that gets the focus after going back; here there is none.
    last_opened()
    ids = _ids(batch, rows)

    def choose() -> None:
        chosen = st.session_state[key].selection.rows
        if chosen and chosen[0] < len(ids):
            open_face(ids[chosen[0]])

    st.dataframe(
        _shown(rows, networks),
        hide_index=True,
        placeholder="",
        column_config=_columns(networks),
        column_order=_column_order(networks),
        on_select=choose,
        selection_mode="single-row",
        key=key,
        alt="Faces with their predictions",
    )
    st.caption("Select a row to open its photo.")


def _shown(rows: "pd.DataFrame", networks: list[str]) -> "Styler":
    """Return the displayed columns; the network that labels faces in pictures comes first."""
    from fer_core.batch.results import (
        ERROR,
        FACE,
        NOTES,
        OUTCOME,
        PHOTO,
        confidence_column,
        words_column,
    )

    order = list(reversed(networks))
    answers = [column(name) for name in order for column in (words_column, confidence_column)]
    shown = rows[[PHOTO, FACE, *answers, NOTES]].copy()
    shown[FACE] = shown[FACE].astype("Int64").where(shown[FACE] > 0)
    shown[NOTES] = rows[ERROR].where(rows[ERROR] != "", shown[NOTES])
    for name in order:
        words = words_column(name)
        shown[words] = shown[words].str.capitalize()
    first = words_column(order[0])
    shown[first] = shown[first].where(rows[FACE] > 0, rows[OUTCOME].str.capitalize())
    # Not a format of the column's: it has no ">99%".
    formats: dict[str, Any] = {confidence_column(name): percent for name in order}
    return shown.style.format(formats, na_rep="")


def _column_order(networks: list[str]) -> list[str]:
    """Return the initially visible columns; there is room only for the first network's confidence."""
    from fer_core.batch.results import FACE, NOTES, PHOTO, confidence_column, words_column

    first, *others = reversed(networks)
    answers = [words_column(first), confidence_column(first), *map(words_column, others)]
    return [PHOTO, FACE, *answers, NOTES]


def _columns(networks: list[str]) -> dict[str, Any]:
    """Return the titles and formats of the table's columns."""
    from fer_core.batch.results import FACE, NOTES, PHOTO, confidence_column, words_column

    columns: dict[str, Any] = {
        PHOTO: st.column_config.TextColumn("Photo", pinned=True, width=150),
        FACE: st.column_config.NumberColumn("Face", width=55),
        NOTES: st.column_config.TextColumn("Notes", width="medium"),
    }
    for name in networks:
        title = title_of(name)
        columns[words_column(name)] = st.column_config.TextColumn(title, width=170)
        columns[confidence_column(name)] = st.column_config.NumberColumn(
            "Confidence", help=f"Confidence of {title}.", width=95
        )
    return columns


def _show_charts(rows: "pd.DataFrame", networks: list[str]) -> None:
    from fer_core.batch.results import FACE
    from fer_core.views.batch import agreement_view, expressions_view

    if not (rows[FACE] > 0).any():
        st.caption("No face to count.")
        return
    titles = {name: title_of(name) for name in networks}
    left, right = st.columns(2, gap="medium")
    with left:
        show_view(expressions_view(rows, networks, titles=titles))
    with right:
        if len(networks) > 1:
            show_view(agreement_view(rows, (networks[0], networks[-1]), titles=titles))


def _offer_downloads(
    batch: Batch,
    found: "Sequence[PhotoResult]",
    networks: list[str],
    faces: "Sequence[SheetFace]",
    columns: FaceColumns,
) -> None:
    from fer_core.batch.contact_sheet import FACES_A_SHEET, sheet_file, sheets_zip
    from fer_core.batch.results import ANNOTATED_SIDE, results_csv, results_json

    table = partial(results_csv, found, _labels(networks), columns=columns)
    _download("CSV", table, "second_look.csv", _ALL)
    _download("JSON", partial(results_json, found, columns=columns), "second_look.json", _ALL)
    if faces:
        several = len(faces) > FACES_A_SHEET
        _download(
            "Contact sheets (zip)" if several else "Contact sheet (JPEG)",
            partial(sheets_zip if several else sheet_file, faces),
            "contact_sheets.zip" if several else "contact_sheet.jpg",
            "The faces that the filter leaves.",
        )
    if batch.zip is not None:
        _download("Annotated photos (zip)", batch.zip, "annotated.zip", _ALL)
    is_short = batch.zip is not None and batch.n_not_zipped > 0
    if (batch.zip is None or is_short) and any(result.faces for result in found):
        st.button(
            _zip_words(batch),
            on_click=start,
            args=(Task.ZIPPING,),
            icon=":material/folder_zip:",
            help=f"JPEGs of at most {ANNOTATED_SIDE:,} pixels a side, made from your uploads.",
        )
    if is_short:
        n = batch.n_not_zipped
        st.warning(
            f"**{n:,} photo{' is' if n == 1 else 's are'} not in the zip.** There was not enough memory "
            "to read them again.",
            icon=":material/memory:",
        )


def _labels(networks: list[str]) -> dict[str, tuple[Expression, ...]]:
    """Return the classes of each network."""
    return {name: spec.labels for name in networks if (spec := spec_of(name))}


def _zip_words(batch: Batch) -> str:
    if batch.has_begun_zip:
        return "Resume the zip"
    return "Make a zip of annotated photos" if batch.zip is None else "Make the zip again"


def _download(label: str, content: Content, file: str, tip: str) -> None:
    offer_file(label, content, file, key=f"batch-{file}", help=tip)
