"""Photos from the clipboard: files pasted anywhere on the page are uploaded."""

from pathlib import Path
from typing import Final

import streamlit as st

_SCRIPT: Final = (Path(__file__).parent / "paste.js").read_text(encoding="utf-8")

_listen = st.components.v2.component("paste", html="<span></span>", js=_SCRIPT)


def take_pasted_files() -> None:
    """Pass pasted files to the page's uploader, as if they had been chosen there."""
    _listen(key="paste", height=1)
