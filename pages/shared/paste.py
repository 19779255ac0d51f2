"""Photos from the clipboard: what is pasted anywhere on the page goes the way of uploads."""

from pathlib import Path
from typing import Final

import streamlit as st

_SCRIPT: Final = (Path(__file__).parent / "paste.js").read_text(encoding="utf-8")

_listen = st.components.v2.component("paste", html="<span></span>", js=_SCRIPT)


def take_pasted_files() -> None:
    """Give what is pasted on the page to its uploader, as if it had been chosen there."""
    _listen(key="paste", height=1)
