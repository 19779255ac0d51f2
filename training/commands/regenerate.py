"""`python -m training regenerate`: make anew what follows from the weights of bundles."""

import json
from typing import Annotated

import typer

from fer_core.networks.bundles import bundle_folders
from training.commands.arguments import find_folder


def regenerate(
    bundles: Annotated[
        list[str] | None,
        typer.Argument(metavar="[BUNDLE]...", help="Folders or names; by default all there are."),
    ] = None,
    files: Annotated[
        bool,
        typer.Option(
            "--files",
            help="Write model.keras and model.tflite anew first, as fit does today: of bundles made before "
            "weights were rounded to half the bytes. Temperature and threshold are chosen again.",
        ),
    ] = False,
    stored: Annotated[
        bool,
        typer.Option(
            "--stored",
            help="Run no network and read no data set: take all measures of the stored predictions again, "
            "for instance after a measure was added. Rewrites metrics and cards.",
        ),
    ] = False,
) -> None:
    """Make anew all that follows from the weights of bundles; print one line of JSON for each measurement.

    Predictions, metrics and cards for every data set that is there, layers, predictions for corrupted faces,
    the tables of README and docs/results.md. For after `fit`. Corrupted faces take a quarter of an hour for a
    network that sees landmarks.

    \b
    Examples:
      FER_DATA=~/fer-data python -m training regenerate
      FER_DATA=~/fer-data python -m training regenerate cnn dual
      FER_DATA=~/fer-data python -m training regenerate cnn --files
      python -m training regenerate --stored
    """
    if files and stored:
        raise typer.BadParameter(
            "--files writes new networks, whose predictions are not stored yet."
        )
    from training.experiments.regenerate import regenerate as make_anew

    folders = [find_folder(name) for name in bundles] if bundles else bundle_folders()
    for report in make_anew(folders, files=files, stored=stored):
        typer.echo(json.dumps(report))
