"""The data sets that recipes train on and bundles are evaluated on, by the names of the command line."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from fer_core.errors import DataError, UnknownNameError
from training.sources import class_folders, fer2013, keypoints
from training.sources.base import VOTES, Samples, Split, sha256_of_arrays
from training.sources.keypoints import KeypointSamples

__all__ = [
    "SOURCES",
    "VOTES",
    "KeypointSamples",
    "Samples",
    "Split",
    "data_root",
    "load",
    "load_keypoints",
    "parse_data_argument",
    "parse_keypoints_argument",
    "sha256_of_arrays",
]

#: Sources with official splits under the data root. A new data set is one module and one line here.
SOURCES: Final[dict[str, Callable[[Path, Split], Samples]]] = {fer2013.NAME: fer2013.load}


def data_root() -> Path:
    """Return the folder that FER_DATA names; raise DataError if it names none."""
    value = os.environ.get("FER_DATA")
    if not value:
        raise DataError(
            "The environment variable FER_DATA is not set. It names the folder that holds the data "
            "sets, for instance: FER_DATA=~/fer-data python -m training data"
        )
    root = Path(value).expanduser()
    if not root.is_dir():
        raise DataError(f"FER_DATA names {root}, which is not a folder.")
    return root


def load(source: str, split: Split) -> Samples:
    """Read one split of a source under FER_DATA; raise DataError or UnknownNameError."""
    if source not in SOURCES:
        raise UnknownNameError(
            f"No data source is called {source!r}. There are: {', '.join(SOURCES)}, and folder:PATH."
        )
    return SOURCES[source](data_root(), split)


def load_keypoints(split: Split) -> KeypointSamples:
    """Read one split of the keypoints under FER_DATA; raise DataError."""
    return keypoints.load(data_root(), split)


def parse_data_argument(argument: str) -> Callable[[], Samples]:
    """Return a reader for the command line's `SOURCE[:SPLIT]` (test by default) or `folder:PATH`."""
    source, _, rest = argument.partition(":")
    if source == class_folders.NAME:
        if not rest:
            raise UnknownNameError("Give the folder's path: --data folder:PATH")
        return lambda: class_folders.load(Path(rest).expanduser())
    split = _split(rest)
    return lambda: load(source, split)


def parse_keypoints_argument(argument: str) -> Callable[[], KeypointSamples]:
    """Return a reader for the command line's `keypoints[:SPLIT]`, test by default."""
    source, _, rest = argument.partition(":")
    if source != keypoints.NAME:
        raise UnknownNameError(
            f"A network that finds keypoints cannot be measured on {argument!r}, which has none. "
            f"Use --data {keypoints.NAME}:test."
        )
    split = _split(rest)
    return lambda: load_keypoints(split)


def _split(name: str) -> Split:
    try:
        return Split(name or Split.TEST)
    except ValueError:
        raise UnknownNameError(
            f"No split is called {name!r}; there are {', '.join(Split)}."
        ) from None
