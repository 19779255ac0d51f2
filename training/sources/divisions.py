"""Data sets without official splits: networks are measured on the division that they were trained with.

With another division, most faces for testing would have been training faces.
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from fer_core.networks.bundles import TrainingData
from training.sources import (
    PACKED,
    SOURCES,
    MissingDataError,
    all_images_of,
    division_of,
    images_of,
    parts_of,
)

if TYPE_CHECKING:
    from training.sources.ancestors import Ancestors


def divisions_of(source: str, ancestors: "Ancestors") -> tuple[str, ...]:
    """Return the divisions of all training data of a network, for `TrainingData.divisions`."""
    own = [division for part in parts_of(source) if (division := division_of(part)) is not None]
    inherited = [
        division
        for ancestor in ancestors.all
        if any(_is_divided(name) for name in ancestor.sources)
        for division in ancestor.divisions or (PACKED,)
    ]
    return tuple(sorted({*own, *inherited}))


def require_division(data: TrainingData, source: str) -> None:
    """Raise MissingDataError if a source's division differs from that of a network trained on it."""
    _require(all_images_of(data.source, *data.inherited), data.divisions or (PACKED,), source)


def require_division_of_run(own: str, ancestors: "Ancestors", source: str) -> None:
    """Raise MissingDataError if a source's division differs from that of what a run learns from.

    Args:
        own: the source that the run trains on.
        ancestors: the bundles that it takes something from.
        source: whose validation faces choose its epoch, temperature or threshold.
    """
    learnt = all_images_of(own, *(name for a in ancestors.all for name in a.sources))
    _require(learnt, divisions_of(own, ancestors) or (PACKED,), source)


def _require(learnt: Collection[str], divisions: Sequence[str], source: str) -> None:
    for part in parts_of(source):
        here = division_of(part)
        if here is not None and images_of(part) in learnt and {here} != set(divisions):
            raise MissingDataError(
                f"The network learnt from {SOURCES[part].title} divided {' and '.join(divisions)}, and under "
                f"FER_DATA it is divided {here}: faces for testing here are faces that it learnt. Put the "
                "layout there that it was trained with, or use other data."
            )


def _is_divided(name: str) -> bool:
    return name in SOURCES and SOURCES[name].division is not None
