"""The folder of an unfinished run: settings, ancestors, state and history."""

import importlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import pandas as pd
from pydantic import BaseModel, TypeAdapter

from fer_core.files import replace_text
from fer_core.networks.bundles import HISTORY_FILE
from training.errors import TrainingError
from training.loop.history import History
from training.schema.recipe import BaseRecipe, Recipe, differences
from training.sources.ancestors import Ancestors
from training.tasks.parents import Parents, parents_of

#: Folder inside the bundle's that holds a run's state until the bundle is finished.
CHECKPOINT_FOLDER: Final = "checkpoint"
#: Folder beside it with logs for TensorBoard, where they were asked for. It stays.
TENSORBOARD_FOLDER: Final = "tensorboard"
STATE_FILE: Final = "state.weights.h5"
BEST_FILE: Final = "best.weights.h5"
RECIPE_FILE: Final = "recipe.json"
BACKEND_FILE: Final = "backend.txt"
CHANGES_FILE: Final = "changes.json"
ANCESTORS_FILE: Final = "ancestors.json"
DATA_FILE: Final = "data_sha256.txt"
#: Holds the files of a complete bundle until all have been moved to their place.
READY_FOLDER: Final = "ready"
#: Settings that a run keeps to its end: its weights fit no other network, and its steps no other rows.
_KEPT: Final = (
    *("architecture.", "data.", "balance.", "batch_size", "starts_from"),
    # Its state would not be read, and the run would begin anew.
    "optimizer.kind",
)
#: Of these, what a network may have more or less of from one epoch to the next.
_LOOSE: Final = "dropout"

R = TypeVar("R", bound=BaseRecipe)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that starts or resumes.

    Attributes:
        parents: what its recipe names, as it is now.
        ancestors: what it took something from, as it was then.
    """

    parents: Parents
    ancestors: Ancestors


def open_run(
    recipe: BaseRecipe, folder: Path, *, resume: bool, change_settings: bool = False
) -> OpenRun:
    """Create the run's folder, or check that the run in it can be resumed.

    A run that goes on with other settings keeps a note of what was changed after which epoch, for the
    bundle's spec and card.

    Raises:
        TrainingError: an unfinished run stands in the way, there is none to resume, or it was started
            with other settings or taught by another teacher and may not change them, or not these.
        BundleError: a bundle that it takes something from is not there or damaged.
        DataError: so is the ensemble that teaches it.
    """
    if resume:
        return _go_on(recipe, folder, change_settings=change_settings)
    if can_be_resumed(recipe, folder):
        raise TrainingError(
            f"An unfinished run is in {folder}. Continue with --resume, or remove the folder to start over."
        )
    folder.mkdir(parents=True, exist_ok=True)
    # A run that was killed before its first state may have left its first row.
    (folder / HISTORY_FILE).unlink(missing_ok=True)
    (folder / CHANGES_FILE).unlink(missing_ok=True)
    # An export that was killed may have left its files; this run's --resume would take them for its own.
    shutil.rmtree(folder / READY_FOLDER, ignore_errors=True)
    _record_recipe(recipe, folder)
    replace_text(folder / BACKEND_FILE, _backend() + "\n")
    parents = parents_of(recipe)
    run = OpenRun(parents, parents.ancestors)
    _record_ancestors(run.ancestors, folder)
    return run


def _go_on(recipe: BaseRecipe, folder: Path, *, change_settings: bool) -> OpenRun:
    if not can_be_resumed(recipe, folder):
        raise TrainingError(f"There is no unfinished run in {folder}; start one without --resume.")
    before = recorded_recipe(recipe, folder)
    changed = differences(*(r.model_dump(mode="json") for r in (before, recipe)))
    parents = parents_of(recipe)
    begun = recorded_ancestors(folder) or parents_of(before).ancestors
    # The initial weights are in its state by now; the teacher's predictions are computed again.
    ancestors = begun.model_copy(update={"teacher": parents.ancestors.teacher})
    if begun.teacher != ancestors.teacher:
        changed["teacher"] = None if begun.teacher is None else str(begun.teacher)
    if changed:
        if not change_settings:
            raise _other_run(folder, begun, same_settings=before == recipe)
        _record_change(changed, folder, kept=_KEPT + (("seed",) if _draws_rows(before) else ()))
        _record_recipe(recipe, folder)
        _record_ancestors(ancestors, folder)
    return OpenRun(parents, ancestors)


def _other_run(folder: Path, begun: Ancestors, *, same_settings: bool) -> TrainingError:
    """Return the error for resuming a run with different settings."""
    return TrainingError(
        f"The run in {folder} learnt from {begun.teacher}, and another bundle has that name now. "
        "Put the former back, add --change-settings to learn from the new one from here, or remove "
        "the folder to start over."
        if same_settings
        else f"The run in {folder} was started with other settings (see {RECIPE_FILE} there). Repeat its "
        "--set, --epochs and --seed, add --change-settings to go on with these from here, or remove "
        "the folder to start over."
    )


def _draws_rows(recipe: BaseRecipe) -> bool:
    """Return whether the recipe's seed decides which rows are trained on."""
    return recipe.data.rows is not None or (isinstance(recipe, Recipe) and recipe.balance.adds_rows)


def _record_change(changed: dict[str, Any], folder: Path, *, kept: tuple[str, ...]) -> None:
    """Record the settings of the epochs so far; raise TrainingError if a setting cannot change."""
    refused = [key for key in changed if key.startswith(kept) and not key.endswith(_LOOSE)]
    if refused:
        raise TrainingError(
            f"The run in {folder} cannot go on with another {' and '.join(refused)}: its weights and steps "
            "are those of one network and one set of rows. Repeat these settings (see "
            f"{RECIPE_FILE} there), or start another run with --out."
        )
    epochs = len(pd.read_csv(folder / HISTORY_FILE))
    changes = [*recorded_changes(folder), Change(epochs=epochs, before=changed)]
    replace_text(folder / CHANGES_FILE, _CHANGES.dump_json(changes, indent=2).decode() + "\n")


def can_be_resumed(recipe: BaseRecipe, folder: Path) -> bool:
    """Return whether a folder has an unfinished run, or one whose bundle is still to be made.

    The latter may have left its optimiser's state where it was trained.
    """
    if (folder / STATE_FILE).is_file():
        return True
    if not (folder / BEST_FILE).is_file() or not (folder / HISTORY_FILE).is_file():
        return False
    history = History(folder / HISTORY_FILE, recipe.figure)
    return history.is_over(recipe.epochs, recipe.patience)


class Change(BaseModel):
    """Settings of a run's first epochs that were changed later.

    Attributes:
        epochs: how many they were.
        before: the settings that they had, by their names with dots.
    """

    epochs: int
    before: dict[str, Any]


_CHANGES: Final = TypeAdapter(list[Change])


def recorded_changes(folder: Path) -> list[Change]:
    """Return the changes of settings in the run, in order."""
    file = folder / CHANGES_FILE
    return _read(file, _CHANGES.validate_json) if file.is_file() else []


def _record_recipe(recipe: BaseRecipe, folder: Path) -> None:
    text = json.dumps(recipe.model_dump(mode="json"), indent=2) + "\n"
    replace_text(folder / RECIPE_FILE, text)


def recorded_recipe(recipe: R, folder: Path) -> R:
    """Return the recorded recipe of a run, of the class of the given one."""
    # Through the class, so that a setting that came later counts with its default.
    return _read(folder / RECIPE_FILE, type(recipe).model_validate_json)


def _record_ancestors(ancestors: Ancestors, folder: Path) -> None:
    replace_text(folder / ANCESTORS_FILE, ancestors.model_dump_json(indent=2) + "\n")


def recorded_ancestors(folder: Path) -> Ancestors | None:
    """Return the recorded ancestors of a run; None without a record."""
    file = folder / ANCESTORS_FILE
    return _read(file, Ancestors.model_validate_json) if file.is_file() else None


def _read(path: Path, parse: Callable[[str], T]) -> T:
    try:
        return parse(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TrainingError(
            f"{path} is damaged. Restore it, or remove the folder of the run to start over."
        ) from error


def check_data(sha256: str, folder: Path, *, resume: bool) -> None:
    """Record the digest of a new run's training rows, or check that a resumed run still has these rows.

    A run that was started before digests were recorded is accepted.

    Raises:
        TrainingError: the rows are others.
    """
    file = folder / DATA_FILE
    if not resume:
        replace_text(file, sha256 + "\n")
    elif file.is_file() and (begun := file.read_text().strip()) != sha256:
        raise TrainingError(
            f"The run in {folder} was started on other training rows (sha256 {begun[:12]}, now "
            f"{sha256[:12]}). Put the data back as it was, or remove the folder to start over."
        )


def _backend() -> str:
    """Return the backend and Keras with their versions."""
    import keras

    name = keras.backend.backend()
    version = importlib.import_module(name).__version__
    return f"{name} {version}, keras {keras.__version__}"


def recorded_backend(folder: Path) -> str:
    """Return the backend that started a run; another one may finish it."""
    file = folder / BACKEND_FILE
    return file.read_text().strip() if file.is_file() else _backend()
