"""Small tables of studies and searches with the columns that training writes."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from fer_core.studies.plans import (
    Reference,
    SearchPlan,
    StudyPlan,
    answers_path,
    history_path,
    table_path,
    write_plan,
)
from fer_core.studies.runs import COLUMNS

CLASSES = ("angry", "disgust", "happy")
FER2013 = ("fer2013:train", "fer2013:valid", "fer2013:test")
COMMIT = "58ffc9f3912855af6865a776d8f8d918de72978a"


def study_plan(
    name: str,
    values: Mapping[str, Mapping[str, Any]],
    *,
    seeds: Sequence[int] = (0,),
    measured_on: Sequence[str] = FER2013,
    references: Sequence[Reference] = (),
) -> StudyPlan:
    """A plan of variants with their values."""
    return StudyPlan(
        name=name,
        title=f"Title of {name}",
        question="Does it help?",
        command=f"python -m training study {name}",
        values=tuple(next(iter(values.values()))),
        seeds=tuple(seeds),
        planned=len(values) * len(seeds),
        measured_on=tuple(measured_on),
        variants=tuple(values),
        references=tuple(references),
    )


def write_study(
    plan: StudyPlan,
    values: Mapping[str, Mapping[str, Any]],
    *,
    runs: Iterable[tuple[str, int]] | None = None,
) -> pd.DataFrame:
    """Write a plan and the tables of its runs, in another order than planned; return the table of runs."""
    runs = list(runs or [(variant, seed) for seed in plan.seeds for variant in plan.variants])
    rows = [_run(plan, values[variant], variant, seed) for variant, seed in reversed(runs)]
    epochs = [
        {
            "epoch": epoch,
            "loss": 2 - 0.1 * epoch,
            "accuracy": 0.3 + 0.1 * epoch,
            "val_loss": 1.9 - 0.1 * epoch,
            "val_accuracy": 0.35 + 0.1 * epoch,
            "learning_rate": 0.001,
            "seconds": 70.0,
            "variant": variant,
            "seed": seed,
        }
        for variant, seed in runs
        for epoch in (1, 2, 3)
    ]
    write_plan(plan)
    table = pd.DataFrame(rows)
    table.to_parquet(table_path(plan.name))
    pd.DataFrame(epochs).to_parquet(history_path(plan.name))
    answers = [
        {"variant": variant, "seed": seed, "data": "fer2013:valid", "row": row}
        | {"label": CLASSES[row % 3], "answer": CLASSES[row % (2 + seed % 2)]}
        for variant, seed in runs
        for row in range(6)
    ]
    pd.DataFrame(answers).to_parquet(answers_path(plan.name))
    return table


def _run(plan: StudyPlan, values: Mapping[str, Any], variant: str, seed: int) -> dict[str, Any]:
    row = {"variant": variant, **values, **dict.fromkeys(COLUMNS, "x")}
    row |= {"seed": seed, "source": "fer2013", "n_train": 900, "parameters": 1000, "epochs": 3}
    row |= {"seconds": 210.0, "images_per_second": 400.0, "code_commit": COMMIT}
    place = plan.variants.index(variant)
    for i, data in enumerate(plan.measured_on):
        accuracy = 0.5123 + 0.03 * place + 0.01 * seed - 0.02 * i
        is_train = data.endswith(":train")
        clean = None if is_train else accuracy - 0.04 * (1 + place)
        figures = {"n": 1000, "accuracy": accuracy, "macro_f1": 0.4, "ece": 0.02, "nll": 1.2}
        figures |= {"n_clean": 0 if is_train else 900, "accuracy_clean": clean}
        # Nobody in CK+ is neutral, and other sets lack a class likewise.
        known = CLASSES[:-1] if data.startswith("ckplus") else CLASSES
        figures |= {f"recall {name}": accuracy / (1 + j) for j, name in enumerate(known)}
        row |= {f"{data} {figure}": value for figure, value in figures.items()}
    return row


def write_search(n_trials: int = 4) -> SearchPlan:
    """Write the plan of a search of eight trials and those that are done, the third of which is best."""
    plan = SearchPlan(
        name="tune-cnn",
        title="Search of the settings of cnn",
        question="Which settings?",
        command="python -m training tune cnn --trials 8",
        values=("rate", "batch_size"),
        seeds=(0,),
        planned=8,
        measured_on=("fer2013:valid",),
        objective="val_accuracy",
        greater_is_better=True,
        log_values=("rate",),
    )
    trials = [
        {
            "trial": f"{i:02d}",
            "rate": (0.001, 0.01, 0.1, 0.1)[i],
            # As JSON: sorted as words, 128 would come before 64.
            "batch_size": json.dumps((64, 128, 256, 64)[i]),
            "val_accuracy": (0.41, 0.40, 0.47, 0.43)[i],
            "val_loss": 1.5,
            "epochs": 4,
            "n_train": 100,
            "parameters": 10,
            "seconds": 9.0,
            "seed": 0,
            "code_commit": COMMIT,
            "hardware": "x",
        }
        for i in range(n_trials)
    ]
    write_plan(plan)
    if trials:
        pd.DataFrame(trials[::-1]).to_parquet(table_path(plan.name))
    return plan
