"""Captions whose contrast meets WCAG AA: Streamlit's are the text colour at 60%, which is 4.1:1 on white."""

from typing import Final

import streamlit as st

#: Percent of the theme's text colour over its ground.
SHARE: Final = 80
_STYLE: Final = f"""<style>
[data-testid="stCaptionContainer"] {{color: inherit !important}}
[data-testid="stCaptionContainer"] :is(p, li) {{
  color: color-mix(in srgb, currentColor {SHARE}%, transparent) !important
}}
</style>"""


def readable_captions() -> None:
    """Raise the contrast of the captions of this page."""
    st.html(_STYLE)
