"""Arguments shared by several commands, and how they find bundles."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fer_core.errors import BundleError, UnknownNameError
from fer_core.networks.bundles import SPEC_FILE, current_name, embedded
from fer_core.settings import models_root

if TYPE_CHECKING:
    from training.measure.evaluate import Report

BundleArgument = Annotated[
    str,
    typer.Argument(metavar="BUNDLE", help="A bundle's folder, or its name under FER_MODELS."),
]
DataOption = Annotated[
    str,
    typer.Option(
        metavar="SOURCE[:SPLIT]", help="A source with a split, or folder:PATH; see evaluate --help."
    ),
]
SourceArgument = Annotated[
    str, typer.Argument(metavar="SOURCE", help="A source listed by `python -m training data`.")
]


def find_folder(name_or_path: str) -> Path:
    """Return the folder of a bundle, given by its path or by its name under FER_MODELS.

    Raises:
        UnknownNameError: no folder has that name; the message names the nearest ones.
    """
    path = Path(name_or_path).expanduser()
    if (path / SPEC_FILE).is_file() or len(path.parts) > 1 or path.is_absolute():
        return path
    if not (models_root() / current_name(name_or_path)).is_dir():
        try:
            embedded(name_or_path)
        except BundleError as error:
            raise UnknownNameError(str(error)) from error
    return models_root() / name_or_path


def measure_and_print(folder: Path, data: str) -> "Report":
    """Measure a bundle on a data set, print the report as one line of JSON, and return it."""
    from training.experiments.run import measure

    report = measure(folder, data)
    typer.echo(json.dumps(report))
    return report
