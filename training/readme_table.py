"""The README's table of results, written from the bundles' specs so that no number is typed by hand.

python -m training.readme_table
"""

import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from fer_core.bundles import OPINIONS, SPEC_FILE, Bundle, finds_keypoints, open_bundle
from fer_core.data_names import data_name, split_of
from fer_core.evaluation import compare, predictions_path, read_predictions
from fer_core.settings import landmarker_path

log = logging.getLogger(__name__)

BEGIN: Final = "<!-- results: written by python -m training.readme_table -->"
END: Final = "<!-- end of results -->"
#: The one split that is reported; the others took part in choices.
REPORTED_SPLIT: Final = "test"
#: That the two opinions are compared on.
COMPARED_SOURCE: Final = "fer2013"

_HEADER: Final = (
    "| bundle | data | accuracy, whole | accuracy, clean | macro F1, whole | ECE, whole | size served |",
    "|---|---|---:|---:|---:|---:|---:|",
)


def shipped_bundles() -> list[Bundle]:
    """Return the bundles in `models/` that name expressions, wherever FER_MODELS points."""
    folders = [path.parent for path in sorted(landmarker_path().parent.glob(f"*/{SPEC_FILE}"))]
    return [open_bundle(folder) for folder in folders if not finds_keypoints(folder)]


def results_table(bundles: Iterable[Bundle]) -> str:
    """Return a Markdown table with a row for each bundle and test split."""
    rows = [
        f"| `{bundle.spec.name}` | {data_name(name)} "
        f"| {m.accuracy:.2%} (n {m.n:,}) | {m.accuracy_clean:.2%} (n {m.n_clean:,}) "
        f"| {m.macro_f1:.3f} | {m.ece:.3f} | {bundle.serving_file.stat().st_size / 1e6:.1f} MB |"
        for bundle in bundles
        for name, m in sorted(
            bundle.spec.metrics.items(),
            key=lambda item: (not item[0].startswith(COMPARED_SOURCE), item[0]),
        )
        if split_of(name) == REPORTED_SPLIT
    ]
    return "\n".join((*_HEADER, *rows))


def comparison(bundles: Iterable[Bundle]) -> str:
    """Return a sentence on whether the second opinion is better, from the stored test predictions.

    Nothing if one of the two is not there.
    """
    by_name = {bundle.spec.name: bundle for bundle in bundles}
    if any(name not in by_name for name in OPINIONS):
        return ""
    first, second = OPINIONS
    results = [
        read_predictions(predictions_path(by_name[name].path, COMPARED_SOURCE, REPORTED_SPLIT))
        for name in OPINIONS
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
        f"\n\n`{second}` against `{first}`, {data_name(f'{COMPARED_SOURCE}:{REPORTED_SPLIT}')}: "
        f"{'; '.join(parts)}."
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
    return f"{before}{BEGIN}\n{results_table(bundles)}{comparison(bundles)}\n{END}{after}"


def main(readme: Path = Path("README.md")) -> None:
    """Rewrite the README in the current folder."""
    text = readme.read_text(encoding="utf-8")
    readme.write_text(with_results(text, shipped_bundles()), encoding="utf-8")
    log.info("%s is up to date", readme)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    main()
