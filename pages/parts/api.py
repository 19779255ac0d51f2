"""The parts of the API page."""

from collections.abc import Mapping

import streamlit as st

from fer_core.networks.bundles import default_networks
from fer_core.photos.decode import LARGEST_IN_WORDS
from fer_core.settings import api_is_on, api_origins, api_tokens
from pages.server.api.analyze import BODY_SECONDS, WAIT_SECONDS
from pages.server.api.answers import PARTS, described_fields
from pages.server.api.examples import examples
from pages.server.api.openapi import WHY


def is_offered() -> bool:
    """Return whether the API of this server is enabled."""
    return api_is_on()


def show_switched_off() -> None:
    """Explain that the API is off, and how to enable it."""
    st.info(
        "**The API of this server is switched off.** On your own server it is on, unless `FER_API=off` is "
        "set.",
        icon=":material/power_off:",
    )


def show_token() -> None:
    """Explain that the API requires a token, if it does."""
    if api_tokens():
        st.info(
            "**This server requires a token.** Ask its operator for one. The examples read it from a "
            "variable.",
            icon=":material/key:",
        )


def show_examples(address: str) -> None:
    """Show one example program per language."""
    found = examples(address, default_networks()[-1], token=bool(api_tokens()))
    for tab, example in zip(st.tabs([e.title for e in found]), found, strict=True):
        with tab:
            st.code(example.code, language=example.language, wrap_lines=True)
            if example.language == "javascript":
                st.caption(_where_pages_may_ask())


def _where_pages_may_ask() -> str:
    origins = ", ".join(f"`{origin}`" for origin in api_origins())
    others = f" and of {origins}" if origins else ""
    return f"In a browser, only pages of this server{others} can call the API (`FER_API_ORIGINS`)."


def show_addresses(address: str) -> None:
    """Show the addresses and their parameters."""
    st.markdown(
        "- `POST /api/analyze` returns every face of a photo. The photo is the body, or the field `file` of "
        "a form.\n"
        "  - `?networks=A,B` selects these networks instead of the default ones.\n"
        "  - `?landmarks=1` adds the landmarks of each face.\n"
        "  - `?columns=full` adds action units, blendshapes, gaze and 68 landmarks.\n"
        "- `GET /api/networks` lists the networks with their measured accuracy.\n"
        "- `GET /api/openapi.json` describes the API in OpenAPI 3.1, for code generators.\n"
        "- `GET /api/health` says whether the default networks are loaded, for probes; it needs no token."
    )
    url = f"{address}/openapi.json"
    if api_tokens():
        # A link cannot carry the token.
        st.code(f'curl {url} --header "Authorization: Bearer $TOKEN"', language="shell")
    else:
        st.link_button("openapi.json", url, icon=":material/data_object:")


def show_fields() -> None:
    """Show the fields of the response, then the error statuses."""
    for path, part in PARTS.items():
        st.markdown(f"`{path}`")
        _show_table("Field", described_fields(part))
    st.markdown(
        'In case of an error, the response is `{"error": "..."}` with one of these statuses:'
    )
    _show_table("Status", {str(status): why for status, why in WHY.items()})


def _show_table(title: str, meanings: Mapping[str, str]) -> None:
    rows = [{title: f"`{name}`", "Meaning": meaning} for name, meaning in meanings.items()]
    st.table(rows, border="horizontal", hide_index=True)


def show_limits() -> None:
    """Show the limits."""
    megabytes = st.get_option("server.maxUploadSize")
    st.markdown(
        f"- A file has at most {megabytes} MB and arrives within {BODY_SECONDS:g} seconds.\n"
        f"- A photo has at most {LARGEST_IN_WORDS}.\n"
        "- Photos wait in one queue with those of the pages, "
        f"{WAIT_SECONDS:g} seconds at most. After 429 and 503, retry after the seconds in `Retry-After`.\n"
        "- One photo per request. For videos and folders, use the page *Batch and video* or the command line."
    )
