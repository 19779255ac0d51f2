"""What Streamlit's server does otherwise than by itself."""

import asyncio
import asyncio.base_events
import socket
import subprocess
import sys

import pytest
from starlette.formparsers import MultiPartParser

from pages.server.patches import answer_without_delay, keep_uploads_in_memory
from tests.conftest import PROJECT
from tests.coroutines import run


def nodelay_of_an_accepted_connection() -> int:
    """Accept a connection on a socket that is bound as Streamlit binds it: without a protocol."""

    async def accept() -> int:
        bound = socket.socket(family=socket.AF_INET)
        bound.bind(("127.0.0.1", 0))
        accepted: asyncio.Queue[int] = asyncio.Queue()

        def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = writer.get_extra_info("socket")
            accepted.put_nowait(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        server = await asyncio.start_server(connected, sock=bound)
        _, writer = await asyncio.open_connection(*bound.getsockname())
        try:
            return await asyncio.wait_for(accepted.get(), 10)
        finally:
            writer.close()
            server.close()

    return run(accept())


def test_the_parts_of_an_answer_are_sent_as_they_are_written(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(asyncio.base_events, "_set_nodelay", asyncio.base_events._set_nodelay)
    assert nodelay_of_an_accepted_connection() == 0, "asyncio does it by itself: drop the patch"
    answer_without_delay()
    assert nodelay_of_an_accepted_connection() == 1


#: The command that starts a server reads the settings before it.
LOG = """
import logging
from streamlit import config
config.get_config_options()
config.set_option("logger.messageFormat", "[%(levelname)s] %(name)s: %(message)s")
from streamlit.logger import set_log_level, update_formatter
set_log_level("warning")
update_formatter()
from pages.server.patches import log_as_streamlit
log_as_streamlit()
for name in ("fer_core.networks.hub", "pages.server.ahead"):
    logging.getLogger(name).warning("what is wrong")
    logging.getLogger(name).info("what is right")
"""


def test_all_loggers_have_streamlits_handler_format_and_level():
    done = subprocess.run([sys.executable, "-c", LOG], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        "[WARNING] fer_core.networks.hub: what is wrong",
        "[WARNING] pages.server.ahead: what is wrong",
    ]


def test_uploads_that_would_be_written_to_a_disk_stop_the_server(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(MultiPartParser, "spool_max_size", 1)
    keep_uploads_in_memory()
    assert MultiPartParser.spool_max_size == 0
    monkeypatch.delattr(MultiPartParser, "spool_max_size")
    with pytest.raises(SystemExit, match="Install the tested one"):
        keep_uploads_in_memory()
