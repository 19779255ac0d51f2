"""Display names of data sets and their splits, with credits.

What is known of data sets comes from `data_names.json`, which `python -m training.sources.names_file` writes
from the records in `training/sources`: this package does not import training.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath
from typing import Final

from fer_core.listing import listed

#: Between the names of two sources whose faces a network learns from.
PLUS: Final = "+"
_ROLES: Final = {"train": "training", "valid": "validation", "test": "test"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DataNames:
    """A data set's information for dashboards.

    Attributes:
        title: what it is called.
        is_whole: whether it has no official splits and is measured on as a whole.
        official_splits: what its publishers call its splits, by "train", "valid" and "test".
        images_of: name of the data set whose images it relabels; its own name otherwise.
        judge: by whose labels a network is right; None if pages do not lead with figures on it.
        ceiling: what one annotator is compared with (`human_agreement`); None if that was not measured.
        credit: a sentence, in Markdown, to stand beside its pictures; None if they may not be shown.
        caution: a sentence to stand beside its figures; None without one.
    """

    title: str
    is_whole: bool
    official_splits: Mapping[str, str]
    images_of: str
    judge: str | None
    ceiling: str | None
    credit: str | None
    caution: str | None


def names_path() -> Path:
    """Return the file with the data sets' information."""
    return Path(__file__).with_suffix(".json")


@cache
def known_data_sets() -> Mapping[str, DataNames]:
    """Return the data sets' information by source name."""
    records = json.loads(names_path().read_text(encoding="utf-8"))
    return {name: DataNames(**record) for name, record in records.items()}


def source_of(data: str) -> str:
    """Return the source of "SOURCE:SPLIT"."""
    # From the right: a user's folder is called folder:PATH.
    return data.rpartition(":")[0]


def split_of(data: str) -> str:
    """Return the split of "SOURCE:SPLIT"."""
    return data.rpartition(":")[2]


def parts_of(source: str) -> tuple[str, ...]:
    """Return the known sources that a plus joins, or the single name."""
    # A folder's path may hold a plus as well.
    parts = tuple(source.split(PLUS))
    return parts if set(parts) <= known_data_sets().keys() else (source,)


def caution_of(data: str) -> str | None:
    """Return the sentence to stand beside figures on "SOURCE:SPLIT"; None without one."""
    known = known_data_sets().get(source_of(data))
    return known.caution if known else None


def is_whole(data: str) -> bool:
    """Return whether "SOURCE:SPLIT" is a whole data set without official splits."""
    known = known_data_sets().get(source_of(data))
    return known is not None and known.is_whole


def source_name(data: str) -> str:
    """Return the display name of the source in "SOURCE:SPLIT"."""
    known = known_data_sets()
    parts = parts_of(source_of(data))
    if set(parts) <= known.keys():
        return listed(known[part].title for part in parts)
    kind, _, path = source_of(data).partition(":")
    # The path of a user's folder is private.
    return f"{kind} {PurePath(path).name}" if path else kind


def split_name(data: str) -> str:
    """Return the display name of the split in "SOURCE:SPLIT"."""
    if is_whole(data):
        return f"{source_name(data)}, all faces"
    split = split_of(data)
    role = _ROLES.get(split, split)
    known = known_data_sets().get(source_of(data))
    official = known.official_splits.get(split) if known else None
    if official is None:
        return role_name(split)
    return official if official.lower() == role else f"{official} ({role})"


def role_name(split: str) -> str:
    """Return the display name of what a split is for, whatever its data set calls it: "Validation"."""
    return _ROLES[split].capitalize() if split in _ROLES else split


def validation_name(source: str) -> str:
    """Return the display name of the validation data for a training source."""
    # Faces of a second source are used only for training.
    return data_name(f"{parts_of(source)[0]}:valid")


def data_name(data: str) -> str:
    """Return the display name of "SOURCE:SPLIT"."""
    if is_whole(data):
        return source_name(data)
    return f"{source_name(data)} {split_name(data)}"
