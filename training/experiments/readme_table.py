"""Write the tables in README.md and docs/results.md, so that no measured number is typed by hand.

python -m training.experiments.readme_table

README has a short table: the default pair, the pair of FER2013, people, and a published network.
docs/results.md has every shipped network on every test split.
"""

import logging
import math
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import pandas as pd

from fer_core.data_names import data_name, known_data_sets, split_of
from fer_core.evaluation.action_unit_checks import (
    LEAST_MEAN,
    LEAST_SHARE,
    action_unit_checks_path,
    read_action_unit_checks,
)
from fer_core.evaluation.faithfulness import faithfulness_path, read_faithfulness
from fer_core.evaluation.human_agreement import (
    FER2013_LABEL,
    OTHERS,
    Agreement,
    agreement_of,
    annotators_path,
    read_annotators,
)
from fer_core.evaluation.measured_weights import of_weights
from fer_core.evaluation.measures import MEASURES
from fer_core.evaluation.photo_accuracy import (
    WEB_PHOTOS,
    photo_accuracy_path,
    read_photo_accuracy,
)
from fer_core.expressions import FER2013
from fer_core.networks.bundles import (
    DEFAULT_PAIR,
    EXPRESSIONS,
    FER2013_PAIR,
    SPEC_FILE,
    Bundle,
    BundleSpec,
    SplitMetrics,
    open_bundle,
    task_of,
)
from fer_core.settings import shipped_models
from fer_core.studies.plans import Reference
from training.experiments.ensembles_section import ensembles_section
from training.experiments.landmarks_section import landmarks_section
from training.experiments.markdown import markdown_table
from training.experiments.studies_section import studies_section

log = logging.getLogger(__name__)

#: The one split that is reported; the others took part in choices.
REPORTED_SPLIT: Final = "test"
#: The source whose rows stand first for each bundle.
COMPARED_SOURCE: Final = "fer2013"
#: Columns of the short table: source and measure on its test split.
SHORT_COLUMNS: Final = (
    ("ferplus", "accuracy"),
    (COMPARED_SOURCE, "accuracy"),
    (COMPARED_SOURCE, "accuracy_clean"),
    ("expw", "accuracy"),
)
#: The best single network of this field that comes with its training code; whole FER2013 PrivateTest.
PUBLISHED: Final = Reference(
    label="[Residual Masking Network](https://github.com/phamquiluan/ResidualMaskingNetwork), as published",
    accuracy=0.7414,
    note=COMPARED_SOURCE,
)

#: Measures beside accuracy, on whole splits.
_BESIDE: Final = tuple(measure for measure in MEASURES if measure.in_summaries)


def marks(section: str) -> tuple[str, str]:
    """Return the lines before and after a section: "accuracy" in README, the others in docs/results.md."""
    written_by = "written by python -m training.experiments.readme_table"
    return f"<!-- {section}: {written_by} -->", f"<!-- end of {section} -->"


def shipped_bundles() -> list[Bundle]:
    """Return the bundles in `models/` that name expressions, wherever FER_MODELS points."""
    folders = [path.parent for path in sorted(shipped_models().glob(f"*/{SPEC_FILE}"))]
    return [open_bundle(folder) for folder in folders if task_of(folder) == EXPRESSIONS]


def results_table(bundles: Iterable[Bundle]) -> str:
    """Return a Markdown table with a row for each bundle and test split."""
    rows = [
        {
            "bundle": f"`{bundle.spec.name}`",
            "data": data_name(name),
            "accuracy, whole": f"{m.accuracy:.2%} (n {m.n:,})",
            "accuracy, clean": f"{m.accuracy_clean:.2%} (n {m.n_clean:,})",
            **_beside(m),
            "size served": f"{bundle.serving_file.stat().st_size / 1e6:.1f} MB",
        }
        for bundle in bundles
        for name, m in sorted(
            bundle.spec.metrics.items(),
            key=lambda item: (not item[0].startswith(COMPARED_SOURCE), item[0]),
        )
        if split_of(name) == REPORTED_SPLIT
    ]
    return markdown_table(pd.DataFrame(rows), left=("bundle", "data"))


def _beside(measured: SplitMetrics) -> dict[str, str]:
    """Return the cells of the measures beside accuracy; empty if a measure was not computed."""
    values = {measure: measured.value(measure.name) for measure in _BESIDE}
    return {
        f"{measure.short}, whole": "" if value is None else measure.text(value, digits=3)
        for measure, value in values.items()
    }


def photos_table(specs: Mapping[str, BundleSpec]) -> str:
    """Return a Markdown table of the networks on whole photos; nothing if they were not measured."""
    path = shipped_models() / photo_accuracy_path().name
    if not path.is_file():
        return ""
    rows = [
        {
            "bundle": f"`{row.network}`",
            "photos": f"{row.n:,} of {row.n + row.n_left_out:,}",
            "accuracy (95% interval)": f"{row.accuracy:.1%} "
            f"({row.accuracy_low:.1%} to {row.accuracy_high:.1%})",
            "macro recall": f"{row.macro_recall:.1%}",
            "coverage": f"{row.coverage:.1%}",
            "accuracy of confident predictions": f"{row.selective_accuracy:.1%}"
            if row.coverage
            else "",
            "mean confidence": f"{row.mean_confidence:.1%}",
            "ECE": f"{row.ece:.3f}",
        }
        for row in of_weights(read_photo_accuracy(path), specs)
        if row.face_pixels is None
    ]
    if not rows:
        return ""
    return (
        f"\n\nWhole photos, from face detection to prediction (`python -m training photos`). {WEB_PHOTOS} "
        "The largest face counts; photos in which none was found or whose label a network does not know are "
        "left out. The default pair was chosen on these photos, so its figures are optimistic.\n\n"
        + markdown_table(pd.DataFrame(rows), left=("bundle",))
    )


def faithfulness_table(specs: Mapping[str, BundleSpec]) -> str:
    """Return a Markdown table of heat maps of the default pair; nothing if they were not measured."""
    path = shipped_models() / faithfulness_path().name
    if not path.is_file():
        return ""
    measured = of_weights(read_faithfulness(path), specs)
    if not measured:
        return ""
    on = f"{measured[0].n:,} faces of {data_name(f'{measured[0].source}:{measured[0].split}')}"
    rows = [
        {
            "bundle": f"`{row.network}`",
            "map": row.method,
            "deletion": f"{row.deletion:.3f}{_p(row.deletion_p)}",
            "insertion": f"{row.insertion:.3f}{_p(row.insertion_p)}",
            "shuffled": f"{row.shuffled_correlation:.2f}",
        }
        for row in measured
    ]
    return (
        f"\n\nHeat maps, {on} (`python -m training faithfulness`). Deletion is the mean probability "
        "of the prediction while the warmest pixels are replaced first: lower is better. Insertion shows "
        "them first: higher is better. In brackets p of Wilcoxon's signed-rank test against class "
        "activation maps on the same faces. Shuffled is the rank correlation with the map of the network "
        f"with shuffled weights, on {measured[0].n_shuffled} faces. It is 1 for a map that does not "
        "depend on what the network has learnt. Controls know nothing of the network.\n\n"
        + markdown_table(pd.DataFrame(rows), left=("bundle", "map"))
    )


def action_units_table() -> str:
    """Return a Markdown table of action units in posed expressions; nothing if they were not measured."""
    path = shipped_models() / action_unit_checks_path().name
    if not path.is_file():
        return ""
    measured = read_action_unit_checks(path)
    rows = [
        {
            "unit": row.unit,
            "expression": row.expression,
            "faces": f"{row.n:,}",
            "above": f"{row.share_above:.0%}",
            "neutral faces above": f"{row.neutral_share_above:.0%}",
            "mean": f"{row.mean:.3f}",
            "neutral mean": f"{row.neutral_mean:.3f}",
            "rises": "yes" if row.passes else "no",
        }
        for row in measured
    ]
    return (
        f"\n\nEstimated action units in the posed expressions of {data_name(measured[0].source)} whose "
        "prototype contains them (`python -m training action-units`). Above is the share of faces in "
        f"which the unit is above its average in {measured[0].neutral_n:,} neutral faces of "
        f"{data_name(measured[0].neutral_source)}. A unit rises if that share is at least "
        f"{LEAST_SHARE:.0%} and larger than in neutral faces, and the mean is at least {LEAST_MEAN}.\n\n"
        + markdown_table(pd.DataFrame(rows), left=("unit", "expression", "rises"))
    )


def _p(p: float) -> str:
    """Return a p in brackets; nothing for NaN."""
    if math.isnan(p):
        return ""
    return " (p < 0.001)" if p < 0.001 else f" (p = {p:.3f})"


def short_table(bundles: Iterable[Bundle]) -> str:
    """Return README's table: accuracy of four networks, of people and of a published network.

    A cell is empty where something was not measured.
    """
    by_name = {bundle.spec.name: bundle for bundle in bundles}
    ours = [by_name[name] for name in (*DEFAULT_PAIR, *FER2013_PAIR) if name in by_name]
    rows: list[tuple[str, Mapping[tuple[str, str], float]]] = [
        (
            f"`{bundle.spec.name}`{' (default)' if bundle.spec.name in DEFAULT_PAIR else ''}",
            _measured(bundle),
        )
        for bundle in ours
    ]
    rows.append(("one annotator of FER+", _people()))
    rows.append((PUBLISHED.label, {(PUBLISHED.note, "accuracy"): PUBLISHED.accuracy}))
    heads = {
        (source, measure): known_data_sets()[source].title
        + (" without duplicates" if measure == "accuracy_clean" else "")
        for source, measure in SHORT_COLUMNS
    }
    cells = [
        {"": label} | {head: f"{shares[c]:.1%}" if c in shares else "" for c, head in heads.items()}
        for label, shares in rows
    ]
    cells.append(
        {"": "number of test faces (our networks)"} | {h: _n(ours, *c) for c, h in heads.items()}
    )
    return markdown_table(pd.DataFrame(cells), left=("",))


def _measured(bundle: Bundle) -> dict[tuple[str, str], float]:
    """Return a network's values for the columns of the short table."""
    found = {}
    for source, measure in SHORT_COLUMNS:
        metrics = bundle.spec.metrics.get(f"{source}:{REPORTED_SPLIT}")
        if metrics is not None and (value := metrics.value(measure)) is not None:
            found[source, measure] = value
    return found


def _n(bundles: Iterable[Bundle], source: str, measure: str) -> str:
    """Return on how many faces the networks were measured, for a column of the short table."""
    measured = [bundle.spec.metrics.get(f"{source}:{REPORTED_SPLIT}") for bundle in bundles]
    numbers = {m.n_clean if measure == "accuracy_clean" else m.n for m in measured if m is not None}
    return " or ".join(f"{n:,}" for n in sorted(numbers))


def _people() -> dict[tuple[str, str], float]:
    """Return people's values for the columns of the short table."""
    compared = {"ferplus": OTHERS, COMPARED_SOURCE: FER2013_LABEL}
    return {
        (source, "accuracy"): row.agreement
        for source, with_whom in compared.items()
        if (row := _agreement(with_whom)) is not None
    }


def _agreement(agreement_with: str) -> Agreement | None:
    """Return how often one annotator of FER+'s test faces agrees, among FER2013's seven classes."""
    return agreement_of(
        read_annotators(shipped_models() / annotators_path().name),
        split=REPORTED_SPLIT,
        label_space=FER2013.name,
        agreement_with=agreement_with,
    )


def people_sentence() -> str:
    """Return the sentences on agreement between people; empty if it was not measured."""
    others, label = _agreement(OTHERS), _agreement(FER2013_LABEL)
    if others is None or label is None:
        return ""
    return (
        f"\n\nPeople, on the test faces that FER+ gives one of the seven classes (`python -m training "
        f"human-ceiling`). One annotator agrees with most of the others in {others.agreement:.1%} of "
        f"{others.n_judgements:,} judgements of {others.n_faces:,} faces (95% interval {others.low:.1%} to "
        f"{others.high:.1%}). "
        f"Another {others.n_judgements_left_out:,} judgements of these faces name no such class and are left "
        f"out. With these counted as disagreement, it is {others.agreement_of_all:.1%}. "
        f"On the {label.n_faces:,} faces that most annotators gave one of the classes, the agreement with "
        f"FER2013's label is {label.agreement:.1%} ({label.low:.1%} to {label.high:.1%})."
    )


def with_results(text: str, bundles: Iterable[Bundle]) -> str:
    """Return docs/results.md with what stands between its markers replaced.

    Raises:
        ValueError: a marker is missing.
    """
    bundles = list(bundles)
    specs = {bundle.spec.name: bundle.spec for bundle in bundles}
    results = f"{results_table(bundles)}{photos_table(specs)}"
    results += f"{faithfulness_table(specs)}{action_units_table()}{people_sentence()}"
    text = _with_section(text, "results", results)
    text = _with_section(text, "landmarks", landmarks_section(bundles, REPORTED_SPLIT))
    text = _with_section(text, "ensembles", ensembles_section())
    return _with_section(text, "studies", studies_section())


def with_accuracy(text: str, bundles: Iterable[Bundle]) -> str:
    """Return README with the table between its two markers replaced.

    Raises:
        ValueError: a marker is missing.
    """
    return _with_section(text, "accuracy", short_table(bundles))


def _with_section(text: str, section: str, content: str) -> str:
    begin, end = marks(section)
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise ValueError(f"The file needs the lines {begin!r} and {end!r}, in this order.")
    return f"{before}{begin}\n{content}\n{end}{after}"


def main(project: Path = Path()) -> None:
    """Rewrite the tables in README.md and docs/results.md of a project's folder."""
    bundles = shipped_bundles()
    for file, replaced in (
        (project / "README.md", with_accuracy),
        (project / "docs" / "results.md", with_results),
    ):
        text = file.read_text(encoding="utf-8")
        file.write_text(replaced(text, bundles), encoding="utf-8")
        log.info("%s is up to date", file)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    main()
