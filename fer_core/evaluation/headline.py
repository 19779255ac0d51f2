"""The headline table: all measures of all networks with intervals, for pages, files and papers."""

from collections.abc import Mapping
from typing import Final

import pandas as pd
from tabulate import tabulate

from fer_core.evaluation.intervals import Estimate
from fer_core.evaluation.measures import MEASURES, Measure

_FACES: Final = "Faces"
#: Forms of the table as text, by tabulate's names, and how each writes bold text.
MARKDOWN: Final = "pipe"
LATEX: Final = "latex_raw"
HTML: Final = "unsafehtml"
_BOLD: Final = {MARKDOWN: "**{}**", LATEX: r"\textbf{{{}}}", HTML: "<b>{}</b>"}


def headline_data(
    estimates: Mapping[str, Mapping[str, Estimate]], n: Mapping[str, int]
) -> pd.DataFrame:
    """Return the table in full precision, with one row per network and measure.

    Args:
        estimates: by network, then by the name of the measure.
        n: rows that each network was measured on.
    """
    return pd.DataFrame(
        [
            {
                "network": network,
                "measure": name,
                "value": value.value,
                "low": value.low,
                "high": value.high,
                "faces": n[network],
            }
            for network, measured in estimates.items()
            for name, value in measured.items()
        ]
    )


def headline_cells(
    estimates: Mapping[str, Mapping[str, Estimate]], n: Mapping[str, int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the table as text, one row per network and one column per measure, and the best cells.

    Returns:
        Texts, with the intervals in brackets, and bool of the same shape; one network alone has no best.
    """
    columns = {_FACES: [f"{n[network]:,}" for network in estimates]}
    is_best = {_FACES: [False] * len(estimates)}
    for measure in MEASURES:
        values = [measured[measure.name] for measured in estimates.values()]
        best = _best(measure, values)
        head = _head(measure)
        columns[head] = [_words(measure, value) for value in values]
        is_best[head] = [len(values) > 1 and value.value == best for value in values]
    names = pd.Index(estimates, name="Network")
    return pd.DataFrame(columns, index=names), pd.DataFrame(is_best, index=names)


def headline_table(
    estimates: Mapping[str, Mapping[str, Estimate]], n: Mapping[str, int], form: str
) -> str:
    """Return the table as text, with one row per measure and the best value of each in bold.

    Args:
        estimates: by network, then by the name of the measure.
        n: rows that each network was measured on.
        form: MARKDOWN, LATEX (a tabular) or HTML.
    """
    cells, is_best = headline_cells(estimates, n)
    table = cells.mask(is_best, cells.map(_BOLD[form].format)).T
    if form == LATEX:
        # Written as they are, so that what LaTeX takes for a command is written for it.
        table = table.rename(index=_for_latex, columns=_for_latex)
    return str(
        tabulate(
            list(table.itertuples(name=None)),
            headers=["", *table.columns],
            tablefmt=form,
            colalign=["left", *["right"] * len(table.columns)],
            disable_numparse=True,
        )
    )


def _for_latex(text: str) -> str:
    return text.replace("%", r"\%").replace("_", r"\_")


def _head(measure: Measure) -> str:
    return measure.title + (" (%)" if measure.percent else "")


def _best(measure: Measure, values: list[Estimate]) -> float:
    choose = max if measure.better == "higher" else min
    return choose((e.value for e in values if e.value == e.value), default=float("nan"))


def _words(measure: Measure, estimate: Estimate) -> str:
    if measure.percent:
        value, low, high = (f"{100 * v:.1f}" for v in (estimate.value, estimate.low, estimate.high))
    else:
        value, low, high = (f"{v:.3f}" for v in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"
