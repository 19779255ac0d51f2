"""The section of docs/results.md on studies: each question, a short answer, and a table of the variants."""

from collections.abc import Iterator

import pandas as pd

from fer_core.studies.numbers import findings
from fer_core.studies.pairs import compare_variants, told_apart
from fer_core.studies.plans import StudyPlan, StudyResults, read_plan, read_study, study_names
from fer_core.studies.variants import variants_table

_HEADS = (
    "| variant | data | runs | epochs | accuracy, clean (range) | points below the best (95% interval) |",
    "|---|---|---:|---:|---:|---:|",
)


def studies_section() -> str:
    """Return the section in Markdown, of all studies that have runs."""
    plans = [plan for plan in map(read_plan, study_names()) if isinstance(plan, StudyPlan)]
    studies = [results for results in map(read_study, plans) if len(results.runs)]
    return "\n\n".join("\n".join(_lines(results)) for results in studies)


def _lines(results: StudyResults) -> Iterator[str]:
    plan = results.plan
    comparisons = compare_variants(results)
    yield f"### {plan.title}\n"
    yield f"{plan.question} (`{plan.command}`)\n"
    yield from (f"- {sentence}" for sentence in findings(results))
    yield from (f"- {told_apart(comparison, results)}" for comparison in comparisons)
    for reference in plan.references:
        yield f"- Published: {reference.label}, {reference.accuracy:.1%} ({reference.note})."
    yield ""
    yield from _HEADS
    for _, row in variants_table(results, comparisons).iterrows():
        cells = (row["variant"], _data(row), str(row["runs"]), f"{row['epochs']:.0f}")
        yield f"| {' | '.join((*cells, _share(row), _below(row)))} |"


def _data(row: pd.Series) -> str:
    return f"{row['data']}, {row['faces']:,} faces"


def _share(row: pd.Series) -> str:
    mean = f"{row['accuracy, mean (%)']:.1f}%"
    if row["runs"] == 1:
        return mean
    return f"{mean} ({row['accuracy, lowest (%)']:.1f} to {row['accuracy, highest (%)']:.1f})"


def _below(row: pd.Series) -> str:
    """Return the distance from the best variant; empty for itself and without a comparison."""
    mean, low, high = (row[f"below{name} (points)"] for name in (" the best", ", from", ", to"))
    return "" if pd.isna(mean) else f"{mean:.1f} ({low:.1f} to {high:.1f})"
