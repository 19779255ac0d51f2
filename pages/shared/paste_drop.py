"""Files from the clipboard or the desktop: what is pasted or dropped anywhere on the page is uploaded."""

from pathlib import Path
from typing import Final

import streamlit as st

_FOLDER: Final = Path(__file__).parent

_listen = st.components.v2.component(
    "paste_drop",
    html='<div class="veil" hidden>Drop to add files</div>',
    css=(_FOLDER / "paste_drop.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "paste_drop.js").read_text(encoding="utf-8"),
)


def take_pasted_and_dropped_files() -> None:
    """Pass pasted and dropped files to the page's uploader, as if they had been chosen there."""
    _listen(key="paste_drop", height=1)
