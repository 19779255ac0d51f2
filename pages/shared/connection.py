"""What the browser's connection to Streamlit reveals about a visit."""

from typing import Final

import streamlit as st

#: Without it Streamlit's server refuses every upload, so that no other site can send one in a visitor's name.
_UPLOAD_COOKIE: Final = "_streamlit_xsrf"
#: Names Streamlit's protocol, a token and, if there was one, the session that the page had before.
_CONNECTION_HEADER: Final = "Sec-WebSocket-Protocol"


def uploads_are_refused() -> bool:
    """Return whether the browser lacks the cookie that the server requires for uploads."""
    # A test without a browser has no headers.
    has_browser = bool(st.context.headers.get("Host"))
    protected = bool(st.get_option("server.enableXsrfProtection"))
    return has_browser and protected and _UPLOAD_COOKIE not in st.context.cookies


def visit_was_lost() -> bool:
    """Return whether the page had an earlier session that the server does not know any more.

    It was started again, or it heard nothing of the page for longer than it keeps a session.
    """
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    names = [name.strip() for name in st.context.headers.get(_CONNECTION_HEADER, "").split(",")]
    context = get_script_run_ctx()
    return len(names) > 2 and context is not None and names[2] not in ("", context.session_id)
