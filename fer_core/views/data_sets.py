"""Accuracy of networks on all their test sets, and with and without landmarks."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fer_core.data_names import data_name, known_data_sets, source_name
from fer_core.evaluation.human_agreement import FER2013_LABEL, OTHERS, Agreement, agreement_of
from fer_core.evaluation.predictions import EvaluationResult
from fer_core.expressions import FER2013
from fer_core.networks.bundles import BundleSpec
from fer_core.views.plots import add_points
from fer_core.views.style import add_cells, lay_out, new_figure, without_grid
from fer_core.views.view import View

_ONE_PERSON: Final = "one person"
#: Why faces are left out of the agreement of one annotator, by what it is compared with.
_LEFT_OUT: Final = {
    OTHERS: "without a majority for one of the seven expressions",
    FER2013_LABEL: "for which most annotators chose none of the seven expressions",
}
_SPLIT: Final = "test"


def across_view(specs: Sequence[BundleSpec], annotators: Sequence[Agreement]) -> View:
    """Return the accuracy of each network on each test set, and that of one person if known.

    Args:
        specs: of the networks, with what was measured on each data set.
        annotators: how far people agree; empty where nobody computed it.
    """
    data = sorted({name for spec in specs for name in spec.metrics if name.endswith(f":{_SPLIT}")})
    rows = []
    for spec in specs:
        for name in data:
            if measured := spec.metrics.get(name):
                excluded = ", ".join(f"{c} ({n:,})" for c, n in measured.excluded.items())
                rows.append(
                    {
                        "judge": _judge(spec),
                        "network": spec.name,
                        "data": data_name(name),
                        "accuracy": measured.accuracy,
                        "accuracy without duplicates": measured.accuracy_clean,
                        "faces": measured.n,
                        "left out": excluded,
                        "trained on": _learnt_from(spec),
                    }
                )
    for source, known in known_data_sets().items():
        name = f"{source}:{_SPLIT}"
        if known.ceiling is None or name not in data:
            continue
        ceiling = agreement_of(
            annotators, split=_SPLIT, label_space=FER2013.name, agreement_with=known.ceiling
        )
        if ceiling:
            rows.append(
                {
                    "judge": _ONE_PERSON,
                    "data": data_name(name),
                    "accuracy": ceiling.agreement,
                    "faces": ceiling.n_faces,
                    "left out": f"{ceiling.n_faces_left_out:,} faces {_LEFT_OUT[known.ceiling]}",
                }
            )
    table = pd.DataFrame(rows)
    figure = _matrix(table, [data_name(name) for name in data])
    left_out: dict[str, list[str]] = {}
    for row in rows:
        if row.get("trained on") and row["left out"]:
            left_out.setdefault(f"{row['data']}: {row['left out']}", []).append(str(row["network"]))
    # Classes that all networks leave out need no network's name.
    out = sorted(
        what if len(names) == len(specs) else f"{what} ({', '.join(names)})"
        for what, names in left_out.items()
    )
    trained = {spec.name: _learnt_from(spec) for spec in specs}
    return View(
        "across",
        "All test sets",
        figure,
        "Accuracy (%) on all rows of each test set, over the classes that network and set share. "
        + (f"Left out, because networks do not know the class: {'; '.join(out)}. " if out else "")
        + _about_people(annotators)
        + "Sets differ in label noise, framing and how frequent each expression is, so a difference between "
        "two sets says little about a network. "
        + f"Trained on: {', '.join(f'{name} {source}' for name, source in trained.items())}.",
        table,
    )


def _learnt_from(spec: BundleSpec) -> str:
    """Return the data sets that a network learnt from, with FER+'s votes where they were targets."""
    name = source_name(f"{spec.training_data.source}:")
    votes = spec.recipe.get("targets") == "votes" or spec.recipe.get("vote_smoothing")
    return name.replace("FER2013", "FER2013 (FER+ votes)", 1) if votes else name


def _judge(spec: BundleSpec) -> str:
    """Return a network's name, with its number of expressions if that is not seven."""
    n = len(spec.labels)
    return spec.name if n == len(FER2013) else f"{spec.name}<br>({n} expressions)"


def _about_people(annotators: Sequence[Agreement]) -> str:
    if not annotators:
        return ""
    return (
        f"\u201c{_ONE_PERSON.capitalize()}\u201d is one of FER+'s ten annotators. On FER+ it is how often "
        "they agree with most of the others, on the same faces as the networks. On FER2013 it is how often "
        "they chose its label, on faces that most annotators gave one of the seven expressions. "
    )


def _matrix(table: pd.DataFrame, columns: list[str]) -> go.Figure:
    judges = list(dict.fromkeys(table["judge"]))
    wide = table.pivot_table(index="judge", columns="data", values="accuracy")
    values = 100 * wide.reindex(judges, columns=columns).to_numpy()
    # All are test sets: the source alone tells them apart, and leaves room on a phone.
    names = [name.partition(" ")[0] for name in columns]
    figure = new_figure()
    add_cells(
        figure,
        values,
        x=names,
        y=judges,
        text=[[f"{value:.1f}" for value in row] for row in values],
        ends=(0, 100),
        hovertemplate="%{y}, %{x}: %{z:.1f}%<extra></extra>",
    )
    lay_out(figure, height=150 + 46 * len(judges), x="Test set")
    without_grid(figure)
    figure.update_xaxes(tickangle=0)
    return figure


def coverage_view(results: Mapping[str, EvaluationResult], found: np.ndarray, on: str) -> View:
    """Return each network's accuracy on all crops, on those with landmarks, and with the others as wrong.

    Args:
        results: by network, all of the same rows.
        found: bool (N,), whether landmarks were found in each image.
        on: says which rows of which data set these are.
    """
    rows = []
    for name, result in results.items():
        right = result.is_right
        rows += [
            {"network": name, "accuracy of": what, "accuracy": value, "faces": n}
            for what, value, n in (
                ("all crops", float(right.mean()), len(result)),
                ("crops with landmarks", float(right[found].mean()), int(found.sum())),
                ("others as wrong", float((right & found).mean()), len(result)),
            )
        ]
    table = pd.DataFrame(rows)
    figure = new_figure()
    for i, (what, part) in enumerate(table.groupby("accuracy of", sort=False)):
        add_points(figure, i, part, y="network", name=str(what), form=".2f", size=11)
    lay_out(figure, height=150 + 56 * len(results), x="Accuracy (%)")
    ends = 100 * table["accuracy"]
    figure.update_xaxes(range=[max(0, ends.min() - 2), min(100, ends.max() + 2)])
    return View(
        "coverage",
        "With and without landmarks",
        figure,
        f"Landmarks were found in {found.mean():.1%} of the images, in {int((~found).sum()):,} none. {on} "
        "Papers report the accuracy on all crops. In the last rows, an image without landmarks counts as "
        "wrong. They are searched for as in training, in crops known to show a face; in photos, the app's "
        "search is stricter.",
        table,
    )
