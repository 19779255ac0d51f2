"""The server's tasks at startup, while running and at shutdown."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from streamlit import runtime

from pages.server.ahead import keep_loaded
from pages.server.dumps import write_no_core_dumps
from pages.server.kept_files import keep_longer
from pages.server.leaving import forget_who_left, give_photos_back_at_once
from pages.server.patches import (
    answer_without_delay,
    keep_uploads_in_memory,
    log_as_streamlit,
    look_no_address_up,
)


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Prepare the server before its first visitor, and delete the data of those who left."""
    log_as_streamlit()
    write_no_core_dumps()
    server = runtime.get_instance()
    keep_uploads_in_memory()
    look_no_address_up()
    answer_without_delay()
    keep_longer(server.media_file_mgr)
    give_photos_back_at_once()
    tasks = [asyncio.create_task(forget_who_left(server)), asyncio.create_task(keep_loaded())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
