"""The search for a recipe's settings, with KerasTuner.

Bayesian optimisation (Snoek et al. 2012, arXiv:1206.2944): a Gaussian process over the trials so far proposes
the next. Or successive halving (Hyperband, Li et al. 2018, arXiv:1603.06560): many random settings get a few
epochs; the best third is trained again for three times as many, and so on up to the most.

Trials are short runs of `training.loop.fit`, compared by the validation figure that `fit` compares epochs by,
on clean validation rows. The test split takes no part.
"""

import contextlib
import json
import logging
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from fer_core.errors import FerError, UnknownNameError
from fer_core.studies import plans
from fer_core.studies.plans import SEARCH_PREFIX, SearchPlan
from fer_core.studies.runs import replace_rows, studies_root
from training.bundle.make import code_commit
from training.devices import hardware
from training.errors import DivergedError, TrainingError
from training.kinds import KINDS
from training.loop.fit import fit
from training.loop.run_folder import CHECKPOINT_FOLDER, can_be_resumed
from training.schema.recipe import BaseRecipe, recipe_module
from training.schema.search_space import Range, SearchSpace
from training.sources import Split
from training.tasks.parents import parents_of

log = logging.getLogger(__name__)

#: Folder, beside the tables, where searches keep their state.
WORK_FOLDER: Final = "tuning"
#: Of successive halving: how many times the epochs, and what share of the trials, the next round has.
_HALVING_FACTOR: Final = 3
#: What KerasTuner puts before its own entries among a trial's values.
_TUNERS_OWN: Final = "tuner/"


def search_space_of(name: str) -> SearchSpace:
    """Return the search space that a recipe's module declares as SEARCH.

    Raises:
        UnknownNameError: no such recipe, or it declares none.
    """
    space: SearchSpace | None = getattr(recipe_module(name), "SEARCH", None)
    if space is None:
        raise UnknownNameError(
            f"The recipe {name} declares no search space. Add SEARCH, a dict from settings to Choice or "
            f"Range (training.schema.search_space), to training/recipes/{name}.py."
        )
    return space


def table_path(recipe: str) -> Path:
    """Return the table of a recipe's trials."""
    return plans.table_path(SEARCH_PREFIX + recipe)


def plan_of(
    recipe: BaseRecipe, space: SearchSpace, *, trials: int, halving: bool = False
) -> SearchPlan:
    """Return the plan that is written beside the table, for showing the search without training code."""
    rows = recipe.data.rows
    budget = f"--trials {trials} --epochs {recipe.epochs} --seed {recipe.seed}"
    budget += " --halving" if halving else ""
    proposal = (
        "the best third of random settings is tried again for three times as many epochs (Hyperband)."
        if halving
        else "Bayesian optimisation proposes the next from those so far."
    )
    return SearchPlan(
        name=SEARCH_PREFIX + recipe.name,
        title=f"Search of the settings of {recipe.name}",
        question=f"Which settings make the recipe {recipe.name} learn best? Each trial is a short run, "
        f"{'up to ' if halving else ''}{recipe.epochs} epochs on {'all' if rows is None else f'{rows:,}'} "
        f"training rows; {proposal}",
        command=f"python -m training tune {recipe.name} {budget}"
        + ("" if rows is None else f" --rows {rows}"),
        values=tuple(space),
        seeds=(recipe.seed,),
        planned=trials,
        measured_on=(f"{recipe.data.source}:{Split.VALID}",),
        objective=_objective(recipe),
        greater_is_better=recipe.figure.greater_is_better,
        log_values=tuple(
            name for name, values in space.items() if isinstance(values, Range) and values.log
        ),
    )


def shortened(recipe: BaseRecipe, *, epochs: int, rows: int | None, seed: int) -> BaseRecipe:
    """Return a recipe for trials, with fewer epochs and training rows.

    The learning rate warms up for a quarter of the run at most. What else is counted in steps or epochs, the
    kind of the recipe tells (`training.kinds`).

    Raises:
        DataError: the recipe's data is not there.
        UnknownNameError: a number is below 1.
    """
    settings = [f"epochs={epochs}", f"seed={seed}", "restarts=[]"]
    settings.append(f"optimizer.warmup_epochs={min(recipe.optimizer.warmup_epochs, epochs / 4)}")
    if (of_kind := KINDS[recipe.kind].shortened) is not None:
        settings += of_kind(recipe, epochs, rows)
    return recipe.with_overrides(settings)


def tune(
    recipe: BaseRecipe,
    space: SearchSpace,
    *,
    trials: int,
    halving: bool = False,
    resume: bool = False,
    overwrite: bool = False,
) -> pd.DataFrame:
    """Search a recipe's space; write and return the table of trials, best first.

    Args:
        recipe: its epochs and rows are the budget of each trial.
        space: what is varied.
        trials: how many, those of a resumed search included.
        halving: search by successive halving; the recipe's epochs are those of the last round.
        resume: resume the search of this recipe that was stopped, with its trial in progress.
        overwrite: start over in place of an earlier search of this recipe, finished or not.

    Raises:
        TrainingError: a search of this recipe, or the table of one, stands in the way, there is none to
            resume, or it was begun with another budget or space, or several trials in a row did not train.
        FerError: no trial can run, for instance without data.
    """
    import keras_tuner

    folder = studies_root() / WORK_FOLDER / recipe.name
    if overwrite and not resume:
        shutil.rmtree(folder, ignore_errors=True)
    if folder.is_dir() != resume:
        raise TrainingError(
            f"There is no search in {folder} to resume; start one without --resume."
            if resume
            else f"A search is in {folder}. Resume it with --resume, or start over with --overwrite."
        )
    hyperparameters = keras_tuner.HyperParameters()
    for name, values in space.items():
        values.declare(name, hyperparameters)
    if resume:
        _check_budget(recipe, space, folder, halving=halving)
        _check_ranges(hyperparameters, folder)
    elif (table := table_path(recipe.name)).is_file():
        if not overwrite:
            raise TrainingError(
                f"The trials of an earlier search are in {table}. Replace them with --overwrite, or set "
                "FER_MODELS to another folder."
            )
        table.unlink()
    plans.write_plan(plan_of(recipe, space, trials=trials, halving=halving))
    if (ask_teacher := KINDS[recipe.kind].teachers_files) is not None:
        # All trials have the same rows: the teacher is asked once.
        ask_teacher(recipe, parents_of(recipe))

    class Tuner(keras_tuner.engine.base_tuner.BaseTuner):
        def run_trial(self, trial: Any, *args: object, **kwargs: object) -> dict[str, float]:
            work = folder / f"run-{trial.trial_id}"
            try:
                figures = _run(recipe, trial.hyperparameters.values, trial.trial_id, work)
            except DivergedError as error:
                # Such settings do not train; others may.
                raise keras_tuner.errors.FailedTrialError(str(error)) from error
            except FerError as error:
                raise keras_tuner.errors.FatalRuntimeError(str(error)) from error
            shutil.rmtree(work)
            return figures

    oracle = _oracle(recipe, hyperparameters, trials, halving=halving)
    # KerasTuner talks on standard output, which belongs to results.
    with contextlib.redirect_stdout(sys.stderr):
        tuner = Tuner(oracle, directory=str(folder.parent), project_name=folder.name)
        try:
            tuner.search(verbose=0)
        except keras_tuner.errors.FatalRuntimeError as error:
            raise (error.__cause__ or error) from None
        except RuntimeError as error:
            # KerasTuner's own, after three failed trials in a row. It ends with the last one's traceback.
            reason = str(error).strip().rpartition("Error: ")[2].rstrip(".")
            raise TrainingError(
                f"The search stopped after several failed trials in a row. The last one: {reason}. Narrow "
                f"the space (SEARCH in training/recipes/{recipe.name}.py), and start over with --overwrite."
            ) from error
    return read_trials(recipe)


def _oracle(recipe: BaseRecipe, hyperparameters: Any, trials: int, *, halving: bool) -> Any:
    """Return what proposes settings to KerasTuner's search."""
    import keras_tuner

    direction = "max" if recipe.figure.greater_is_better else "min"
    options = {
        "objective": keras_tuner.Objective(_objective(recipe), direction),
        "hyperparameters": hyperparameters,
        "allow_new_entries": False,
        "tune_new_entries": False,
        "seed": recipe.seed,
    }
    if not halving:
        return keras_tuner.oracles.BayesianOptimizationOracle(max_trials=trials, **options)
    # Without an end of its own: the number of trials ends it.
    oracle = keras_tuner.oracles.HyperbandOracle(
        max_epochs=recipe.epochs, factor=_HALVING_FACTOR, hyperband_iterations=0, **options
    )
    oracle.max_trials = trials
    return oracle


def _check_budget(recipe: BaseRecipe, space: SearchSpace, folder: Path, *, halving: bool) -> None:
    """Raise TrainingError unless earlier trials had the same budget, since all are ranked together."""
    before = plans.read_plan(SEARCH_PREFIX + recipe.name)
    # More trials, or fewer, are no other search.
    now = plan_of(recipe, space, trials=before.planned, halving=halving)
    if (now.command, now.values) != (before.command, before.values):
        raise TrainingError(
            f"The search in {folder} was begun with other options: `{before.command}`, varying "
            f"{', '.join(before.values)}. Repeat them with --resume, or start over with --overwrite."
        )


def _check_ranges(hyperparameters: Any, folder: Path) -> None:
    """Raise TrainingError if the space has other values now: KerasTuner would go on with the old ones."""
    oracle = folder / "oracle.json"
    # Without it no trial was begun.
    if not oracle.is_file():
        return
    before = json.loads(oracle.read_text(encoding="utf-8"))["hyperparameters"]["space"]
    # Through JSON, which has no tuples.
    if json.loads(json.dumps(hyperparameters.get_config()["space"])) != before:
        raise TrainingError(
            f"The search in {folder} was begun with other values of its settings. Restore them to resume it, "
            "or start over with --overwrite."
        )


def read_trials(recipe: BaseRecipe) -> pd.DataFrame:
    """Return the trials of a recipe's search so far, best first."""
    table = pd.read_parquet(table_path(recipe.name))
    ascending = not recipe.figure.greater_is_better
    return table.sort_values(_objective(recipe), ascending=ascending, ignore_index=True)


def _objective(recipe: BaseRecipe) -> str:
    return f"val_{recipe.figure.name}"


def _run(
    recipe: BaseRecipe, proposed: Mapping[str, Any], trial: str, folder: Path
) -> dict[str, float]:
    """Run or resume a trial, add its row to the table, and return the figures of its best epoch."""
    values = {name: v for name, v in proposed.items() if not name.startswith(_TUNERS_OWN)}
    epochs = int(proposed.get(f"{_TUNERS_OWN}epochs", recipe.epochs))
    if epochs < recipe.epochs:
        recipe = shortened(recipe, epochs=epochs, rows=recipe.data.rows, seed=recipe.seed)
    chosen = recipe.with_overrides([f"{name}={value}" for name, value in values.items()])
    # Averages of the weights reach back over as many images, whatever the batch.
    momentum = recipe.ema_momentum ** (chosen.batch_size / recipe.batch_size)
    chosen = chosen.with_overrides([f"ema_momentum={momentum}"])
    log.info("trial %s: %s", trial, ", ".join(f"{name} {value}" for name, value in values.items()))
    result = fit(chosen, folder, resume=can_be_resumed(chosen, folder / CHECKPOINT_FOLDER))
    figure = result.history[_objective(recipe)]
    best = result.history.iloc[
        figure.argmax() if recipe.figure.greater_is_better else figure.argmin()
    ]
    row = {
        "trial": trial,
        **values,
        _objective(recipe): best[_objective(recipe)],
        "val_loss": best["val_loss"],
        "epochs": len(result.history),
        "n_train": result.n_train,
        "parameters": result.network.count_params(),
        "seconds": result.history["seconds"].sum(),
        "seed": chosen.seed,
        "code_commit": code_commit(),
        "hardware": hardware(),
    }
    replace_rows(table_path(recipe.name), pd.DataFrame([row]), ["trial"])
    return {_objective(recipe): float(best[_objective(recipe)])}
