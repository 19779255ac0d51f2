"""Coroutines in tests, whatever else the test process runs."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def run(coroutine: Coroutine[object, object, T]) -> T:
    """Run a coroutine to its end and return what it returns.

    It runs in a thread of its own: Playwright's synchronous API keeps an event loop running in the
    main thread as long as its browser is open, and `asyncio.run` refuses to run there.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
