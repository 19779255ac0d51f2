"""The contact sheet on the page: a button per face that opens its photo."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.parts.batch.opened import last_opened, open_face
from pages.parts.batch.work import Batch

if TYPE_CHECKING:
    from fer_core.batch.contact_sheet import SheetFace

_FOLDER: Final = Path(__file__).parent
_SHEET: Final = "batch_sheet"

_component = st.components.v2.component(
    "contact_sheet",
    html=(_FOLDER / "sheet.html").read_text(encoding="utf-8"),
    css=(_FOLDER / "sheet.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "sheet.js").read_text(encoding="utf-8"),
)


def show_sheet(batch: Batch, faces: "Sequence[SheetFace]") -> None:
    """Show the faces of a batch side by side, page by page; a click opens a face's photo."""
    from fer_core.batch.contact_sheet import sheets_of

    if not faces:
        st.caption("No face to show.")
        return
    sheets = sheets_of(faces)
    number = 1
    if len(sheets) > 1:
        number = st.pagination(len(sheets), key="batch_sheet_number", persist_state="session")
    keys = batch.keys
    shown = [_card(face, keys[face.result]) for face in sheets[min(number, len(sheets)) - 1]]
    _component(
        key=_SHEET,
        data={
            "label": f"Contact sheet {number} of {len(sheets)}",
            "faces": shown,
            "last": last_opened(),
        },
        on_opened_change=_open,
    )


def _card(face: "SheetFace", key: str) -> dict[str, Any]:
    """Return a face's data for the browser; `key` identifies its photo."""
    source = base64.b64encode(face.crop).decode()
    return {
        "id": f"{face.number}:{key}",
        "source": f"data:image/jpeg;base64,{source}",
        "alt": f"Face {face.number} of {face.name}",
        "title": face.name,
        "name": face.name.split("/")[-1],
        "words": face.words,
        "detail": face.detail,
        "level": str(face.level),
        "color": face.color,
        "ink": face.text_color,
    }


def _open() -> None:
    open_face(str(st.session_state[_SHEET].opened))
