"""The cost and the results of a campaign as tables."""

import pandas as pd

from fer_core.data_names import data_name
from fer_core.networks.bundles import HISTORY_FILE, SPEC_FILE
from training import sources
from training.campaign.plan import Campaign, PlannedRun
from training.campaign.profile import Profile
from training.campaign.run import for_this_machine, state_folder, stored_logits, student_folder
from training.loop.run_folder import CHECKPOINT_FOLDER
from training.schema.recipe import Recipe
from training.sources import Split
from training.teachers.ensemble import Measured, ensemble_path, read_ensemble


def plan_table(campaign: Campaign, profile: Profile) -> pd.DataFrame:
    """Return one row per run: its network's multiply-adds, its cost on this machine, its state.

    The speed of each kind of network is measured for some seconds, on noise.

    Raises:
        DataError: the data is not there, or a teacher's logits are damaged.
        TrainingError: logits were made with other settings than the plan has.
    """
    from training.campaign.pace import measure_images_per_second, multiply_adds_of

    speeds: dict[str, float] = {}
    costs: dict[str, int] = {}
    rows_of: dict[str, int] = {}
    rows = []
    for role, runs in zip(("teacher", "student"), campaign.of_profile(profile), strict=True):
        for run in runs:
            recipe = for_this_machine(run.settings)
            kind = f"{recipe.architecture!r} {recipe.batch_size} {recipe.augment.crop_pixels}"
            if kind not in speeds:
                speeds[kind] = measure_images_per_second(recipe)
                costs[kind] = multiply_adds_of(recipe)
            data = f"{recipe.data.source} {recipe.data.added}"
            if data not in rows_of:
                rows_of[data] = _n_rows(recipe)
            done = _epochs_done(campaign, run, role)
            n_rows = min(rows_of[data], recipe.data.rows or rows_of[data])
            seconds = (recipe.epochs - done) * n_rows / speeds[kind]
            rows.append(
                {
                    "run": run.name,
                    "role": role,
                    "recipe": recipe.name,
                    "small": "yes" if run.small else "",
                    "million multiply-adds": round(costs[kind] / 1e6),
                    "epochs": recipe.epochs,
                    "done": done,
                    "images per second": round(speeds[kind]),
                    "minutes left": round(seconds / 60),
                }
            )
    return pd.DataFrame(rows)


def _n_rows(recipe: Recipe) -> int:
    return len(sources.load(recipe.data.source, Split.TRAIN, whole=recipe.data.whole))


def _epochs_done(campaign: Campaign, run: PlannedRun, role: str) -> int:
    """Return the number of finished epochs of a run; all of them once its results are stored."""
    if role == "teacher":
        if stored_logits(campaign, run) is not None:
            return run.settings.epochs
        folder = state_folder(campaign, run)
    else:
        if not ensemble_path(campaign.name).is_file():
            return 0
        folder = student_folder(campaign, run)
        if (folder / SPEC_FILE).is_file():
            return run.settings.epochs
    history = folder / CHECKPOINT_FOLDER / HISTORY_FILE
    return len(pd.read_csv(history)) if history.is_file() else 0


def ensemble_table(campaign: Campaign) -> pd.DataFrame:
    """Return the accuracy of the ensemble and of each teacher on clean validation rows, in percent.

    Then that of equal means of two teachers and more, each with the one that it adds; these have no weight.

    Raises:
        DataError: there is no ensemble, or it is damaged.
    """
    ensemble = read_ensemble(campaign.name)
    weights = {member.teacher: member.weight for member in ensemble.members}
    rows = [_row("ensemble", 1.0, measured) for measured in ensemble.measured]
    for teacher, figures in ensemble.teachers.items():
        rows += [_row(teacher, weights.get(teacher, 0.0), measured) for measured in figures]
    for n, step in enumerate(ensemble.curve[1:], start=2):
        rows += [_row(f"mean of {n}, with {step.teacher}", None, m) for m in step.measured]
    return pd.DataFrame(rows)


def _row(name: str, weight: float | None, measured: Measured) -> dict[str, object]:
    return {
        "member": name,
        "weight": weight if weight is None else round(weight, 3),
        "data (clean faces)": data_name(measured.data),
        "faces": f"{measured.n:,}",
        "accuracy": round(100 * measured.accuracy, 2),
        "95% interval": f"{100 * measured.accuracy_low:.2f} to {100 * measured.accuracy_high:.2f}",
        "log loss": round(measured.nll, 4),
    }
