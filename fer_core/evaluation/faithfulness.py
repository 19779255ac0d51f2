"""How faithful heat maps are to a network; written by `python -m training faithfulness`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fer_core.errors import DataError
from fer_core.evaluation.row_tables import read_row_table, write_row_table
from fer_core.settings import models_root

#: Faces that the table is of.
ROWS: Final = 500
_MEND: Final = "Write it with: python -m training faithfulness"


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """The faithfulness of one kind of heat map of one network (Petsiuk et al. 2018, arXiv:1806.07421).

    Attributes:
        network: name of its bundle.
        weights_sha256: of its LiteRT file.
        method: kind of map.
        source, split: of the faces.
        n: faces.
        deletion: mean probability of the answer while the hottest pixels are replaced first; lower is better.
        insertion: mean probability while the hottest pixels are shown first; higher is better.
        deletion_p, insertion_p: p of Wilcoxon's signed-rank test against class activation maps on the same
            faces; NaN for these maps themselves.
        n_shuffled: faces of the sanity check (Adebayo et al. 2018, arXiv:1810.03292).
        shuffled_correlation: mean rank correlation with the maps of the same network with shuffled weights; 1
            for a map that does not depend on what the network has learnt.
    """

    network: str
    weights_sha256: str
    method: str
    source: str
    split: str
    n: int
    deletion: float
    insertion: float
    deletion_p: float
    insertion_p: float
    n_shuffled: int
    shuffled_correlation: float


def faithfulness_path() -> Path:
    """Return the path of the table under the bundle root."""
    return models_root() / "faithfulness.parquet"


def write_faithfulness(rows: Sequence[Faithfulness], path: Path) -> None:
    """Write the table, whole or not at all; equal rows give equal bytes."""
    write_row_table(rows, Faithfulness, path)


def read_faithfulness(path: Path | None = None) -> list[Faithfulness]:
    """Read the table, by default the one under the bundle root.

    Raises:
        DataError: it is missing, is no parquet file, lacks a column, or has no row.
    """
    path = path or faithfulness_path()
    rows = read_row_table(path, Faithfulness, what="faithfulness of heat maps", mend=_MEND)
    if not rows:
        raise DataError(f"{path} has no row. {_MEND}")
    return rows
