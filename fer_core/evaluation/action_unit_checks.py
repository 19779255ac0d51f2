"""How estimated action units agree with posed expressions; written by `python -m training action-units`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fer_core.evaluation.row_tables import read_row_table, write_row_table
from fer_core.settings import models_root

#: A unit passes if, in one of the expressions whose prototype has it, this share of faces at least, and more
#: of them than of neutral faces, is above the neutral average, and if its mean there is at least the second.
LEAST_SHARE: Final = 0.5
LEAST_MEAN: Final = 0.05
_MEND: Final = "Write it with: python -m training action-units"


@dataclass(frozen=True, slots=True)
class ActionUnitCheck:
    """One action unit in the posed faces of one expression whose prototype has it.

    Attributes:
        unit: its code, such as AU12.
        expression: that was posed.
        source: data set of the posed faces, with its split.
        n: posed faces with landmarks.
        mean: intensity of these, in [0, 1].
        share_above: share of these above the neutral average.
        neutral_source: data set of the neutral faces, with its split.
        neutral_n: neutral faces with landmarks.
        neutral_mean: their intensity, in [0, 1]: the neutral average.
        neutral_share_above: share of the neutral faces above it; not one half, since most are near 0.
    """

    unit: str
    expression: str
    source: str
    n: int
    mean: float
    share_above: float
    neutral_source: str
    neutral_n: int
    neutral_mean: float
    neutral_share_above: float

    @property
    def passes(self) -> bool:
        """Whether the unit rises in this expression."""
        return (
            self.share_above >= LEAST_SHARE
            and self.share_above > self.neutral_share_above
            and self.mean >= LEAST_MEAN
        )


def action_unit_checks_path() -> Path:
    """Return the path of the table under the bundle root."""
    return models_root() / "action_units.parquet"


def write_action_unit_checks(rows: Sequence[ActionUnitCheck], path: Path) -> None:
    """Write the table, whole or not at all; equal rows give equal bytes."""
    write_row_table(rows, ActionUnitCheck, path)


def read_action_unit_checks(path: Path | None = None) -> list[ActionUnitCheck]:
    """Read the table, by default the one under the bundle root.

    Raises:
        DataError: it is missing, is no parquet file, or lacks a column.
    """
    path = path or action_unit_checks_path()
    return read_row_table(path, ActionUnitCheck, what="checks of action units", mend=_MEND)
