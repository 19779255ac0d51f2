"""What Streamlit's own look lacks: contrast of captions, whole predictions, keyboard focus in the menu."""

from typing import Final

import streamlit as st

#: Percent of the theme's text colour over its ground. Streamlit's 60 give captions a contrast of 4.1:1 on
#: white, and WCAG AA asks for 4.5:1.
CAPTION_SHARE: Final = 80
# A metric's value would be cut to one line: "Unclear: n...". A link of the menu would show its focus by the
# ground alone, just as under the mouse.
_STYLE: Final = f"""<style>
[data-testid="stCaptionContainer"] {{opacity: {CAPTION_SHARE}% !important}}
[data-testid="stMetricValue"] :is([data-testid="stMarkdownContainer"], p) {{
  white-space: normal; overflow-wrap: break-word; font-size: 1.75rem; line-height: 1.2;
}}
[data-testid="stSidebarNavLink"]:focus-visible {{outline: 2px solid currentColor; outline-offset: -2px}}
</style>"""


def add_style() -> None:
    """Add the rules to this page."""
    st.html(_STYLE)
