"""Shared code of the pages' charts."""

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

if TYPE_CHECKING:
    import plotly.graph_objects as go

#: Plotly's configuration of a chart without its bar of tools, which covers charts on phones.
PLAIN_CHART: Final[dict[str, Any]] = {"displayModeBar": False}


def themed(figure: "go.Figure") -> "go.Figure":
    """Return a figure in the visitor's theme; show it with `theme=None`.

    Streamlit's own greys have too little contrast.
    """
    from fer_core.views.style import for_dark

    return for_dark(figure) if st.context.theme.type == "dark" else figure
