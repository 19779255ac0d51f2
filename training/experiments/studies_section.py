"""The section of docs/results.md on studies: each question, a short answer, and a table of the variants."""

from collections.abc import Iterator
from typing import Final

from fer_core.studies.numbers import findings, progress
from fer_core.studies.pairs import compare_variants, told_apart
from fer_core.studies.plans import StudyPlan, StudyResults, read_plan, read_study, study_names
from fer_core.studies.variants import in_words, variants_table
from training.experiments.markdown import markdown_table

_WORDS: Final = ("variant", "data")


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
    if len(results.runs) < plan.planned:
        yield f"- {progress(results)}"
    yield from (f"- {sentence}" for sentence in findings(results))
    yield from (f"- {told_apart(comparison, results)}" for comparison in comparisons)
    for reference in plan.references:
        yield f"- Published: {reference.label}, {reference.accuracy:.1%} ({reference.note})."
    table = in_words(variants_table(results, comparisons))
    yield f"\n{markdown_table(table, left=_WORDS)}"
