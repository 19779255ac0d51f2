"""Every term that pages explain has one definition."""

import pytest

from fer_core.evaluation.measures import MEASURES
from pages.parts.glossary import GLOSSARY, column_help, defined


def test_all_measures_and_terms_of_the_pages_are_defined_in_short_sentences():
    assert {measure.title for measure in MEASURES} <= set(GLOSSARY)
    for term in ("McNemar's test", "Coverage", "Bootstrap interval", "Clean"):
        assert f"**{term}**: " in defined(term)
    for text in GLOSSARY.values():
        assert all(len(sentence.split()) <= 30 for sentence in text.split(". ")), text


@pytest.mark.parametrize(
    ("column", "terms"),
    [
        ("FER2013 PrivateTest accuracy, clean (%)", ["Accuracy", "Clean"]),
        ("Accuracy, clean", ["Accuracy", "Clean"]),
        ("Macro F1, whole", ["Macro F1", "Whole"]),
        ("Rows, clean", ["Clean"]),
        ("seconds", []),
    ],
)
def test_a_column_is_explained_by_the_words_in_its_head(column, terms):
    assert column_help(column) == (defined(*terms) if terms else None)
