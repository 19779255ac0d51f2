"""The manifest of a bulk run: its settings, written first, and which partitions are done."""

import platform
import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

from pydantic import ValidationError

from fer_core import __version__
from fer_core.annotate.sources import Columns, Kind, Listing, Partition
from fer_core.annotate.storage import (
    HIDDEN,
    Place,
    list_files,
    read_bytes,
    remove_leftovers,
    write_whole,
)
from fer_core.errors import JobError
from fer_core.expressions import Expression
from fer_core.face_columns import FaceColumns
from fer_core.faces.mediapipe_models import MODEL_SHA256
from fer_core.files import readable_name
from fer_core.networks.bundles import SERVING_FILE, Bundle, Part

MANIFEST_FILE: Final = "_manifest.json"
_MAX_BYTES: Final = 1_000_000
#: Key of a network's figure: its name stands between.
_NETWORK: Final = re.compile(r"\bnetworks\.(.+)\.\w+$")
_PART: Final = re.compile(r"part-(\d{6,})\.parquet")
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


class Manifest(Part):
    """The content of a run's `_manifest.json`.

    Attributes:
        input: path or URL, in a form that can be shown.
        kind: photos or parquet files.
        columns: of parquet files; None for photos.
        input_sha256: digest of the listing (`Listing.sha256`).
        photos: total number.
        partition_size: most photos of a partition.
        partitions: total number.
        answering: what the predictions depend on.
        face_columns: basic or full.
    """

    input: str
    kind: Kind
    columns: Columns | None
    input_sha256: str
    photos: int
    partition_size: int
    partitions: int
    answering: Answering
    face_columns: FaceColumns = FaceColumns.BASIC


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


def describe(
    place: Place,
    listing: Listing,
    bundles: Mapping[str, Bundle],
    partition_size: int | None,
    face_columns: FaceColumns = FaceColumns.BASIC,
) -> tuple[Manifest, list[Partition]]:
    """Return the manifest of a run, and its partitions."""
    size = partition_size or listing.partition_size()
    partitions = listing.partitions(size)
    manifest = Manifest(
        input=readable_name(place.url),
        kind=listing.kind,
        columns=listing.columns,
        input_sha256=listing.sha256,
        photos=listing.photos,
        partition_size=size,
        partitions=len(partitions),
        answering=answering(bundles),
        face_columns=face_columns,
    )
    return manifest, partitions


def part_name(partition: int) -> str:
    """Return the name of a partition's file."""
    return f"part-{partition:06d}.parquet"


def begin(output: Place, manifest: Manifest) -> set[int]:
    """Write the manifest, or compare it with the existing one; return the finished partitions.

    Raises:
        JobError: the folder belongs to something else, or was begun with other settings.
    """
    names = [name for name, _ in list_files(output, recursive=False)]
    if MANIFEST_FILE not in names:
        if shown := [name for name in names if not name.startswith(HIDDEN)]:
            raise JobError(
                f"{output.url} holds {shown[0]} and no {MANIFEST_FILE}, so it is not the output of an "
                "earlier run. Choose an empty or a new folder."
            )
        try:
            write_whole(output, MANIFEST_FILE, manifest.model_dump_json(indent=2).encode())
        except OSError as error:
            raise JobError(
                f"{output.url} cannot be written to ({error}). Check the permissions and the free space, "
                "then repeat the command."
            ) from error
        return set()
    begun = _read(output)
    if changes := differences(begun, manifest):
        raise JobError(
            f"{output.url} was started with other settings: {'; '.join(changes)}. Use the earlier settings "
            "to resume it, or choose another output."
        )
    remove_leftovers(output, names)
    return {int(match[1]) for name in names if (match := _PART.fullmatch(name))}


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


def _read(output: Place) -> Manifest:
    try:
        return Manifest.model_validate_json(read_bytes(output, MANIFEST_FILE, at_most=_MAX_BYTES))
    except (OSError, ValidationError) as error:
        raise JobError(
            f"{output.url}: {MANIFEST_FILE} cannot be read, or is of another version of this program "
            f"({str(error).splitlines()[0]}). Choose another output."
        ) from error


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
