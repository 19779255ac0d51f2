"""The section of docs/results.md on landmarks: both pairs of networks, compared on every test split."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import pandas as pd

from fer_core.data_names import data_name, source_of, split_of
from fer_core.evaluation.predictions import (
    PairedComparison,
    compare,
    compare_clean,
    predictions_path,
    read_predictions,
)
from fer_core.networks.bundles import DEFAULT_PAIR, FER2013_PAIR, Bundle
from training.experiments.markdown import markdown_table

#: The network that sees landmarks as well stands last.
PAIRS: Final = (FER2013_PAIR, DEFAULT_PAIR)
_WORDS: Final = ("networks", "data", "rows")


def landmarks_section(bundles: Iterable[Bundle], split: str) -> str:
    """Return a Markdown table of PAIRS on all data sets that both networks were measured on.

    Args:
        bundles: may lack some.
        split: to compare on, from stored predictions.

    Returns:
        The table and how to read it; empty without a pair.
    """
    by_name = {bundle.spec.name: bundle for bundle in bundles}
    rows = [row for pair in PAIRS for row in _rows(by_name, pair, split)]
    if not rows:
        return ""
    return (
        "Each pair has a network that sees pixels and one that sees landmarks as well. Both predict the same "
        "faces, and the difference has a 95% bootstrap interval over faces. McNemar's exact test asks, on "
        "the faces that exactly one network gets right, whether one network wins more often. Each p is of "
        f"one test. With all {len(rows)} taken together (Bonferroni), a p below {0.05 / len(rows):.4f} is "
        f"significant at 5%.\n\n{markdown_table(pd.DataFrame(rows), left=_WORDS)}"
    )


def _rows(
    by_name: Mapping[str, Bundle], pair: tuple[str, str], split: str
) -> Iterator[dict[str, Any]]:
    """Yield the table's rows of a pair: each data set whole, and clean where that is less."""
    if not by_name.keys() >= set(pair):
        return
    first, second = (by_name[name] for name in pair)
    for data in first.spec.metrics:
        if split_of(data) != split or data not in second.spec.metrics:
            continue
        one, other = (
            read_predictions(predictions_path(bundle.path, source_of(data), split))
            for bundle in (first, second)
        )
        whole, clean = compare(one, other), compare_clean(one, other)
        yield _row(pair, data, "whole", whole)
        if clean.n < whole.n:
            yield _row(pair, data, "clean", clean)


def _row(pair: tuple[str, str], data: str, rows: str, found: PairedComparison) -> dict[str, Any]:
    first, second = found.accuracies
    return {
        "networks": " and ".join(f"`{name}`" for name in pair),
        "data": data_name(data),
        "rows": rows,
        "faces": f"{found.n:,}",
        "pixels": f"{first:.2%}",
        "with landmarks": f"{second:.2%}",
        "difference (points)": found.in_points(digits=2),
        "only pixels right": found.only_first,
        "only with landmarks right": found.only_second,
        "p": found.p_in_words,
    }
