"""Load the networks at startup, so that the first visitor need not wait for them."""

import asyncio
import logging
from importlib import import_module
from typing import Final

from fer_core.settings import hub_repos

log = logging.getLogger(__name__)

#: The first page is drawn meanwhile, which comes sooner without another thread at work.
SECONDS_FIRST: Final = 2.0
#: Libraries that pages import for results, comparisons and charts; together they take one second.
LIBRARIES: Final = ("pandas", "scipy.interpolate", "scipy.stats", "plotly.graph_objects")


async def load_ahead() -> None:
    """Load the configured networks, run them on an example once, and import the pages' libraries.

    Weights from the Hub are not loaded ahead, so that a server without visitors makes no connections.
    """
    await asyncio.sleep(SECONDS_FIRST)
    if not hub_repos():
        await asyncio.to_thread(_load)


def _load() -> None:
    from fer_core.networks.bundles import default_networks
    from fer_core.photos.decode import decode
    from pages.shared.examples import EXAMPLES
    from pages.shared.loading import load_analyzer

    try:
        load_analyzer(default_networks()).analyze(decode(EXAMPLES[0].file.read_bytes()))
    except Exception as reason:
        # The visitor with the first photo sees it as well.
        log.warning("The networks could not be loaded ahead: %s", reason)
    for library in LIBRARIES:
        import_module(library)
