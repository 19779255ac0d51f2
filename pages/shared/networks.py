"""The networks in use: the visitor's choice, kept for the visit and in the URL."""

from typing import Final

import streamlit as st

from fer_core.listing import split_names
from fer_core.networks.bundles import bundle_names, default_networks
from pages.shared.titles import bundle_of, origin_sentences, title_of
from pages.shared.verbatim import name_as_code

#: Of the URL.
_PARAMETER: Final = "networks"
# Keys in the session.
_CHOSEN: Final = "networks"
_ARRIVALS: Final = "arrivals_with_networks"
_FIRST, _SECOND = "first_network", "second_network"
_NONE: Final = ""
#: Pixels. Wider, the caption would widen the popover.
_WIDTH: Final = 270


def chosen_networks() -> list[str]:
    """Return this visitor's networks: the choice, else those of the settings."""
    chosen = st.session_state.get(_CHOSEN)
    return list(chosen) if chosen else default_networks()


def _read_url() -> list[str]:
    """Use the networks in the URL if all of them are available; return those that are not."""
    named = split_names(st.query_params.get(_PARAMETER, ""))
    if not named:
        # Links between pages carry no networks, and keep the choice: the page adds them to the URL. In the
        # browser's history, the URL without networks of a page that no such link opened stands for those of
        # the settings.
        page, came_by_history = _page_and_way()
        if not came_by_history:
            if chosen_networks() != default_networks():
                _arrivals().add(page)
        elif page not in _arrivals():
            st.session_state.pop(_CHOSEN, None)
        return []
    here = bundle_names()
    missing = [name for name in named if name not in here]
    if not missing:
        st.session_state[_CHOSEN] = tuple(named[:2])
    return missing


def _arrivals() -> set[str]:
    """Return the pages that were opened by a link while other networks were chosen."""
    pages: set[str] = st.session_state.setdefault(_ARRIVALS, set())
    return pages


def _page_and_way() -> tuple[str, bool]:
    """Return what identifies the page, and whether the visitor came with the browser's Back or Forward."""
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    context = get_script_run_ctx()
    if context is None:
        return "", False
    return context.page_script_hash, context.is_history_navigation


def others_are_chosen() -> bool:
    """Return whether the visitor, or the URL, chose networks other than those of the settings."""
    return bool(_read_url()) or chosen_networks() != default_networks()


def offer_networks() -> None:
    """Show the networks in use, offer one or two others, and update the URL."""
    missing = _read_url()
    chosen = chosen_networks()
    label = " + ".join(title_of(name) for name in chosen)
    with st.popover(label, icon=":material/deployed_code:", help="Choose the networks"):
        first, second = [*chosen, _NONE][:2]
        names = list(dict.fromkeys([*bundle_names(), *chosen]))
        st.session_state[_FIRST], st.session_state[_SECOND] = first, second
        st.selectbox("First network", names, key=_FIRST, format_func=title_of, on_change=_choose)
        st.selectbox(
            "Second network",
            [*names, _NONE],
            key=_SECOND,
            format_func=lambda name: title_of(name) if name else "None",
            on_change=_choose,
        )
        st.caption(
            f"The large prediction and the labels on photos come from {title_of(chosen[-1])}, the last "
            "network. The URL keeps your selection: bookmark or share it.",
            width=_WIDTH,
        )
        st.page_link(
            "../models.py",
            label="All networks",
            icon=":material/deployed_code:",
            query_params={"model": chosen[-1]},
        )
        if chosen != default_networks():
            st.button("Use the default networks", on_click=_choose_defaults)
    if missing:
        st.warning(
            f"The link names networks that are not available here: {', '.join(map(name_as_code, missing))}. "
            "The networks above are used instead.",
            icon=":material/link_off:",
        )
    bundles = [bundle for name in chosen if (bundle := bundle_of(name))]
    if sentences := origin_sentences(bundles):
        with st.container(key="weights"):
            st.markdown(" ".join(sentences))
    _write_url()


def _write_url() -> None:
    """Write the networks to the URL, which adds one entry to the browser's history if they are others."""
    chosen = chosen_networks()
    if chosen == default_networks():
        _arrivals().discard(_page_and_way()[0])
        st.query_params.pop(_PARAMETER, None)
    else:
        st.query_params[_PARAMETER] = ",".join(chosen)


def _choose_defaults() -> None:
    st.session_state.pop(_CHOSEN, None)
    _write_url()


def _choose() -> None:
    names = (st.session_state[_FIRST], st.session_state[_SECOND])
    st.session_state[_CHOSEN] = tuple(dict.fromkeys(name for name in names if name))
    _write_url()
