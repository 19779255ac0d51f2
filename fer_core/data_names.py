"""What data sets and their splits are called where people read of them."""

from pathlib import PurePath
from typing import Final

#: What data sets are called; others by the name of their source.
_SOURCES: Final = {"fer2013": "FER2013", "ferplus": "FER+", "ckplus": "CK+", "expw": "ExpW"}
#: Between the names of two sources whose faces a network learns from.
PLUS: Final = "+"
#: Sources whose splits are those of the FER2013 contest.
_CONTEST_SOURCES: Final = ("fer2013", "ferplus")
_CONTEST_SPLITS: Final = {
    "train": "Training",
    "valid": "PublicTest (validation)",
    "test": "PrivateTest (test)",
}
_SPLITS: Final = {"train": "Training", "valid": "Validation", "test": "Test"}
#: Without an official split, and measured on as a whole.
WHOLE_SETS: Final = ("ckplus",)


def source_of(data: str) -> str:
    """Return the source of "SOURCE:SPLIT"."""
    return data.rpartition(":")[0]


def split_of(data: str) -> str:
    """Return the split of "SOURCE:SPLIT"."""
    return data.rpartition(":")[2]


def source_name(data: str) -> str:
    """Return what people call the source of "SOURCE:SPLIT"."""
    # A folder's path may hold a plus as well.
    parts = source_of(data).split(PLUS)
    if set(parts) <= _SOURCES.keys():
        return " and ".join(_SOURCES[part] for part in parts)
    kind, _, path = source_of(data).partition(":")
    # Where a user's folder lies is nobody else's business.
    return f"{kind} {PurePath(path).name}" if path else kind


def split_name(data: str) -> str:
    """Return what people call the split of "SOURCE:SPLIT"."""
    if source_of(data) in WHOLE_SETS:
        return f"{source_name(data)}, all faces"
    names = _CONTEST_SPLITS if source_of(data) in _CONTEST_SOURCES else _SPLITS
    return names.get(split_of(data), split_of(data))


def validation_name(source: str) -> str:
    """Return what people call the split that a network was chosen on, by the source that it learnt from."""
    # Faces of a second source are only learnt from.
    first, *others = source.split(PLUS)
    known = others and {first, *others} <= _SOURCES.keys()
    return data_name(f"{first if known else source}:valid")


def data_name(data: str) -> str:
    """Return what people call "SOURCE:SPLIT"."""
    if source_of(data) in WHOLE_SETS:
        return source_name(data)
    return f"{source_name(data)} {split_name(data)}"
