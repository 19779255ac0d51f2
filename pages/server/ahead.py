"""Load the networks at startup, so that the first visitor need not wait for them."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final

from fer_core.errors import BundleError, FerError
from fer_core.listing import listed
from fer_core.networks.bundles import SERVING_FILE, current_name, default_networks
from fer_core.networks.hub import pin_of
from fer_core.settings import hub_repos, models_root, named_networks, shipped_models
from pages.server.api.health import readiness
from pages.shared.verbatim import without_paths

log = logging.getLogger(__name__)

#: The first page is drawn meanwhile, which comes sooner without another thread at work.
SECONDS_FIRST: Final = 2.0
#: Between two looks for networks that were repaired or replaced.
SECONDS_BETWEEN: Final = 60.0
#: Libraries that pages import for results, comparisons and charts; together they take one second.
LIBRARIES: Final = ("pandas", "scipy.interpolate", "scipy.stats", "plotly.graph_objects")


async def keep_loaded() -> None:
    """Load ahead at startup, and every minute what was repaired or replaced since; runs until cancelled."""
    while True:
        await load_ahead()
        await asyncio.sleep(SECONDS_BETWEEN)


async def load_ahead() -> None:
    """Load the configured networks, run them on an example once, and import the pages' libraries.

    Weights from the Hub are not loaded ahead, so that a server without visitors makes no connections. What
    is wrong goes to the log once, and to `readiness`.
    """
    await asyncio.sleep(SECONDS_FIRST)
    await asyncio.to_thread(_load)


def _load() -> None:
    networks: Mapping[str, str | None] = {}
    errors: Sequence[Exception]
    try:
        networks, errors = _load_networks()
    except Exception as error:
        # The visitor with the first photo sees it as well.
        errors = [error]
    for reason in errors:
        if without_paths(reason) not in (readiness.reason or ""):
            mend = _what_to_check() if isinstance(reason, BundleError) else ""
            log.error("The networks could not be loaded ahead: %s%s", reason, mend)
    readiness.networks = networks
    readiness.reason = " ".join(map(without_paths, errors)) or None
    for library in LIBRARIES:
        import_module(library)


def _load_networks() -> tuple[dict[str, str | None], list[FerError]]:
    """Load the default networks that are here.

    Returns:
        The digest of the weights of each default network, None for one from the Hub; and why others cannot
        be loaded, and what is wrong with the settings of the Hub.
    """
    from fer_core.photos.decode import decode
    from pages.shared.examples import EXAMPLES
    from pages.shared.loading import load_classifiers, load_openable

    from_hub, errors = _hub_networks()
    names = default_networks()
    # Both are cached: what is loaded already costs a look at its spec.
    classifiers, failed = load_classifiers([name for name in names if name not in from_hub])
    here = {name: c.bundle.spec.sha256.get(SERVING_FILE) for name, c in classifiers.items()}
    if any(readiness.networks.get(name) != digest for name, digest in here.items()):
        load_openable(here).analyze(decode(EXAMPLES[0].file.read_bytes()))
    every = {**here, **dict.fromkeys(from_hub)}
    # A pin that cannot be read is an error of the network as well.
    reasons = {str(error): error for error in (*errors, *failed)}
    return {name: every[name] for name in names if name in every}, list(reasons.values())


def _hub_networks() -> tuple[set[str], list[FerError]]:
    """Return the default networks that the settings pin on the Hub, and what is wrong with its settings."""
    pinned: set[str] = set()
    errors: list[FerError] = []
    for name in default_networks():
        # An error is one of the settings as well.
        with contextlib.suppress(FerError):
            if pin_of(current_name(name)) is not None:
                pinned.add(name)
    for name in hub_repos():
        try:
            pin_of(name)
        except FerError as error:
            errors.append(error)
    return pinned, errors


def _what_to_check() -> str:
    """Return a sentence that names the settings that choose networks; empty if none is set."""
    named = ["FER_NETWORKS"] if named_networks() else []
    if models_root() != shipped_models():
        named.append("FER_MODELS")
    return f" Check {listed(named)}." if named else ""
