"""What data sets and their splits are called where people read of them."""

from typing import Final

_SOURCES: Final = {
    "fer2013": "FER2013",
    "ferplus": "FER+",
    "ckplus": "CK+48",
    "expw": "ExpW",
    "keypoints": "Keypoints",
}
#: FER2013's splits have names of their own in the literature; FER+ labels the same images.
_OFFICIAL: Final = {"train": "Training", "valid": "PublicTest", "test": "PrivateTest"}
_SPLITS: Final = {"train": "training", "valid": "validation", "test": "test"}


def data_title(data: str) -> str:
    """Return what "SOURCE:SPLIT" is called, for instance "FER2013 PrivateTest (test)"."""
    source, _, split = data.partition(":")
    title = _SOURCES.get(source, source)
    if source in ("fer2013", "ferplus") and split in _OFFICIAL:
        return f"{title} {_OFFICIAL[split]} ({_SPLITS[split]})"
    return f"{title} {_SPLITS.get(split, split)}".strip()
