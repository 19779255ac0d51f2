"""Captions whose contrast meets WCAG AA: Streamlit's have an opacity of 60%, which is 4.1:1 on white."""

from typing import Final

import streamlit as st

#: Percent of the theme's text colour over its ground.
SHARE: Final = 80
_STYLE: Final = (
    f'<style>[data-testid="stCaptionContainer"] {{opacity: {SHARE}% !important}}</style>'
)


def readable_captions() -> None:
    """Raise the contrast of the captions of this page."""
    st.html(_STYLE)
