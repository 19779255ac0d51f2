"""What predictions depend on besides the photos: weights, thresholds, versions of libraries.

A run that is resumed under other conditions would mix results, so they are written beside its output. This
module is light: it loads no parquet library.
"""

import platform
import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

from fer_core import __version__
from fer_core.expressions import Expression
from fer_core.faces.mediapipe_models import MODEL_SHA256
from fer_core.networks.bundles import SERVING_FILE, Bundle, Part

#: Key of a network's figure: its name stands between.
_NETWORK: Final = re.compile(r"\bnetworks\.(.+)\.\w+$")
#: Libraries whose versions can change the results.
_LIBRARIES: Final = (
    *("mediapipe", "ai-edge-litert", "opencv-python-headless", "numpy"),
    *("pillow", "pillow-heif", "av"),
)


class Network(Part):
    """A network that a run uses.

    Attributes:
        sha256: of the file that serves.
        labels: in the order of its probabilities.
        temperature: that its logits are divided by.
        abstention_threshold: confidence from which it is confident.
    """

    sha256: str
    labels: tuple[Expression, ...]
    temperature: float
    abstention_threshold: float


class Answering(Part):
    """Everything that the predictions depend on besides the photos.

    Attributes:
        networks: by name, in the order of the columns.
        landmarker_sha256: of MediaPipe's models.
        software: versions, by name.
    """

    networks: dict[str, Network]
    landmarker_sha256: str
    software: dict[str, str]


def answering(bundles: Mapping[str, Bundle]) -> Answering:
    """Return what the predictions of some bundles depend on in this process."""
    networks = {
        name: Network(
            sha256=bundle.spec.sha256[SERVING_FILE],
            labels=bundle.spec.labels,
            temperature=bundle.spec.temperature,
            abstention_threshold=bundle.spec.abstention_threshold,
        )
        for name, bundle in bundles.items()
    }
    software = {"second-look": __version__, "python": platform.python_version()}
    software |= {name: version(name) for name in _LIBRARIES}
    return Answering(networks=networks, landmarker_sha256=MODEL_SHA256, software=software)


def differences(before: Part, now: Part) -> list[str]:
    """Describe the differences between two values of one type: "partition_size was 100 and is 50"."""
    old, new = _flat(before.model_dump(mode="json")), _flat(now.model_dump(mode="json"))
    asked, asks = _networks(old), _networks(new)
    changes = [] if asked == asks else [f"networks was {_short(asked)} and is {_short(asks)}"]
    return changes + [
        f"{key} was {_short(old.get(key))} and is {_short(new.get(key))}"
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key) and not (changes and _NETWORK.search(key))
    ]


def _networks(flat: Mapping[str, Any]) -> list[str]:
    """Return the names of the networks in a flat manifest or its `answering`."""
    return list(dict.fromkeys(match[1] for key in flat if (match := _NETWORK.search(key))))


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = f"{prefix}{key}"
        found |= _flat(item, f"{name}.") if isinstance(item, Mapping) else {name: item}
    return found


def _short(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    text = "nothing" if value is None else str(value)
    # Twelve digits are enough to identify a checksum.
    return f"{text[:12]}..." if re.fullmatch(r"[0-9a-f]{64}", text) else text
