"""Definitions of terms, for tooltips."""

from typing import Final

from fer_core.evaluation.measures import MEASURES

#: Definitions, by the term on the pages.
GLOSSARY: Final = {
    **{measure.title: measure.definition for measure in MEASURES},
    "Bootstrap interval": "95% interval from drawing the faces again with replacement, corrected for bias. "
    "It shows how much a figure depends on the choice of faces. A calibration error is nearly always larger "
    "on drawn faces, so its interval is only a rough guide.",
    "Whole": "All rows of a split whose label the network knows.",
    "Clean": "Rows without a duplicate in the training data.",
    "All faces": 'All rows of a split whose label the network knows; "whole" in tables.',
    "Without duplicates": 'Rows without a duplicate in the training data; "clean" in tables and files.',
    "McNemar's test": "Tests whether two networks differ in accuracy on the same faces. It counts the faces "
    "that only one of them gets right. A small p means that chance does not explain the difference.",
    "Coverage": "Share of faces whose prediction reaches the confidence threshold.",
    "Threshold": "Lowest confidence at which a prediction counts as confident.",
    "Temperature": "Number that logits are divided by, so that confidence matches accuracy.",
    "Levels": "Confident: the threshold is reached. Probable: it is not, but one expression leads clearly. "
    "Unclear: the first two are close, or it is unknown which way up the face is.",
    "Recall": "Share of the faces with a label that are predicted so.",
    "Precision": "Share of the faces with a prediction that are labelled so.",
    "Multiply-adds": "Multiplications, each with an addition, that the network does for one face.",
}
#: The same definitions, by the short names in column headers.
SHORT_NAMES: Final = {measure.short: measure.title for measure in MEASURES}


def defined(*terms: str) -> str:
    """Return the definitions of terms as Markdown for a tooltip."""
    return "  \n".join(f"**{term}**: {GLOSSARY[term]}" for term in terms)


def column_help(column: str) -> str | None:
    """Return the definition of a table's column by its header; None without one."""
    words = column.lower().removesuffix(" (%)")
    found = [title for short, title in SHORT_NAMES.items() if short.lower() in words]
    # "balanced accuracy" is not "accuracy".
    terms = sorted(found, key=len)[-1:]
    terms += [term for term in ("Whole", "Clean") if words.endswith(term.lower())]
    return defined(*terms) if terms else None
