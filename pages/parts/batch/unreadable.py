"""The files of a batch that could not be read, each with its whole reason; the table cuts reasons off."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import streamlit as st

from pages.shared.verbatim import message_as_text, name_as_code

if TYPE_CHECKING:
    from fer_core.batch.results import PhotoResult

#: Files up to which the list is open from the start.
_FEW: Final = 3
_MOST_LISTED: Final = 50


def show_unreadable(results: "Sequence[PhotoResult]") -> None:
    """List the files that could not be read and why; show nothing if all could be."""
    from fer_core.batch.results import counted

    unreadable = [result for result in results if result.analysis is None]
    if not unreadable:
        return
    n = len(unreadable)
    with st.expander(
        f"{counted(n, 'file')} not readable", expanded=n <= _FEW, icon=":material/broken_image:"
    ):
        listed = unreadable[:_MOST_LISTED]
        st.markdown(
            "\n".join(f"- {name_as_code(r.name)}: {message_as_text(r.error)}" for r in listed)
        )
        if n > _MOST_LISTED:
            st.caption(f"The first {_MOST_LISTED} of {n:,}. The CSV has all.")
