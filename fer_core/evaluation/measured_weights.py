"""Which stored measurements are of the weights that are in use now."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from fer_core.networks.bundles import SERVING_FILE, BundleSpec


class Measured(Protocol):
    """A measurement of a network with certain weights.

    Attributes:
        network: name of its bundle.
        weights_sha256: of the serving file that it was measured with.
    """

    @property
    def network(self) -> str:
        """Name of the bundle."""

    @property
    def weights_sha256(self) -> str:
        """Checksum of the serving file."""


MeasuredT = TypeVar("MeasuredT", bound=Measured)


def of_weights(rows: Sequence[MeasuredT], specs: Mapping[str, BundleSpec]) -> list[MeasuredT]:
    """Return the rows that were measured with the weights of the specs, which are by their bundles' names."""
    current = {name: spec.sha256.get(SERVING_FILE) for name, spec in specs.items()}
    return [row for row in rows if row.weights_sha256 == current.get(row.network)]
