"""Showing a view: its figure, how to read it, and what can be taken away."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared.charts import chart_with_picture
from pages.shared.downloads import offer_file

if TYPE_CHECKING:
    from fer_core.views import View


def show_view(
    view: "View",
    *,
    heading: bool = True,
    on_click: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    """Show a view with how to read it, and its downloads.

    Args:
        view: shown under keys made of its name.
        heading: whether its title stands above.
        on_click: called with a point that is clicked, as Plotly tells of it, before the page runs again.
    """
    if heading:
        st.subheader(view.title)
    key = f"figure-{view.name}"

    def tell() -> None:
        if on_click and (points := st.session_state[key].selection.points):
            on_click(points[0])

    st.plotly_chart(
        view.figure,
        key=key,
        config=chart_with_picture(view.name),
        on_select=tell if on_click else "ignore",
        selection_mode="points",
        alt=view.title,
    )
    st.caption(view.reading)
    # Made when asked for: a figure's page takes 5 MB.
    with st.container(horizontal=True):
        offer_file(
            "Figure (HTML)",
            view.html,
            f"{view.name}.html",
            "text/html",
            key=f"html-{view.name}",
            type="tertiary",
        )
        offer_file(
            "Data (CSV)",
            view.csv,
            f"{view.name}.csv",
            "text/csv",
            key=f"csv-{view.name}",
            icon=":material/table:",
            type="tertiary",
        )
