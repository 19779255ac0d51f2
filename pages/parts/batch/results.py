"""The results of a batch: a table to filter, a face to look at, what it adds up to, files to take away."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from fer_core.errors import BusyError, ImageDecodeError
from fer_core.photos.decode import decode
from pages.parts.batch.work import Batch, Task, networks_of, start
from pages.shared import notes, results
from pages.shared.downloads import Content, offer_file
from pages.shared.photo_intake import ChosenPhoto
from pages.shared.titles import spec_of, title_of
from pages.shared.turns import show_busy, turn
from pages.shared.verbatim import message_as_text, name_as_code
from pages.shared.views import show_view

if TYPE_CHECKING:
    import pandas as pd
    from streamlit.delta_generator import DeltaGenerator

    from fer_core.batch.results import PhotoResult

_OUTCOMES: Final = {
    "agree": "Opinions agree",
    "differ": "Opinions differ",
    "not sure": "Not sure",
    "no face": "No face",
    "not readable": "Not readable",
}


def show_results(batch: Batch) -> None:
    """Show all that is known of a batch."""
    from fer_core.batch.results import results_table

    files, found = zip(*batch.in_order, strict=True)
    networks = networks_of(batch)
    table = results_table(found, networks)
    st.subheader("Faces")
    rows = _filtered(table, networks)
    selected = _show_table(rows, networks)
    if selected is not None:
        position, number = selected
        _show_selected(files[position], found[position], number)
    elif len(rows):
        st.caption("Choose a row to see its face in the photo.")
    _show_sheets(found, rows)
    _show_summary(table, networks)
    _offer_downloads(batch, found, networks)


def show_growing_table(place: "DeltaGenerator", batch: Batch) -> None:
    """Show the table as far as it is, in the place of an earlier one."""
    from fer_core.batch.results import results_table

    found = [result for _, result in batch.in_order]
    networks = networks_of(batch)
    shown = _shown(results_table(found, networks), networks)
    place.dataframe(shown, hide_index=True, placeholder="", column_config=_columns(networks))


def _filtered(table: "pd.DataFrame", networks: list[str]) -> "pd.DataFrame":
    """Offer filters, and return the rows that they leave."""
    from fer_core.batch.results import OUTCOME, select_rows

    # Not the table itself: Streamlit keeps what names the choices for longer than a visit lasts.
    counts = {o: int((table[OUTCOME] == o).sum()) for o in _OUTCOMES}
    there = [outcome for outcome, n in counts.items() if n]
    named = sorted({e for name in networks for e in table[name] if e})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        outcomes = st.pills(
            "Show only",
            there,
            selection_mode="multi",
            format_func=lambda o: f"{_OUTCOMES[o]} ({counts[o]:,})",
            key="batch_outcomes",
            wrap=True,
        )
        expressions = st.multiselect(
            "Expression, by either network",
            named,
            format_func=str.capitalize,
            placeholder="Any",
            key="batch_expressions",
            width=320,
        )
    return select_rows(table, networks, outcomes=outcomes, expressions=expressions)


def _show_table(rows: "pd.DataFrame", networks: list[str]) -> tuple[int, int] | None:
    """Show rows, and return the photo's position and the face's number of the chosen one, if any."""
    from fer_core.batch.results import FACE, RESULT

    # A key for each choice of rows: a row chosen among others would be another one's.
    key = f"batch_rows_{hash(tuple(rows.index))}"
    event: Any = st.dataframe(
        _shown(rows, networks),
        hide_index=True,
        placeholder="",
        column_config=_columns(networks),
        on_select="rerun",
        selection_mode="single-row",
        key=key,
    )
    chosen = event.selection.rows
    if not chosen or chosen[0] >= len(rows):
        return None
    row = rows.iloc[chosen[0]]
    return int(row[RESULT]), int(row[FACE])


def _shown(rows: "pd.DataFrame", networks: list[str]) -> "pd.DataFrame":
    """Return the columns that visitors see."""
    from fer_core.batch.results import ERROR, FACE, NOTES, OUTCOME, PHOTO, confidence_of

    answers = [column for name in networks for column in (name, confidence_of(name))]
    shown = rows[[PHOTO, FACE, *answers, OUTCOME, NOTES, ERROR]].copy()
    shown[FACE] = shown[FACE].astype("Int64").where(shown[FACE] > 0)
    shown[OUTCOME] = shown[OUTCOME].map(_OUTCOMES)
    for name in networks:
        shown[name] = shown[name].str.capitalize()
        shown[confidence_of(name)] *= 100
    return shown


def _columns(networks: list[str]) -> dict[str, Any]:
    """Return how the table's columns are called and written."""
    from fer_core.batch.results import ERROR, FACE, NOTES, OUTCOME, PHOTO, confidence_of

    columns: dict[str, Any] = {
        PHOTO: st.column_config.TextColumn("Photo", pinned=True, width="medium"),
        FACE: st.column_config.NumberColumn("Face", width="small"),
        OUTCOME: st.column_config.TextColumn("Outcome"),
        NOTES: st.column_config.TextColumn("Reasons for caution"),
        ERROR: st.column_config.TextColumn("Why it cannot be read", width="large"),
    }
    for name in networks:
        title = title_of(name)
        columns[name] = st.column_config.TextColumn(title)
        columns[confidence_of(name)] = st.column_config.NumberColumn(
            "Confidence", format="%.0f%%", help=f"Confidence of {title}."
        )
    return columns


def _show_selected(file: Any, result: "PhotoResult", number: int) -> None:
    """Show a photo again, which was not kept, with the chosen face in full."""
    if result.analysis is None:
        st.error(
            f"{name_as_code(result.name)}: {message_as_text(result.error)}",
            icon=":material/broken_image:",
        )
        return
    place = st.empty()
    try:
        with turn(place.status):
            upright = result.analysis.shown(decode(file.read()))
            photo = ChosenPhoto.of("batch", result.name, upright)
    except BusyError as error:
        show_busy(error, key="busy-row")
        return
    except ImageDecodeError as error:
        st.error(message_as_text(error), icon=":material/broken_image:")
        return
    finally:
        place.empty()
    notes.show_turned(result.analysis)
    left, right = st.columns([5, 4], gap="medium")
    with left:
        results.show_photo(photo, result.analysis)
    with right:
        if number:
            results.show_face(photo, result.analysis, number)
        else:
            notes.show_no_face(result.analysis)


def _show_sheets(found: "Sequence[PhotoResult]", rows: "pd.DataFrame") -> None:
    from fer_core.batch.contact_sheet import draw_sheet, sheet_faces, sheets_of, sheets_zip
    from fer_core.drawing import encode_jpeg

    faces = sheet_faces(found, rows)
    if not faces:
        return
    st.subheader("Contact sheet")
    sheets = sheets_of(faces)
    number = 1
    if len(sheets) > 1:
        number = st.number_input(f"Sheet (of {len(sheets)})", 1, len(sheets), 1, width=160)
    sheet = draw_sheet(sheets[number - 1])
    st.image(
        sheet,
        caption="The faces in the rows above, as the network that sees most names them.",
        alt=f"Contact sheet {number} of {len(sheets)}",
    )
    with st.container(horizontal=True):
        _download("This sheet", lambda: encode_jpeg(sheet), f"contact_sheet_{number:03d}.jpg")
        if len(sheets) > 1:
            _download("All sheets", partial(sheets_zip, faces), "contact_sheets.zip")


def _show_summary(table: "pd.DataFrame", networks: list[str]) -> None:
    from fer_core.views.batch import agreement_view, answers_table, expressions_view, photos_view

    answers = answers_table(table, networks)
    if answers.empty:
        show_view(photos_view(table))
        return
    left, right = st.columns(2, gap="medium")
    with left:
        show_view(expressions_view(table, answers))
    with right:
        if len(networks) > 1:
            show_view(agreement_view(table, answers, (networks[0], networks[-1])))
    show_view(photos_view(table))


def _offer_downloads(batch: Batch, found: "Sequence[PhotoResult]", networks: list[str]) -> None:
    from fer_core.batch.results import ANNOTATED_SIDE, results_csv, results_json

    labels = {name: spec.labels for name in networks if (spec := spec_of(name))}
    st.subheader("Take away")
    is_short = batch.zip is not None and batch.n_not_zipped > 0
    if is_short:
        n = batch.n_not_zipped
        st.warning(
            f"**{n:,} photo{' is' if n == 1 else 's are'} not in the zip.** Memory was too short to "
            "read them again.",
            icon=":material/memory:",
        )
    with st.container(horizontal=True):
        _download("CSV", partial(results_csv, found, labels), "second_look.csv")
        _download("JSON", partial(results_json, found), "second_look.json")
        if batch.zip is not None:
            _download("Annotated photos (zip)", batch.zip, "annotated.zip")
        if (batch.zip is None or is_short) and any(result.faces for result in found):
            st.button(
                _zip_words(batch),
                on_click=start,
                args=(Task.ZIPPING,),
                icon=":material/folder_zip:",
                help=f"JPEGs of at most {ANNOTATED_SIDE:,} pixels a side, made anew from your uploads.",
            )


def _zip_words(batch: Batch) -> str:
    if batch.has_begun_zip:
        return "Go on with the zip"
    return "Make a zip of annotated photos" if batch.zip is None else "Make the zip again"


def _download(label: str, content: Content, file: str) -> None:
    offer_file(label, content, file, key=f"batch-{file}")
