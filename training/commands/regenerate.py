"""`python -m training regenerate`: recompute everything that depends on the weights of bundles."""

import json
from typing import Annotated

import typer

from fer_core.networks.bundles import bundle_folders
from training.commands.arguments import find_folder


def regenerate(
    bundles: Annotated[
        list[str] | None,
        typer.Argument(metavar="[BUNDLE]...", help="Folders or names of bundles. Default: all."),
    ] = None,
    files: Annotated[
        bool,
        typer.Option(
            "--files",
            help="First write model.keras and model.tflite again, as fit does now. For old bundles whose "
            "weights were not rounded to float16. Temperature and threshold are chosen again.",
        ),
    ] = False,
    stored: Annotated[
        bool,
        typer.Option(
            "--stored",
            help="Compute all measures from stored predictions, for instance after a measure was added. "
            "Runs no network and reads no data set. Rewrites metrics and cards.",
        ),
    ] = False,
) -> None:
    """Recompute everything that depends on the weights of bundles. Run it after fit.

    This covers layers, predictions, metrics and cards for every available data set, predictions for corrupted
    faces, and the tables in README and docs/results.md. Corrupted faces take a quarter of an hour for a
    network that sees landmarks. Prints one line of JSON per measurement.

    \b
    Examples:
      FER_DATA=~/fer-data python -m training regenerate
      FER_DATA=~/fer-data python -m training regenerate cnn dual
      FER_DATA=~/fer-data python -m training regenerate cnn --files
      python -m training regenerate --stored
    """
    if files and stored:
        raise typer.BadParameter(
            "--files writes new networks, whose predictions are not stored yet. Use --files or "
            "--stored, not both."
        )
    from training.experiments.regenerate import regenerate as make_anew

    folders = [find_folder(name) for name in bundles] if bundles else bundle_folders()
    for report in make_anew(folders, files=files, stored=stored):
        typer.echo(json.dumps(report))
