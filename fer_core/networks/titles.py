"""Titles of networks: short ones for headings and lists, and sentences below them."""

from typing import Final

from fer_core.networks.bundles import BaseSpec

#: Of networks whose specs have a title that cannot stand in a sentence: it is one itself, or has a comma.
_TITLES: Final = {
    "cnn": "CNN (FER2013)",
    "cnn_photos": "CNN (web photos)",
    "dual": "Dual-input (FER2013)",
    "dual_photos": "Dual-input (web photos)",
    "expw_cnn": "CNN (ExpW)",
    "ferplus": "CNN (FER+)",
    "keypoints": "15 keypoints",
    "landmarks_only": "Landmarks alone (FER2013)",
    "resnet5": "Dual-input (five classes)",
}
#: Characters of a title that can stand as a heading.
_LONGEST: Final = 32


def short_title(name: str, spec: BaseSpec | None) -> str:
    """Return a network's title for headings; the bundle's name if its spec has a sentence alone.

    Args:
        name: of the bundle.
        spec: of the bundle; None if it cannot be opened.
    """
    if name in _TITLES:
        return _TITLES[name]
    return spec.title if spec and _is_short(spec.title) else name


def description(spec: BaseSpec) -> str | None:
    """Return the sentence that describes a network; None if its spec has a short title alone."""
    return None if _is_short(spec.title) else spec.title


def _is_short(title: str) -> bool:
    return len(title) <= _LONGEST
