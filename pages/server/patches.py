"""Patches for Streamlit 1.67, Starlette 1.10 and asyncio, where they have no setting."""

import asyncio.base_events
import socket
import sys


def keep_uploads_in_memory() -> None:
    """Keep the server from writing uploads to temporary files.

    Starlette, which receives uploads, moves them to a file under /tmp once they pass 1 MB. Zero is
    SpooledTemporaryFile's word for never; the upload limit is enforced while the bytes arrive.

    Raises:
        SystemExit: this Starlette has no such setting, so photos would be written to a disk.
    """
    from starlette.formparsers import MultiPartParser

    if not hasattr(MultiPartParser, "spool_max_size"):
        sys.exit(
            "Error: this version of starlette would write uploads to a disk. Install the tested one: "
            "pip install -c constraints.txt starlette"
        )
    MultiPartParser.spool_max_size = 0


def log_as_streamlit() -> None:
    """Give this program's loggers Streamlit's handler, format and level (`logger.level`).

    Streamlit gives them only to loggers that it makes. Others' warnings would leave without time and level.
    """
    from streamlit.logger import get_logger

    for package in ("fer_core", "pages"):
        get_logger(package)


def look_no_address_up() -> None:
    """Keep the server from asking external services for its own address.

    Streamlit asks whenever a page of another site tries to connect, in case that is its own address. The
    server responds to nobody meanwhile, for one or two seconds. Such a page is refused without asking.
    """
    from streamlit import net_util

    net_util.get_internal_ip = net_util.get_external_ip = _unknown


def answer_without_delay() -> None:
    """Send all parts of a response as soon as they are written.

    The server writes an answer's head and body one after the other. The system keeps the second until the
    first is acknowledged, which takes 40 ms, unless TCP_NODELAY is set. asyncio sets it for sockets whose
    protocol is named, and Streamlit binds one without.
    """
    asyncio.base_events._set_nodelay = _set_nodelay  # type: ignore[attr-defined]


def _set_nodelay(connection: socket.socket) -> None:
    if connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _unknown() -> str | None:
    return None
