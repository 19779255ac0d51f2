"""A bundle's folder: its files are written beside the run's state, then moved when all are complete."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from fer_core.files import replace_text
from fer_core.networks.bundles import (
    CARD_FILE,
    HISTORY_FILE,
    KERAS_FILE,
    LAYERS_FILE,
    PREDICTIONS_FOLDER,
    SERVING_FILE,
    SPEC_FILE,
)
from fer_core.networks.kinds import open_any_bundle
from training.bundle.export import require_tensorflow
from training.loop.run_folder import CHECKPOINT_FOLDER, READY_FOLDER
from training.schema.recipe import BaseRecipe


@contextlib.contextmanager
def staged(out: Path) -> Iterator[Path]:
    """Give a temporary folder for a bundle's files, then move them to `out` and remove the run's state.

    Predictions of the weights that stood there before say nothing about the new ones, and go as well.

    Raises:
        TrainingError: the backend is not TensorFlow.
    """
    require_tensorflow()
    checkpoint = out / CHECKPOINT_FOLDER
    staging, ready = checkpoint / "bundle", checkpoint / READY_FOLDER
    for folder in (staging, ready):
        shutil.rmtree(folder, ignore_errors=True)
    staging.mkdir(parents=True)
    yield staging
    staging.rename(ready)
    _move_to_place(out)


def _move_to_place(out: Path) -> None:
    """Move what is left of a complete bundle's files to `out`, and remove the run's state."""
    checkpoint = out / CHECKPOINT_FOLDER
    shutil.rmtree(out / PREDICTIONS_FOLDER, ignore_errors=True)
    # The spec comes last: while it is there, the others may not all be in place.
    for name in (KERAS_FILE, SERVING_FILE, LAYERS_FILE, HISTORY_FILE, CARD_FILE, SPEC_FILE):
        if (file := checkpoint / READY_FOLDER / name).is_file():
            file.replace(out / name)
    shutil.rmtree(checkpoint)


def finish_moves(recipe: BaseRecipe, out: Path) -> bool:
    """Finish a recipe's bundle if a kill came while its files were moved to `out`; return whether it did.

    The run could not be resumed: where the bundle replaces one of its own parents, that one is damaged.
    """
    ready = out / CHECKPOINT_FOLDER / READY_FOLDER
    if not (ready / SPEC_FILE).is_file():
        return False
    if open_any_bundle(ready).spec.recipe != recipe.model_dump(mode="json"):
        return False
    _move_to_place(out)
    return True


def write_spec(spec: BaseModel, folder: Path) -> None:
    """Write `spec.json` atomically; equal specs give equal bytes."""
    replace_text(folder / SPEC_FILE, spec_text(spec))


def spec_text(spec: BaseModel) -> str:
    """Return the content of `spec.json`."""
    return spec.model_dump_json(indent=2) + "\n"
