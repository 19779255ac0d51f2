"""`python -m training fit`: train a recipe, make its bundle, measure it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from fer_core.settings import models_root
from fer_core.studies.runs import replace_rows, runs_path
from training import sources
from training.commands.arguments import measure_and_print
from training.sources import MissingDataError, Split


def fit(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="Name of a recipe in training/recipes.")
    ],
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume a run that was stopped.")
    ] = False,
    change_settings: Annotated[
        bool,
        typer.Option(
            "--change-settings",
            help="With --resume: continue with changed settings; spec and card will record the change.",
        ),
    ] = False,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Number of epochs, instead of the recipe's.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Random seed, instead of the recipe's.")
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Batch size, instead of the recipe's; learning rate and weight averaging are scaled with "
            "it. --set batch_size=N changes only the batch size.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the bundle. Default: RECIPE under FER_MODELS.")
    ] = None,
    bundle: Annotated[
        bool,
        typer.Option(
            help="With --no-bundle: only train. Make the bundle later with --resume, also on another machine."
        ),
    ] = True,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write TensorBoard logs to OUT/tensorboard.")
    ] = False,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change a setting of the recipe; may be repeated."
        ),
    ] = None,
) -> None:
    """Train a recipe, make its bundle, and measure it on the validation and test splits.

    Adds a row with settings and results to studies/runs.parquet beside the bundle's folder.

    The state is saved in the bundle's folder after every epoch. To resume a run that was stopped, repeat the
    command with --resume. Prints one line of JSON per measured split.

    \b
    Examples:
      python -m training fit cnn
      python -m training fit cnn --resume
      python -m training fit stacked_cnn --set data.source=ferplus --out models/plus
      python -m training fit stacked_cnn --set data.source=fer2013+expw --out models/wild
      python -m training fit cnn --set data.source=folder:~/faces --set vote_smoothing=0 --out /tmp/own
      python -m training fit cnn --out models/wide --set architecture.widths=[48,96,192,384]
      python -m training fit cnn --out /tmp/try --epochs 2 --set optimizer.peak_learning_rate=0.05
      KERAS_BACKEND=jax python -m training fit cnn --batch-size 1024
    """
    from training.alone import alone
    from training.errors import TrainingError
    from training.experiments.run import row_of, train
    from training.schema.recipe import get_recipe

    overrides = list(assignments or [])
    overrides += [f"epochs={epochs}"] if epochs is not None else []
    overrides += [f"seed={seed}"] if seed is not None else []
    chosen = get_recipe(recipe).with_overrides(overrides)
    if batch_size is not None:
        chosen = chosen.with_batch_size(batch_size)
    folder = out or models_root() / chosen.name
    with _stop_explained(folder), alone(folder, is_told=False) as is_free:
        if not is_free:
            raise TrainingError(
                f"Another process trains in {folder}. Wait for it, or name another folder with --out."
            )
        train(
            chosen,
            folder,
            resume=resume,
            change_settings=change_settings,
            tensorboard=tensorboard,
            bundle=bundle,
        )
    if not bundle:
        typer.echo(
            f"Training is done. To make the bundle in {folder}, repeat the command with --resume.",
            err=True,
        )
        return
    reports = []
    for split in sources.splits_of(chosen.data.source):
        if split is Split.TRAIN:
            continue
        try:
            reports.append(measure_and_print(folder, f"{chosen.data.source}:{split}"))
        except MissingDataError as error:
            typer.echo(f"Not measured on the {split} split. {error}", err=True)
    # The same run may be measured again, after a kill or by another --resume; another one took other seconds.
    row = pd.DataFrame([row_of(folder, reports)])
    same_run = ["bundle", "settings_sha256", "seed", "seconds"]
    replace_rows(runs_path(folder.resolve().parent), row, same_run)


@contextlib.contextmanager
def _stop_explained(folder: Path) -> Iterator[None]:
    """Report after Ctrl-C what is kept of a run."""
    from training.loop.run_folder import CHECKPOINT_FOLDER, STATE_FILE

    try:
        yield
    except KeyboardInterrupt:
        if (folder / CHECKPOINT_FOLDER / STATE_FILE).is_file():
            message = (
                "The last complete epoch is kept; to continue, repeat the command with --resume."
            )
        else:
            message = "No epoch was finished, so nothing is kept."
        typer.echo(f"\n{message}", err=True)
        raise
