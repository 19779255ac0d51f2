"""Download buttons."""

from collections.abc import Callable, Iterable
from typing import BinaryIO, Literal

import streamlit as st

from fer_core.face_columns import FaceColumns

#: A file's content, or what makes it when it is asked for.
Content = Callable[[], bytes | str] | bytes | str | BinaryIO
#: What the button says, the file's content, its name, and its MIME type.
File = tuple[str, Content, str, str]


def offer_files(files: Iterable[File]) -> None:
    """Show one button per file."""
    for label, content, file_name, mime in files:
        offer_file(label, content, file_name, mime)


def offer_file(
    label: str,
    content: Content,
    file_name: str,
    mime: str | None = None,
    *,
    key: str | None = None,
    help: str | None = None,  # noqa: A002
    icon: str = ":material/download:",
    type: Literal["secondary", "tertiary"] = "secondary",  # noqa: A002
) -> None:
    """Show a button for a file; CSV gets a byte order mark, by which Excel detects its encoding.

    Args:
        label: what the button says.
        content: of the file; a callable is asked at the click.
        file_name: as it is saved.
        mime: its type; by default, what its name says.
        key: of the button.
        help: its tooltip.
        icon: on the button.
        type: of the button, as Streamlit names them.
    """
    st.download_button(
        label,
        _marked(content) if file_name.endswith(".csv") else content,
        file_name,
        mime,
        key=key,
        help=help,
        icon=icon,
        type=type,
        # If the button were redrawn at a click, it would sometimes lose the click.
        on_click="ignore",
    )


def choose_columns(key: str) -> FaceColumns:
    """Show a switch for the columns of each face in downloaded tables, and return the choice."""
    is_full = st.toggle(
        "Full columns",
        key=key,
        help="CSV and JSON also get estimated action units, blendshapes, gaze, openings of eyes and mouth, "
        "and 68 landmarks of each face.",
    )
    return FaceColumns.FULL if is_full else FaceColumns.BASIC


def _marked(content: Content) -> Callable[[], bytes]:
    """Return a function that encodes CSV as UTF-8 with a byte order mark, which Excel needs for umlauts."""

    def make() -> bytes:
        text = content() if callable(content) else content
        if not isinstance(text, str):
            raise TypeError(f"CSV is made as text, got {type(text).__name__}")
        return text.encode("utf-8-sig", "replace")

    return make
