"""The README's table of results, written from the bundles' specs so that no number is typed by hand.

python -m training.experiments.readme_table
"""

import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from fer_core.data_names import data_name, split_of
from fer_core.evaluation.measures import MEASURES
from fer_core.evaluation.photo_accuracy import photo_accuracy_path, read_photo_accuracy
from fer_core.evaluation.predictions import compare, predictions_path, read_predictions
from fer_core.networks.bundles import (
    DEFAULT_PAIR,
    EXPRESSIONS,
    FER2013_PAIR,
    SPEC_FILE,
    Bundle,
    SplitMetrics,
    open_bundle,
    task_of,
)
from fer_core.settings import landmarker_path

log = logging.getLogger(__name__)

BEGIN: Final = "<!-- results: written by python -m training.experiments.readme_table -->"
END: Final = "<!-- end of results -->"
#: The one split that is reported; the others took part in choices.
REPORTED_SPLIT: Final = "test"
#: The source whose rows stand first for each bundle.
COMPARED_SOURCE: Final = "fer2013"
#: Pairs that are compared, the network that sees more last, and on which source.
PAIRS: Final = ((DEFAULT_PAIR, "ferplus"), (FER2013_PAIR, COMPARED_SOURCE))

#: Measures beside accuracy, on whole splits.
_BESIDE: Final = tuple(measure for measure in MEASURES if measure.in_summaries)
_COLUMNS: Final = (
    *("bundle", "data", "accuracy, whole", "accuracy, clean"),
    *(f"{measure.short}, whole" for measure in _BESIDE),
    "size served",
)


def shipped_bundles() -> list[Bundle]:
    """Return the bundles in `models/` that name expressions, wherever FER_MODELS points."""
    folders = [path.parent for path in sorted(landmarker_path().parent.glob(f"*/{SPEC_FILE}"))]
    return [open_bundle(folder) for folder in folders if task_of(folder) == EXPRESSIONS]


def results_table(bundles: Iterable[Bundle]) -> str:
    """Return a Markdown table with a row for each bundle and test split."""
    rows = [
        f"| `{bundle.spec.name}` | {data_name(name)} "
        f"| {m.accuracy:.2%} (n {m.n:,}) | {m.accuracy_clean:.2%} (n {m.n_clean:,}) "
        f"| {_beside(m)} | {bundle.serving_file.stat().st_size / 1e6:.1f} MB |"
        for bundle in bundles
        for name, m in sorted(
            bundle.spec.metrics.items(),
            key=lambda item: (not item[0].startswith(COMPARED_SOURCE), item[0]),
        )
        if split_of(name) == REPORTED_SPLIT
    ]
    numbers = "---:|" * (len(_COLUMNS) - 2)
    return "\n".join((f"| {' | '.join(_COLUMNS)} |", f"|---|---|{numbers}", *rows))


def _beside(measured: SplitMetrics) -> str:
    """Return the cells of the measures beside accuracy, empty where one was not taken."""
    values = [(measure, measured.value(measure.name)) for measure in _BESIDE]
    return " | ".join("" if v is None else measure.text(v, digits=3) for measure, v in values)


def comparison(bundles: Iterable[Bundle]) -> str:
    """Return a sentence for each of PAIRS that is there: is the second network better than the first?

    From the stored test predictions.
    """
    by_name = {bundle.spec.name: bundle for bundle in bundles}
    sentences = []
    for pair, source in PAIRS:
        measured = [
            by_name[name]
            for name in pair
            if name in by_name and f"{source}:{REPORTED_SPLIT}" in by_name[name].spec.metrics
        ]
        if len(measured) == len(pair):
            sentences.append(_comparison_sentence((measured[0], measured[1]), source))
    return "".join(sentences)


def _comparison_sentence(pair: tuple[Bundle, Bundle], source: str) -> str:
    first, second = (bundle.spec.name for bundle in pair)
    results = [
        read_predictions(predictions_path(bundle.path, source, REPORTED_SPLIT)) for bundle in pair
    ]
    clean = [result.select(results[0].clean & results[1].clean) for result in results]
    parts = []
    for rows, c in (("whole", compare(*results)), ("clean", compare(*clean))):
        low, high = (100 * bound for bound in c.interval)
        parts.append(
            f"{rows} {100 * c.difference:+.2f} points (95 % interval {low:+.2f} to {high:+.2f}; it alone is "
            f"right on {c.only_second}, `{first}` alone on {c.only_first} of {c.n:,} faces, McNemar's exact "
            f"p = {c.p_value:.3f})"
        )
    return (
        f"\n\n`{second}` against `{first}`, {data_name(f'{source}:{REPORTED_SPLIT}')}: "
        f"{'; '.join(parts)}."
    )


def photos_table() -> str:
    """Return a Markdown table of the networks on whole photos; nothing if they were not measured."""
    path = landmarker_path().parent / photo_accuracy_path().name
    if not path.is_file():
        return ""
    rows = [
        f"| `{row.network}` | {row.n:,} | {row.accuracy:.1%} "
        f"({row.accuracy_low:.1%} to {row.accuracy_high:.1%}) | {row.macro_recall:.1%} "
        f"| {row.coverage:.1%} | {row.selective_accuracy:.1%} |"
        for row in read_photo_accuracy(path)
        if row.face_pixels is None
    ]
    return "\n".join(
        (
            "\n\nWhole web photos with one main face, five expressions, end to end: face finder, crop, "
            "network (`python -m training photos`). This is the development set that the default pair was "
            "chosen on.\n",
            "| bundle | photos | accuracy (95 % interval) | macro recall | answered | accuracy on answered |",
            "|---|---:|---:|---:|---:|---:|",
            *rows,
        )
    )


def with_results(readme: str, bundles: Iterable[Bundle]) -> str:
    """Return a README with the table between its two markers replaced.

    Raises:
        ValueError: a marker is missing.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The README needs the lines {BEGIN!r} and {END!r}, in this order.")
    bundles = list(bundles)
    results = f"{results_table(bundles)}{comparison(bundles)}{photos_table()}"
    return f"{before}{BEGIN}\n{results}\n{END}{after}"


def main(readme: Path = Path("README.md")) -> None:
    """Rewrite the README in the current folder."""
    text = readme.read_text(encoding="utf-8")
    readme.write_text(with_results(text, shipped_bundles()), encoding="utf-8")
    log.info("%s is up to date", readme)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    main()
