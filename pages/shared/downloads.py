"""Buttons that give the visitor files."""

from collections.abc import Callable, Iterable

import streamlit as st

#: What the button says, the file or what makes it, its name, and its MIME type.
File = tuple[str, Callable[[], bytes | str] | bytes, str, str]


def offer_files(files: Iterable[File]) -> None:
    """Show a button for each file."""
    for label, content, file_name, mime in files:
        st.download_button(
            label,
            content,
            file_name=file_name,
            mime=mime,
            icon=":material/download:",
            # Drawn anew at the click, the button would lose it now and then.
            on_click="ignore",
        )
