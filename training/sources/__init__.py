"""The data sets for training and evaluation, by their names on the command line."""

import logging
from importlib import import_module
from pathlib import Path
from typing import Final

from fer_core.data_names import PLUS
from fer_core.errors import DataError, UnknownNameError
from fer_core.settings import data_folder
from training.sources import class_folders, keypoints
from training.sources.base import VOTES, Samples, Split, sha256_of_arrays
from training.sources.joined import joined
from training.sources.keypoints import KeypointSamples
from training.sources.source import PACKED, DataSet, MissingDataError, Source

log = logging.getLogger(__name__)

__all__ = [
    "PACKED",
    "SOURCES",
    "VOTES",
    "DATA_SETS",
    "DataSet",
    "KeypointSamples",
    "MissingDataError",
    "Samples",
    "Source",
    "Split",
    "all_images_of",
    "data_root",
    "division_of",
    "hidden_because",
    "images_of",
    "is_known",
    "is_own_folder",
    "knows_copies",
    "load",
    "load_argument",
    "load_keypoints",
    "load_keypoints_argument",
    "parse_split",
    "parts_of",
    "sha256_of_arrays",
    "splits_of",
    "without_path",
]

#: Modules of this folder with a record SOURCE, in the order of lists. A new data set is one module and its
#: name here; `python -m training.sources.names_file` then tells dashboards what it is called.
_MODULES: Final = ("fer2013", "ferplus", "ckplus", "expw", "rafdb")


def _registered() -> dict[str, Source]:
    records = [import_module(f"{__name__}.{module}").SOURCE for module in _MODULES]
    names = [record.name for record in records]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"Two data sets are called {', '.join(twice)}.")
    return dict(zip(names, records, strict=True))


#: The data sets of labelled faces, by name.
SOURCES: Final[dict[str, Source]] = _registered()
#: All that networks learn from: the sources, and the faces with keypoints.
DATA_SETS: Final[dict[str, DataSet]] = {**SOURCES, keypoints.NAME: keypoints.DATA_SET}


def data_root() -> Path:
    """Return the folder that FER_DATA names; raise DataError if it names none."""
    root = data_folder()
    if root is None:
        raise DataError(
            "The environment variable FER_DATA is not set. It names the folder that holds the data "
            "sets, for instance: FER_DATA=~/fer-data python -m training data"
        )
    if not root.is_dir():
        raise DataError(f"FER_DATA names {root}, which is not a folder.")
    return root


def load(source: str, split: Split, *, whole: bool = False) -> Samples:
    """Read one split of a source: of a name under FER_DATA, or of a user's `folder:PATH`.

    Of "FIRST+SECOND" the training split has faces of both (`training.sources.joined`), with `whole` all of
    SECOND; the others are FIRST's.

    Raises:
        DataError: it is not there or malformed, or has no such split.
        UnknownNameError: no source is called that.
    """
    if (folder := _own_folder(source)) is not None:
        return class_folders.load(folder, split)
    first, *second = _known_parts(source)
    root = data_root()
    samples = first.load(root, split)
    if not second or split is not Split.TRAIN:
        return samples
    # Of a data set that relabels another one's images and drops some, the dropped ones are not to be learnt
    # either.
    shown = SOURCES[first.images_of]

    def others() -> tuple[Samples, ...]:
        return tuple(shown.load(root, s) for s in shown.splits if s is not Split.TRAIN)

    return joined(samples, others, second[0].load(root, Split.TRAIN), thinned=not whole)


def splits_of(source: str) -> tuple[Split, ...]:
    """Return the splits of a source; for a user's folder, those that exist.

    Raises:
        DataError: there is no such folder.
        UnknownNameError: no source is called that.
    """
    if (folder := _own_folder(source)) is not None:
        return class_folders.splits_in(folder)
    return tuple(Split) if source == keypoints.NAME else _known_parts(source)[0].splits


def division_of(source: str) -> str | None:
    """Return the division of a data set under FER_DATA; None if it is absent or has fixed splits.

    Raises:
        DataError: FER_DATA names no folder.
    """
    division = SOURCES[source].division if source in SOURCES else None
    return None if division is None else division(data_root())


def images_of(source: str) -> str:
    """Return a key that is equal for sources with the same images in the same splits.

    Of "FIRST+SECOND" it is that of FIRST, whose rows it has in all splits.
    """
    if (folder := _own_folder(source)) is not None:
        return f"{class_folders.NAME}:{folder.resolve()}"
    return _known_parts(source)[0].images_of if is_known(source) else source


def all_images_of(*names: str) -> set[str]:
    """Return `images_of` of sources, of FIRST+SECOND that of both."""
    return {images_of(part) for name in names for part in parts_of(name)}


def hidden_because(source: str) -> str | None:
    """Return the reason why a source's faces may not be shown; None if they may.

    Raises:
        UnknownNameError: no source is called that.
    """
    if is_own_folder(source):
        return "they are your own, and the project's files are passed on"
    reasons = (part.hidden_because for part in _known_parts(source))
    return next((reason for reason in reasons if reason), None)


def is_known(source: str) -> bool:
    """Return whether a source is one of `SOURCES`, or two of them joined with a plus."""
    return set(parts_of(source)) <= SOURCES.keys()


def parts_of(source: str) -> tuple[str, ...]:
    """Return the names that a plus joins, or the single name."""
    return (source,) if is_own_folder(source) else tuple(source.split(PLUS, maxsplit=1))


def is_own_folder(source: str) -> bool:
    """Return whether a source is a user's `folder:PATH`."""
    return _own_folder(source) is not None


def without_path(source: str) -> str:
    """Return a source for publication: a user's folder by its name, without its path."""
    folder = _own_folder(source)
    return source if folder is None else f"{class_folders.NAME}:{folder.name or '.'}"


def knows_copies(source: str) -> bool:
    """Return whether `Samples.clean` of a source is known; it is not for a single set of class folders."""
    folder = _own_folder(source)
    return is_known(source) if folder is None else Split.TRAIN in class_folders.splits_in(folder)


def _known(source: str) -> Source:
    if source not in SOURCES:
        raise UnknownNameError(
            f"No data source is called {source!r}. There are: {', '.join(SOURCES)}, and folder:PATH."
        )
    return SOURCES[source]


def _known_parts(source: str) -> list[Source]:
    return [_known(name) for name in parts_of(source)]


def _own_folder(source: str) -> Path | None:
    """Return the PATH of `folder:PATH`, None for another source."""
    name, colon, path = source.partition(":")
    if name != class_folders.NAME or not colon:
        return None
    if not path:
        raise UnknownNameError(f"Give the folder's path: {class_folders.NAME}:PATH")
    return Path(path).expanduser()


def load_keypoints(split: Split) -> KeypointSamples:
    """Read one split of the keypoints under FER_DATA; raise DataError."""
    return keypoints.load(data_root(), split)


def load_argument(argument: str) -> Samples:
    """Read the command line's `SOURCE[:SPLIT]` or `folder:PATH[:SPLIT]`.

    The split is test by default; of a folder that has other splits and no test, the validation split.

    Raises:
        DataError: as `load`.
        UnknownNameError: as `load`, or no split is called that, or the folder's path is missing.
    """
    source, _, rest = argument.partition(":")
    if source != class_folders.NAME:
        return load(source, _split(rest))
    path, colon, last = rest.rpartition(":")
    by_name = {
        name: split
        for split, names in class_folders.SPLIT_FOLDERS.items()
        for name in (split, *names)
    }
    if colon and path and last in by_name:
        return load(f"{source}:{path}", by_name[last])
    if not rest:
        raise UnknownNameError("Give the folder's path: --data folder:PATH")
    return _load_folder(argument)


def _load_folder(source: str) -> Samples:
    present = splits_of(source)
    split = Split.VALID if Split.TEST not in present and Split.VALID in present else Split.TEST
    if len(present) > 1 or split is Split.VALID:
        log.info("%s has %s: its %s split is taken", source, " and ".join(present), split)
    return load(source, split)


def parse_split(argument: str) -> tuple[str, Split]:
    """Return source and split of the command line's `SOURCE[:SPLIT]`; a folder is all its test split.

    Raises:
        UnknownNameError: neither is a name that exists.
    """
    if is_own_folder(argument):
        return argument, Split.TEST
    source, _, rest = argument.partition(":")
    return _known(source).name, _split(rest)


def load_keypoints_argument(argument: str) -> KeypointSamples:
    """Read the command line's `keypoints[:SPLIT]`, test by default.

    Raises:
        DataError: as `load_keypoints`.
        UnknownNameError: no split is called that, or it is another source.
    """
    source, _, rest = argument.partition(":")
    if source != keypoints.NAME:
        raise UnknownNameError(
            f"A network that finds keypoints cannot be measured on {argument!r}, which has none. "
            f"Use --data {keypoints.NAME}:test."
        )
    return load_keypoints(_split(rest))


def _split(name: str) -> Split:
    try:
        return Split(name or Split.TEST)
    except ValueError:
        raise UnknownNameError(
            f"No split is called {name!r}; there are {', '.join(Split)}."
        ) from None
