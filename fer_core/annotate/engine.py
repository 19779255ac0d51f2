"""Where a bulk run annotates photos. A light module, so that `--help` loads no parquet library."""

from enum import StrEnum


class Engine(StrEnum):
    """The engine that annotates photos."""

    #: All cores of this machine.
    LOCAL = "local"
    #: A Ray cluster.
    RAY = "ray"
