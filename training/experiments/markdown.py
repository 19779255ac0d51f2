"""Tables in Markdown."""

from collections.abc import Sequence

import pandas as pd
from tabulate import tabulate


def markdown_table(table: pd.DataFrame, *, left: Sequence[str]) -> str:
    """Return a table with the columns `left` aligned to the left, all others to the right.

    Values are written as they are, and missing ones are left empty.
    """
    cells = table.astype(object).where(table.notna(), "")
    return tabulate(
        cells.to_numpy().tolist(),
        headers=list(table.columns),
        tablefmt="pipe",
        colalign=["left" if name in left else "right" for name in table.columns],
        disable_numparse=True,
    )
