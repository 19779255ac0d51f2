"""Data sets without official splits: networks are measured on the division that they were trained with.

Divided otherwise, most of the faces that are for testing were learnt.
"""

from fer_core.networks.bundles import TrainingData
from training.loop.ancestors import Ancestors
from training.sources import (
    PACKED,
    SOURCES,
    MissingDataError,
    all_images_of,
    division_of,
    images_of,
    parts_of,
)


def divisions_of(source: str, ancestors: Ancestors) -> tuple[str, ...]:
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
    learnt = all_images_of(data.source, *data.inherited)
    divisions = data.divisions or (PACKED,)
    for part in parts_of(source):
        here = division_of(part)
        if here is not None and images_of(part) in learnt and {here} != set(divisions):
            raise MissingDataError(
                f"The network learnt from {SOURCES[part].title} divided {' and '.join(divisions)}, and under "
                f"FER_DATA it is divided {here}: faces for testing here are faces that it learnt. Put the "
                "layout there that it was trained with, or measure it on other data."
            )


def _is_divided(name: str) -> bool:
    return name in SOURCES and SOURCES[name].division is not None
