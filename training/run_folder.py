"""The folder that keeps an unfinished run: its settings, its state, its best weights, its history."""

import importlib
import json
from pathlib import Path
from typing import Final

from fer_core.bundles import HISTORY_FILE
from training.errors import TrainingError
from training.recipe import Recipe

#: Folder inside the bundle's that holds a run's state until the bundle is finished.
CHECKPOINT_FOLDER: Final = "checkpoint"
STATE_FILE: Final = "state.weights.h5"
BEST_FILE: Final = "best.weights.h5"
RECIPE_FILE: Final = "recipe.json"
BACKEND_FILE: Final = "backend.txt"


def open_run(recipe: Recipe, folder: Path, *, resume: bool) -> None:
    """Create the run's folder, or check that the run in it can be resumed."""
    recorded = folder / RECIPE_FILE
    wanted = recipe.model_dump(mode="json")
    if resume:
        if not (folder / STATE_FILE).is_file():
            raise TrainingError(
                f"There is no unfinished run in {folder}; start one without --resume."
            )
        if json.loads(recorded.read_text()) != wanted:
            raise TrainingError(
                f"The run in {folder} was started with other settings (see {RECIPE_FILE} there). "
                "Repeat its --set, --epochs and --seed, or remove the folder to start over."
            )
        return
    if (folder / STATE_FILE).is_file():
        raise TrainingError(
            f"An unfinished run is in {folder}. Go on with --resume, or remove the folder to start over."
        )
    folder.mkdir(parents=True, exist_ok=True)
    # A run that was killed before its first state may have left its first row.
    (folder / HISTORY_FILE).unlink(missing_ok=True)
    recorded.write_text(json.dumps(wanted, indent=2) + "\n")
    (folder / BACKEND_FILE).write_text(_backend() + "\n")


def _backend() -> str:
    """Return the backend and Keras with their versions."""
    import keras

    name = keras.backend.backend()
    version = importlib.import_module(name).__version__
    return f"{name} {version}, keras {keras.__version__}"


def recorded_backend(folder: Path) -> str:
    """Return the backend that a run was started on; another one may finish it."""
    file = folder / BACKEND_FILE
    return file.read_text().strip() if file.is_file() else _backend()
