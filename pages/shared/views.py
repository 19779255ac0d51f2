"""Showing a view: its figure, how to read it, and what can be taken away."""

from typing import TYPE_CHECKING, Any, cast

import streamlit as st

from pages.shared.charts import chart_with_picture

if TYPE_CHECKING:
    from fer_core.views import View


def show_view(
    view: "View", *, heading: bool = True, clickable: bool = False
) -> list[dict[str, Any]]:
    """Show a view with its downloads.

    Args:
        view: shown under keys made of its name.
        heading: whether its title stands above.
        clickable: whether a click on a point of the figure runs the page again.

    Returns:
        The points chosen in a clickable figure, as Streamlit's list of dicts; else an empty list.
    """
    if heading:
        st.subheader(view.title)
    state = st.plotly_chart(
        view.figure,
        key=f"figure-{view.name}",
        config=chart_with_picture(view.name),
        on_select="rerun" if clickable else "ignore",
        selection_mode="points",
        alt=view.title,
    )
    st.caption(view.reading)
    # Made when asked for: a figure's page takes 5 MB.
    with st.container(horizontal=True):
        st.download_button(
            "Figure (HTML)",
            view.html,
            f"{view.name}.html",
            "text/html",
            key=f"html-{view.name}",
            on_click="ignore",
            icon=":material/download:",
            type="tertiary",
        )
        st.download_button(
            "Data (CSV)",
            view.csv,
            f"{view.name}.csv",
            "text/csv",
            key=f"csv-{view.name}",
            on_click="ignore",
            icon=":material/table:",
            type="tertiary",
        )
    return cast(Any, state).selection.points if clickable else []
