"""A study's results for display: data sets, runs and findings."""

import math
from typing import Final

import pandas as pd

from fer_core.data_names import data_name, is_whole, source_of, split_of
from fer_core.evaluation.measures import MEASURES
from fer_core.expressions import Expression
from fer_core.studies.plans import StudyResults
from fer_core.studies.runs import column

#: Standard deviations to either side of the mean that hold 95 % of a normal distribution.
_Z_95: Final = 1.96
#: From which difference in balanced accuracy a sentence says it. In our studies, runs that differ only in
#: their seed are up to 3 points apart.
_CLEARLY: Final = 0.03


def measured_on(results: StudyResults) -> list[str]:
    """Return the "SOURCE:SPLIT" on which any run's accuracy was measured, in the plan's order."""
    runs = results.runs
    names = {data: column(data, "accuracy") for data in results.plan.measured_on}
    return [d for d, name in names.items() if name in runs and runs[name].notna().any()]


def labels_of(results: StudyResults) -> dict[str, str]:
    """Return the label of each variant in figures: its only value in words, or its name."""
    rows = results.runs.drop_duplicates("variant")
    name, *others = results.plan.values
    is_word = not others and rows[name].map(lambda value: isinstance(value, str)).all()
    words = rows[name] if is_word and rows[name].is_unique else rows["variant"]
    return dict(zip(rows["variant"], words, strict=True))


def accuracies(results: StudyResults, *, clean: bool = False) -> pd.DataFrame:
    """Return the accuracies of all runs on all data sets.

    Args:
        results: of the study.
        clean: on the rows without a duplicate in the training data, where these are known; a training split
            has none, and stays whole.

    Returns:
        One row per run and data set: `variant`, the plan's values, `seed`, `data` ("SOURCE:SPLIT"), `rows`
        ("whole" or "clean"), `n` and `accuracy`, a fraction.
    """
    parts = []
    for data in measured_on(results):
        is_clean = clean and _knows_copies(results, data)
        suffix = "_clean" if is_clean else ""
        part = results.runs[["variant", *results.plan.values, "seed"]].assign(
            data=data,
            rows="clean" if is_clean else "whole",
            n=_number(results.runs, data, "n" + suffix),
            accuracy=_number(results.runs, data, "accuracy" + suffix),
        )
        parts.append(part[part["accuracy"].notna()].astype({"n": int}))
    return pd.concat(parts, ignore_index=True)


def balanced_accuracies(results: StudyResults, data: str) -> "pd.Series[float]":
    """Return each variant's balanced accuracy on a split, in the plan's order: fractions, means over seeds.

    On the rows without a duplicate in the training data, where these are known. NaN for a variant of which a
    run has none.
    """
    suffix = "_clean" if _knows_copies(results, data) else ""
    values = _number(results.runs, data, f"balanced_accuracy{suffix}")
    # Not `mean`, which leaves runs without a value out: others would have other seeds.
    return values.groupby(results.runs["variant"], sort=False).agg(lambda v: v.mean(skipna=False))


def recalls(results: StudyResults, data: str) -> pd.DataFrame:
    """Return the recall of each class on the whole of a split.

    Returns:
        float (variants, classes), means over seeds, classes in the order of `Expression`, with the mean
        over the classes, which is the balanced accuracy, as the last column, "mean".
    """
    wanted = {str(name): column(data, f"recall {name}") for name in Expression}
    there = {name: wanted[name] for name in wanted if wanted[name] in results.runs}
    table = pd.DataFrame({name: pd.to_numeric(results.runs[c]) for name, c in there.items()})
    table = table.assign(variant=results.runs["variant"]).groupby("variant", sort=False).mean()
    table = table.dropna(axis="columns", how="all")
    return table.assign(mean=table.mean(axis="columns"))


def runs_table(results: StudyResults) -> pd.DataFrame:
    """Return the runs with display names for the columns, one row per run.

    A measure that no run has is left out. Measures other than accuracy are of whole splits, and not of what
    was learnt from.
    """
    runs = results.runs
    table = runs[["variant", *results.plan.values, "seed", "epochs", "parameters"]].copy()
    for data in measured_on(results):
        # Without what the split is for, which would widen every column.
        name = data_name(data).partition(" (")[0]
        table[f"{name} accuracy (%)"] = 100 * _number(runs, data, "accuracy")
        if _knows_copies(results, data):
            table[f"{name} accuracy, clean (%)"] = 100 * _number(runs, data, "accuracy_clean")
        for measure in MEASURES if split_of(data) != "train" else ():
            values = _number(runs, data, measure.name)
            if measure.in_tables and measure.name != "accuracy" and values.notna().any():
                scale, unit = (100, " (%)") if measure.percent else (1, "")
                table[f"{name} {measure.short}{unit}"] = scale * values
    return table.assign(
        **{
            "seconds": runs["seconds"],
            "images per second": runs["images_per_second"],
            "hardware": runs["hardware"],
            "commit": runs["code_commit"],
        }
    )


def progress(results: StudyResults) -> str:
    """Return a sentence on how much of the plan is done and what is missing."""
    plan = results.plan
    n = len(results.runs)
    seeds = f"seed {plan.seeds[0]}" if len(plan.seeds) == 1 else f"{len(plan.seeds)} seeds"
    said = f"{len(plan.variants)} variants, each with {seeds}"
    if n == plan.planned:
        return f"All {n} planned runs are done: {said}."
    done = set(zip(results.runs["variant"], results.runs["seed"], strict=True))
    missing = [
        f"{variant} with seed {seed}"
        for seed in plan.seeds
        for variant in plan.variants
        if (variant, seed) not in done
    ]
    return f"{n} of {plan.planned} planned runs are done ({said}). Missing: {', '.join(missing)}."


def findings(results: StudyResults) -> list[str]:
    """Describe the best variant on validation, its test accuracy, and the uncertainty."""
    sentences = []
    tested = None
    for data in measured_on(results):
        if split_of(data) != "valid":
            continue
        by_clean = _means(results, data, "accuracy_clean")
        chosen_on = "clean rows"
        if by_clean.isna().all():
            by_clean, chosen_on = _means(results, data, "accuracy"), "rows"
        best = str(by_clean.idxmax())
        sentence = (
            f"On the {chosen_on} of {data_name(data)}, the best variant is **{labels_of(results)[best]}**, "
            f"with an accuracy of {by_clean[best]:.1%}."
        )
        test = f"{source_of(data)}:test"
        if test in measured_on(results):
            tested = tested or (test, best)
            sentence += (
                f" On {data_name(test)}, its accuracy is {_whole_and_clean(results, test, best)}."
            )
        sentences.append(sentence)
        sentences += _by_balanced_accuracy(results, data, best)
    if tested:
        sentences.append(_how_sure(results, *tested))
    return sentences


def _by_balanced_accuracy(results: StudyResults, data: str, best: str) -> list[str]:
    """Return a sentence if the balanced accuracy of another variant than the best is clearly the highest.

    None if a variant has no balanced accuracy, or is measured on other faces: it knows other classes.
    """
    values = balanced_accuracies(results, data)
    if values.isna().any() or _means(results, data, "n").nunique() > 1:
        return []
    highest = str(values.idxmax())
    if values[highest] - values[best] < _CLEARLY:
        return []
    labels = labels_of(results)
    return [
        f"The balanced accuracy there is highest for **{labels[highest]}**: {values[highest]:.1%}, against "
        f"{values[best]:.1%} for {labels[best]}. This difference was not tested."
    ]


def _whole_and_clean(results: StudyResults, data: str, variant: str) -> str:
    whole, clean = (_means(results, data, f)[variant] for f in ("accuracy", "accuracy_clean"))
    n, n_clean = (_means(results, data, name)[variant] for name in ("n", "n_clean"))
    said = f"{whole:.1%} on all {n:,.0f} faces"
    if pd.isna(clean):
        return said
    return said + f" and {clean:.1%} on the {n_clean:,.0f} without duplicates"


def _how_sure(results: StudyResults, data: str, variant: str) -> str:
    """Describe the uncertainty of an accuracy, from the number of faces and the seeds."""
    share, n = (_means(results, data, name)[variant] for name in ("accuracy", "n"))
    margin = _Z_95 * math.sqrt(share * (1 - share) / n)
    said = (
        f"The 95% interval of this accuracy alone is about \u00b1{100 * margin:.1f} points ({n:,.0f} faces). "
        "Differences between variants have intervals of their own"
    )
    by_variant = _number(results.runs, data, "accuracy").groupby(results.runs["variant"])
    if by_variant.size().max() == 1:
        return said + ". Each variant was trained once: with another seed the order may change."
    spread = (by_variant.max() - by_variant.min()).max()
    return (
        said + f". Runs that differ only in their seed are up to {100 * spread:.1f} points apart."
    )


def _means(results: StudyResults, data: str, figure: str) -> pd.Series:
    """Return a figure's mean over seeds by variant, in the plan's order."""
    values = _number(results.runs, data, figure)
    return values.groupby(results.runs["variant"], sort=False).mean()


def _knows_copies(results: StudyResults, data: str) -> bool:
    """Return whether a split was measured without duplicates of training images as well."""
    if is_whole(data):
        return False
    return bool(_number(results.runs, data, "accuracy_clean").notna().any())


def _number(runs: pd.DataFrame, data: str, figure: str) -> pd.Series:
    """Return a column of all runs as numbers, NaN where it was not measured."""
    name = column(data, figure)
    if name not in runs:
        return pd.Series(math.nan, index=runs.index)
    return pd.to_numeric(runs[name])
