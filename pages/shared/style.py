"""What Streamlit's own look lacks: contrast, whole predictions, focus in the menu."""

from typing import Final

import streamlit as st

#: Percent of the theme's text colour over its ground. Streamlit's 60 give captions a contrast of 4.1:1 on
#: white, and WCAG AA asks for 4.5:1.
CAPTION_SHARE: Final = 80
#: Text on the primary colour, light theme and dark: of primary buttons, and of the chips of chosen options.
#: Streamlit writes white on both primary colours, which is 2.8:1 on the dark theme's; that theme's ground is
#: 6.4:1.
PRIMARY_TEXT: Final = ("#FFFFFF", "#14181C")
#: Ground of primary buttons under the mouse or with the focus, light theme and dark. Streamlit darkens it in
#: both, too far for dark text.
PRIMARY_HOVER: Final = ("#0B5262", "#62BBD0")
_PRIMARY: Final = '[data-testid^="stBaseButton-primary"]:enabled'
_CHIP: Final = '[data-testid="stMultiSelect"] [data-tag]'
# A metric's value would be cut to one line: "Unclear: n...". A link of the menu would show its focus by the
# ground alone, just as under the mouse.
_STYLE: Final = f"""<style>
[data-testid="stCaptionContainer"] {{opacity: {CAPTION_SHARE}% !important}}
:is({_PRIMARY}, {_CHIP}, {_CHIP} button) {{color: light-dark({", ".join(PRIMARY_TEXT)})}}
{_PRIMARY}:is(:hover, :focus-visible):not(:active) {{
  background-color: light-dark({", ".join(PRIMARY_HOVER)}); border-color: transparent;
}}
[data-testid="stMetricValue"] :is([data-testid="stMarkdownContainer"], p) {{
  white-space: normal; overflow-wrap: break-word; font-size: 1.75rem; line-height: 1.2;
}}
[data-testid="stSidebarNavLink"]:focus-visible {{outline: 2px solid currentColor; outline-offset: -2px}}
</style>"""


def add_style() -> None:
    """Add the rules to this page."""
    st.html(_STYLE)
