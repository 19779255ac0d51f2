"""Short titles of networks, for headings and lists."""

from typing import Final

from fer_core.networks.bundles import BaseSpec

#: Of networks whose specs have a sentence for a title.
_TITLES: Final = {
    "cnn": "CNN, FER2013",
    "dual": "Dual-input, FER2013",
    "expw_cnn": "CNN, ExpW",
    "ferplus": "CNN, FER+",
    "keypoints": "15 keypoints",
    "landmarks_only": "Landmarks alone, FER2013",
    "resnet5": "Dual-input, five classes",
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
    return spec.title if spec and len(spec.title) <= _LONGEST else name
