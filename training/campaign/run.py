"""Run a campaign: skip finished runs, resume killed ones, and store results at once."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_core.evaluation import metrics
from fer_core.networks.bundles import SPEC_FILE
from fer_core.settings import cache_root
from training.alone import alone
from training.bundle.make import code_commit, make_bundle
from training.campaign.pace import EndsInTime, OutOfTimeError
from training.campaign.plan import Campaign, PlannedRun, splits_to_predict
from training.campaign.predict import mirrored_mean
from training.campaign.profile import Profile
from training.campaign.selection import choose_ensemble
from training.devices import hardware, has_bfloat16
from training.errors import TrainingError
from training.loop.fit import fit
from training.loop.result import FitResult
from training.loop.run_folder import CHECKPOINT_FOLDER, can_be_resumed, recorded_recipe
from training.schema.recipe import Recipe
from training.sources import Samples, parts_of
from training.sources.ancestors import Ancestors
from training.sources.divisions import divisions_of
from training.sources.landmark_cache import with_landmarks
from training.teachers.ensemble import Ensemble, read_ensemble, write_ensemble
from training.teachers.logits import (
    PredictedSplit,
    TeacherLogits,
    TeacherRecord,
    logits_path,
    read_logits,
    write_logits,
)

log = logging.getLogger(__name__)

#: Takes the name of a run that has just left its logits or its weights.
Finished = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Clock:
    """The time limit of a campaign.

    Attributes:
        ends: in the time of `time.monotonic`; None without a limit.
    """

    ends: float | None

    @classmethod
    def of(cls, minutes: float | None) -> "Clock":
        """Return the clock of a campaign that begins now."""
        return cls(None if minutes is None else time.monotonic() + 60 * minutes)

    @property
    def seconds_left(self) -> float:
        """Seconds until the end; infinite without a limit."""
        return float("inf") if self.ends is None else self.ends - time.monotonic()


def campaign_cache(campaign: Campaign) -> Path:
    """Return the folder of a campaign's runs."""
    return cache_root() / "campaigns" / campaign.name


def state_folder(campaign: Campaign, run: PlannedRun) -> Path:
    """Return the folder of a teacher's unfinished run and, later, of its weights."""
    return campaign_cache(campaign) / run.name


def student_folder(campaign: Campaign, run: PlannedRun) -> Path:
    """Return the folder of a student's bundle; each ensemble has its own.

    Raises:
        DataError: there is no ensemble to learn from.
    """
    taught_by = read_ensemble(campaign.name).sha256[:12]
    return campaign_cache(campaign) / f"students-{taught_by}" / run.name


def run_campaign(
    campaign: Campaign,
    *,
    profile: Profile = Profile.CPU,
    minutes: float | None = None,
    only: str | None = None,
    finished: Finished | None = None,
) -> Ensemble | None:
    """Train the teachers without stored predictions, choose the ensemble, and train the students.

    Args:
        campaign: the plan.
        profile: which of its runs.
        minutes: what would not end within them is not started, or stopped (`EndsInTime`).
        only: name of the one teacher to train; no student is then.
        finished: called when a run has left what is to be kept.

    Returns:
        The ensemble; None where no teacher has finished.

    Raises:
        UnknownNameError: no teacher is called `only`.
        TrainingError: a teacher's logits were made with other settings than the plan has.
        DataError: data or logits are missing or damaged.
    """
    clock = Clock.of(minutes)
    teachers, students = campaign.of_profile(profile)
    if only is not None:
        teachers, students = (campaign.teacher(only),), ()
    splits = splits_to_predict(campaign)
    waits_for = []
    for run in teachers:
        if not _teacher_is_done(campaign, run, splits, clock):
            waits_for.append(run.name)
        elif finished is not None:
            finished(run.name)
    ensemble = _choose(campaign, splits)
    if finished is not None and ensemble is not None:
        finished("ensemble")
    if students and waits_for and minutes is None:
        log.info("students wait for %s", ", ".join(waits_for))
        return ensemble
    for run in students if ensemble is not None else ():
        if _student_is_done(campaign, run, clock) and finished is not None:
            finished(run.name)
    return ensemble


def stored_logits(campaign: Campaign, run: PlannedRun) -> TeacherLogits | None:
    """Return a teacher's stored predictions; None if it has not finished.

    Raises:
        TrainingError: they were made with other settings than the plan has.
        DataError: they are damaged.
    """
    path = logits_path(campaign.name, run.name)
    if not path.is_file():
        return None
    teacher = read_logits(campaign.name, run.name)
    if teacher.record.settings_sha256 != run.settings_sha256:
        raise TrainingError(
            f"{path} was made with other settings than the plan training/recipes/campaigns/"
            f"{campaign.name}.py has for {run.name}. Put the settings back, give the new ones another name, "
            "or remove the file to train it again."
        )
    return teacher


def _teacher_is_done(
    campaign: Campaign, run: PlannedRun, splits: dict[str, Samples], clock: Clock
) -> bool:
    """Train one teacher unless it is finished, and return whether its predictions are stored."""
    if stored_logits(campaign, run) is not None:
        return True
    _check_data(campaign, run.settings)
    folder = state_folder(campaign, run)
    with alone(folder) as is_alone:
        # Another process may have finished it in the meantime.
        if not is_alone or stored_logits(campaign, run) is not None:
            return is_alone
        recipe = _recipe_in(folder, run)
        result = _fit(recipe, folder, run, clock)
        if result is None:
            return False
        path = write_logits(*_predicted(campaign, run, recipe, result, splits))
        log.info("%s: %s, %.2f MB", run.name, path, path.stat().st_size / 1e6)
    return True


def _check_data(campaign: Campaign, recipe: Recipe) -> None:
    first, *_ = parts_of(campaign.data)
    if parts_of(recipe.data.source)[0] != first or recipe.data.label_space is not None:
        raise TrainingError(
            f"{recipe.name} learns {recipe.data.source}, and the campaign {campaign.name} wants predictions "
            f"for all classes of {campaign.data}."
        )


def _fit(recipe: Recipe, folder: Path, run: PlannedRun, clock: Clock) -> FitResult | None:
    """Train or resume a run; return None if it would not end in time."""
    if clock.seconds_left <= 0:
        log.info("%s is left out: no time is left", run.name)
        return None
    resume = can_be_resumed(recipe, folder / CHECKPOINT_FOLDER)
    try:
        return fit(
            recipe,
            folder,
            resume=resume,
            callbacks=[EndsInTime(recipe, lambda: clock.seconds_left)],
        )
    except OutOfTimeError as error:
        log.info("%s is left out: %s", run.name, error)
        return None


def _recipe_in(folder: Path, run: PlannedRun) -> Recipe:
    """Return the recipe of a run in the precision that its folder records, or else in this machine's.

    A run keeps the precision that it started in, so that records say how its weights were trained, also
    where it was trained on another machine.
    """
    recipe, checkpoint = run.settings, folder / CHECKPOINT_FOLDER
    if not can_be_resumed(recipe, checkpoint):
        return for_this_machine(recipe)
    started = recorded_recipe(recipe, checkpoint)
    return recipe.model_copy(update={"dtype_policy": started.dtype_policy})


def for_this_machine(recipe: Recipe) -> Recipe:
    """Return a recipe in a precision that this machine supports at full speed."""
    if has_bfloat16():
        return recipe
    return recipe.model_copy(update={"dtype_policy": "float32"})


def _predicted(
    campaign: Campaign,
    run: PlannedRun,
    recipe: Recipe,
    result: FitResult,
    splits: dict[str, Samples],
) -> tuple[TeacherRecord, dict[str, np.ndarray]]:
    """Return a teacher's predictions with their record."""
    if recipe.architecture.sees_landmarks:
        splits = {data: with_landmarks(samples) for data, samples in splits.items()}
    logits = {
        data: mirrored_mean(result.network, recipe, samples) for data, samples in splits.items()
    }
    _, *references = splits
    seconds = float(result.history["seconds"].sum())
    record = TeacherRecord(
        campaign=campaign.name,
        teacher=run.name,
        recipe=recipe.model_dump(mode="json"),
        settings_sha256=run.settings_sha256,
        seed=recipe.seed,
        epochs=len(result.history),
        inputs=recipe.architecture.inputs,
        labels=splits[references[0]].label_space.labels,
        splits=tuple(PredictedSplit.of(data, samples) for data, samples in splits.items()),
        sources=_sources(recipe, result.ancestors),
        divisions=divisions_of(recipe.data.source, result.ancestors),
        code_commit=code_commit(),
        backend=result.backend,
        hardware=hardware(),
        seconds=seconds,
        images_per_second=len(result.history) * result.n_train / seconds,
        accuracy={
            data: metrics.accuracy(rows.labels[rows.clean], logits[data][rows.clean])
            for data, rows in splits.items()
            if data in references
        },
    )
    return record, logits


def _sources(recipe: Recipe, ancestors: Ancestors) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*parts_of(recipe.data.source), *ancestors.sources)))


def _choose(campaign: Campaign, splits: dict[str, Samples]) -> Ensemble | None:
    """Choose and write the ensemble from the stored predictions of runs for any machine.

    Returns:
        None if there are none.
    """
    found = (stored_logits(campaign, run) for run in campaign.teachers)
    if not (teachers := [given for given in found if given is not None]):
        log.info("%s: no teacher has finished, so there is no ensemble", campaign.name)
        return None
    data, *references = splits
    ensemble = choose_ensemble(
        campaign.name,
        teachers,
        data,
        {name: splits[name] for name in references},
        whole=campaign.whole,
    )
    write_ensemble(ensemble)
    return ensemble


def _student_is_done(campaign: Campaign, run: PlannedRun, clock: Clock) -> bool:
    """Train one student unless it is finished, and return whether its weights are stored."""
    import keras

    folder = student_folder(campaign, run)
    if (folder / SPEC_FILE).is_file():
        return True
    with alone(folder) as is_alone:
        # Another process may have finished it in the meantime.
        if not is_alone or (folder / SPEC_FILE).is_file():
            return is_alone
        recipe = _recipe_in(folder, run)
        result = _fit(recipe, folder, run, clock)
        if result is None:
            return False
        if keras.backend.backend() == "tensorflow":
            make_bundle(result, recipe, folder)
        log.info("%s: %s", run.name, folder)
    return True
