"""Studies: planned sets of runs that differ in a few settings, and their table."""

import importlib
import logging
import pkgutil
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from pydantic import model_validator

from fer_core.data_names import split_of
from fer_core.errors import UnknownNameError
from fer_core.evaluation.predictions import predictions_of, read_predictions
from fer_core.networks.bundles import HISTORY_FILE
from fer_core.studies import plans
from fer_core.studies.plans import Reference, StudyPlan
from fer_core.studies.runs import read_rows, replace_rows, runs_path, studies_root
from training.alone import alone
from training.experiments.run import is_finished, measure, row_of, train
from training.experiments.run_tables import take_over, with_settings, write_run
from training.loop.run_folder import CHECKPOINT_FOLDER, can_be_resumed
from training.schema.recipe import BaseRecipe, get_recipe
from training.schema.recorded import Settings, settings_sha256
from training.sources import Split

log = logging.getLogger(__name__)

#: Folder, beside the tables, of the bundles of a study's runs.
RUNNING_FOLDER: Final = "running"
#: What a study is measured on unless it says otherwise.
ALL_SPLITS: Final = ("fer2013:train", "fer2013:valid", "fer2013:test")


class Variant(Settings):
    """One point of a study.

    Attributes:
        name: unique in the study.
        values: what it is in the study's terms, for instance {"conv stages": 3}.
        recipe: name of its recipe, the study's if None.
        overrides: its settings, "key=value" as for `fit --set`, after those of the study.
    """

    name: str
    values: dict[str, str | int | float]
    recipe: str | None = None
    overrides: tuple[str, ...] = ()


class Study(Settings):
    """A question, and the runs that answer it.

    Attributes:
        name: of the study and its module in `training.recipes.studies`.
        title: a few words.
        question: what it asks, for people.
        recipe: name of the recipe that its variants are made of.
        overrides: settings that all variants share.
        variants: in the order of the table.
        seeds: each variant is run with each.
        measured_on: "SOURCE:SPLIT" of what every run is measured on.
        references: published figures to show beside.
    """

    name: str
    title: str
    question: str
    recipe: str
    overrides: tuple[str, ...] = ()
    variants: tuple[Variant, ...]
    seeds: tuple[int, ...] = (0,)
    measured_on: tuple[str, ...] = ALL_SPLITS
    references: tuple[Reference, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> "Study":
        names = [variant.name for variant in self.variants]
        if len(set(names)) < len(names):
            raise ValueError("two variants have the same name")
        return self

    @property
    def table_path(self) -> Path:
        """Path of the table with one row per run."""
        return plans.table_path(self.name)

    @property
    def plan(self) -> StudyPlan:
        """The plan that is written beside the table, for showing the study without training code."""
        return StudyPlan(
            name=self.name,
            title=self.title,
            question=self.question,
            command=f"python -m training study {self.name}",
            values=tuple(dict.fromkeys(key for variant in self.variants for key in variant.values)),
            seeds=self.seeds,
            planned=len(self.variants) * len(self.seeds),
            measured_on=self.measured_on,
            variants=tuple(variant.name for variant in self.variants),
            references=self.references,
        )

    def recipe_of(self, variant: Variant, seed: int) -> BaseRecipe:
        """Return the recipe of one run; raise UnknownNameError for a setting that does not exist."""
        overrides = [*self.overrides, *variant.overrides, f"seed={seed}"]
        return get_recipe(variant.recipe or self.recipe).with_overrides(overrides)


def study_names() -> list[str]:
    """Return the names of all studies, each a module of `training.recipes.studies`."""
    import training.recipes.studies

    return sorted(module.name for module in pkgutil.iter_modules(training.recipes.studies.__path__))


def get_study(name: str) -> Study:
    """Return the study called `name`; raise UnknownNameError with the known ones."""
    if name not in study_names():
        raise UnknownNameError(
            f"No study is called {name!r}. There are: {', '.join(study_names())}."
        )
    study: Study = importlib.import_module(f"training.recipes.studies.{name}").STUDY
    return study


def run_study(study: Study) -> pd.DataFrame:
    """Do the missing runs of a study, and return its table. The plan is written first.

    A run that was killed resumes from its last complete epoch. A row whose settings are no longer those of
    the study is replaced. A run that another study has is taken from there, and one that another process
    trains is left to it. Of the bundles, only what they say of clean validation faces is kept.

    Raises:
        FerError: what training, exporting and measuring raise; rows so far stay in the table.
    """
    plans.write_plan(study.plan)
    for variant, seed in _planned(study):
        recipe = study.recipe_of(variant, seed)
        planned = {"variant": variant.name, **variant.values}
        wanted = settings_sha256(recipe.model_dump(mode="json"))
        folder = studies_root() / RUNNING_FOLDER / study.name / f"{variant.name}-{seed}"
        if _is_done(study, variant, seed, wanted):
            # Killed between the last row and this, a run leaves its folder.
            shutil.rmtree(folder, ignore_errors=True)
            continue
        if take_over(study.name, planned, wanted, study.measured_on):
            continue
        with alone(folder) as is_alone:
            # Another process may have finished it in the meantime.
            if is_alone and not _is_done(study, variant, seed, wanted):
                _run(study, planned, recipe, folder)
    return read_rows(study.table_path)


def _run(study: Study, planned: Mapping[str, Any], recipe: BaseRecipe, folder: Path) -> None:
    """Train and measure one run in a folder, and write its rows."""
    _train_unless_trained(recipe, folder)
    reports = [measure(folder, data) for data in study.measured_on]
    row = {"study": study.name, **row_of(folder, reports)}
    table = pd.DataFrame([row])
    # Before the row that says that the run is done.
    replace_rows(runs_path(), table, ["study", "settings_sha256", "seed"])
    write_run(
        study.name,
        planned,
        table,
        history=pd.read_csv(folder / HISTORY_FILE),
        answers=_predictions_of(folder),
    )
    log.info("%s: %s with seed %d is done", study.name, planned["variant"], recipe.seed)
    shutil.rmtree(folder)


def _planned(study: Study) -> Iterator[tuple[Variant, int]]:
    """Yield all runs, the first seed of every variant before the second of any."""
    for seed in study.seeds:
        for variant in study.variants:
            yield variant, seed


def _is_done(study: Study, variant: Variant, seed: int, wanted: str) -> bool:
    rows = read_rows(study.table_path)
    if not len(rows):
        return False
    same = rows[(rows["variant"] == variant.name) & (rows["seed"] == seed)]
    return len(with_settings(same, wanted, study.measured_on)) > 0


def _train_unless_trained(recipe: BaseRecipe, folder: Path) -> None:
    """Train in the folder, or resume a run with the same settings."""
    if is_finished(recipe, folder):
        return
    train(recipe, folder, resume=can_be_resumed(recipe, folder / CHECKPOINT_FOLDER))


def _predictions_of(bundle: Path) -> pd.DataFrame:
    """Return what a network says of clean validation faces, by which variants are told apart."""
    tables = []
    for data, path in predictions_of(bundle).items():
        if split_of(data) == Split.VALID:
            result = read_predictions(path)
            names = np.array(result.expressions)
            said = result.select(result.clean)
            columns = {"data": data, "row": said.rows, "label": names[said.labels]}
            answer = names[said.predicted]
            tables.append(pd.DataFrame({**columns, "answer": answer}))
    return pd.concat(tables, ignore_index=True)
