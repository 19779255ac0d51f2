"""Choices in the URL, as short words; each adds an entry to the browser's history.

Widgets that Streamlit binds to the URL (`bind="query-params"`) replace the entry, so that Back leaves the
page. What a script writes to `st.query_params` adds one, so that Back returns to the choice before.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

import streamlit as st

from pages.shared.verbatim import name_as_code

T = TypeVar("T")


def linked(parameter: str, words: Mapping[str, T], default: T, *, key: str) -> Callable[[], None]:
    """Set a widget from the URL, and return its `on_change`, which writes the choice to the URL.

    Args:
        parameter: name in the URL.
        words: values of the widget by their word in the URL.
        default: value without the parameter, or with an unknown word; it is not written.
        key: of the widget, which is created after this and without a default.
    """
    value = words.get(st.query_params.get(parameter, ""), default)
    st.session_state[key] = value

    def write() -> None:
        chosen = st.session_state[key]
        _write(parameter, [] if chosen == default else [_word(words, chosen)])

    return write


def tell_unknown(parameter: str, words: Collection[str]) -> None:
    """Warn of each value in the URL that is not here; `linked` and `linked_list` pass it over."""
    for word in st.query_params.get_all(parameter):
        if word not in words:
            st.warning(
                f"The link names {name_as_code(word[:40])}, which is not available here. It is ignored.",
                icon=":material/link_off:",
            )


def linked_list(
    parameter: str, words: Mapping[str, T], default: Sequence[T], *, key: str
) -> Callable[[], None]:
    """Do the same as `linked` for a widget with several values, each with its own URL parameter.

    An empty choice is not written, so that the default returns with the page.
    """
    said = [words[word] for word in st.query_params.get_all(parameter) if word in words]
    # An empty choice is kept until something is chosen: the URL cannot tell it from none.
    if said or st.session_state.get(key) != [] or st.query_params.get_all(parameter):
        st.session_state[key] = said or list(default)

    def write() -> None:
        chosen = list(st.session_state[key])
        is_default = chosen == list(default)
        _write(parameter, [] if is_default else [_word(words, value) for value in chosen])

    return write


def _write(parameter: str, words: list[str]) -> None:
    if words:
        st.query_params[parameter] = words if len(words) > 1 else words[0]
    elif parameter in st.query_params:
        del st.query_params[parameter]


def _word(words: Mapping[str, T], value: T) -> str:
    return next(word for word, known in words.items() if known == value)
