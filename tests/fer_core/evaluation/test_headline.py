"""The headline table says the numbers, marks the best, and is valid in each form."""

import pandas as pd
import pytest

from fer_core.evaluation.headline import LATEX, MARKDOWN, headline_data, headline_table
from fer_core.evaluation.intervals import Estimate
from fer_core.evaluation.measures import MEASURES


@pytest.fixture
def two():
    """Two networks, the second better in all."""
    better = {"higher": (0.5, 0.6), "lower": (0.6, 0.5)}
    return {
        name: {
            m.name: Estimate(v := better[m.better][i], round(v - 0.1, 2), round(v + 0.1, 2))
            for m in MEASURES
        }
        for i, name in enumerate(("first", "second_one"))
    }


N = {"first": 3589, "second_one": 3192}


def test_markdown_marks_the_best_of_each_row_by_its_direction(two):
    lines = headline_table(two, N, MARKDOWN).splitlines()
    assert "3,589" in lines[2]
    assert "3,192" in lines[2]
    assert len(lines) == 3 + len(MEASURES)
    for line in lines[3:]:
        first, second = line.split("|")[2:4]
        assert "**" not in first
        assert second.strip().startswith("**")
        assert second.strip().endswith("**")
    accuracy = next(line for line in lines if "Accuracy (%)" in line)
    assert "60.0 [50.0, 70.0]" in accuracy
    log_loss = next(line for line in lines if "Log loss" in line)
    assert "**0.500 [0.400, 0.600]**" in log_loss


def test_a_single_network_is_not_called_the_best(two):
    assert "**" not in headline_table({"first": two["first"]}, N, MARKDOWN)


def test_latex_escapes_what_it_would_take_for_commands(two):
    table = headline_table(two, N, LATEX)
    assert r"second\_one" in table
    assert r"Accuracy (\%)" in table
    assert r"\textbf{60.0 [50.0, 70.0]}" in table
    assert "$" not in table
    assert "{lrr}" in table


def test_the_data_are_in_full_precision_a_row_a_network_and_measure(two):
    two["first"]["accuracy"] = Estimate(0.123456789, 0.1, 0.2)
    table = headline_data(two, N)
    assert len(table) == 2 * len(MEASURES)
    row = table[(table["network"] == "first") & (table["measure"] == "accuracy")].iloc[0]
    assert row["value"] == 0.123456789
    assert row["faces"] == 3589
    assert isinstance(table, pd.DataFrame)
