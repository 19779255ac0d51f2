"""The agreement between people on the faces that networks are measured on: the table of annotators.

`python -m training human-ceiling` computes it from FER+'s votes; `training.measure.human_ceiling` says how.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from fer_core.errors import DataError
from fer_core.evaluation.row_tables import read_row_table, write_row_table
from fer_core.settings import models_root

#: What one annotator is compared with: what most of the others say, or the label that FER2013 has.
OTHERS: Final = "other annotators"
FER2013_LABEL: Final = "FER2013's label"
_MEND: Final = "Write it with: python -m training human-ceiling"


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement of one annotator with other labels, over the faces of a split and their annotators.

    Attributes:
        source: whose annotators they are.
        split: of the faces.
        label_space: the classes that are told apart, by the name in `expressions.LABEL_SPACES`.
        agreement_with: OTHERS or FER2013_LABEL.
        n_faces: faces that count. With OTHERS these are the faces that networks are measured on by FER+'s
            label, with FER2013_LABEL those that most annotators gave one of the classes.
        n_faces_left_out: the other faces.
        n_judgements: answers of annotators for these `n_faces` that are one of the classes.
        n_judgements_left_out: their other answers for these faces.
        agreement: share of the judgements that agree, a tie of k classes counting 1/k.
        low, high: bootstrap 95 % interval of `agreement`, over faces.
    """

    source: str
    split: str
    label_space: str
    agreement_with: str
    n_faces: int
    n_faces_left_out: int
    n_judgements: int
    n_judgements_left_out: int
    agreement: float
    low: float
    high: float

    @property
    def agreement_of_all(self) -> float:
        """The share of all judgements that agree; those that name no class are taken for disagreement."""
        return self.agreement * self.n_judgements / (self.n_judgements + self.n_judgements_left_out)


def annotators_path() -> Path:
    """Return the path of the table of annotators under the bundle root."""
    return models_root() / "annotators.parquet"


def write_annotators(rows: Sequence[Agreement], path: Path) -> None:
    """Write the table, whole or not at all; equal rows give equal bytes."""
    write_row_table(rows, Agreement, path)


def read_annotators(path: Path | None = None) -> list[Agreement]:
    """Read the table, by default the one under the bundle root.

    Raises:
        DataError: it is missing, is no parquet file, lacks a column, or holds values that no run writes.
    """
    path = path or annotators_path()
    rows = read_row_table(path, Agreement, what="annotators", mend=_MEND)
    shares = pd.DataFrame(rows, columns=["low", "agreement", "high"])
    shares = shares.apply(pd.to_numeric, errors="coerce")
    ordered = (shares["low"] <= shares["agreement"]) & (shares["agreement"] <= shares["high"])
    if not (ordered & (shares["low"] >= 0) & (shares["high"] <= 1)).all():
        raise DataError(f"{path}: low, agreement and high are not shares in this order. {_MEND}")
    return rows


def agreement_of(
    rows: Iterable[Agreement], *, split: str, label_space: str, agreement_with: str
) -> Agreement | None:
    """Return the row for a split, label space and comparison; None if it was not measured."""
    wanted = split, label_space, agreement_with
    for row in rows:
        if (row.split, row.label_space, row.agreement_with) == wanted:
            return row
    return None
