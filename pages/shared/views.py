"""The display of a view: figure, caption, and an expander with details and downloads."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared.charts import PLAIN_CHART, themed
from pages.shared.downloads import offer_file

if TYPE_CHECKING:
    from fer_core.views import View


def show_view(
    view: "View",
    *,
    heading: bool = True,
    help: str | None = None,  # noqa: A002
    on_click: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    """Show a view with its caption, and its details and downloads in an expander.

    Args:
        view: shown under keys made of its name.
        heading: whether its title stands above.
        help: definitions of terms, as the title's tooltip.
        on_click: called with a point that is clicked, as Plotly reports it, before the page reruns.
    """
    if heading:
        st.subheader(view.title, help=help)
    key = f"figure-{view.name}"

    def tell() -> None:
        if on_click and (points := st.session_state[key].selection.points):
            on_click(points[0])

    st.plotly_chart(
        themed(view.figure),
        theme=None,
        key=key,
        config=PLAIN_CHART,
        on_select=tell if on_click else "ignore",
        selection_mode="points",
        alt=f"{view.title}. {view.caption}",
    )
    st.caption(view.caption)
    with st.expander("Details and download"):
        if view.details:
            st.markdown(view.details)
        # Made when asked for: a figure's page takes 5 MB.
        with st.container(horizontal=True):
            offer_file(
                "Figure (HTML, SVG)",
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
