"""`python -m training photos`: measure networks on whole photos, end to end."""

import dataclasses
import json

import typer

from fer_core.networks.bundles import EXPRESSIONS, bundle_folders, task_of
from training import sources
from training.sources import webphotos


def photos() -> None:
    """Measure every network on whole web photos, from face detection to prediction.

    The largest face of each photo counts. The photos are used in full size, and reduced until the face's crop
    has 48, 32 and 24 pixels. They are a development set: choices are made on them. Writes
    models/photos.parquet and prints one line of JSON per network and size.

    \b
    Example:
      FER_DATA=~/fer-data python -m training photos
    """
    from fer_core.evaluation.photo_accuracy import photo_accuracy_path, write_photo_accuracy
    from training.experiments.run import open_or_suggest
    from training.measure.evaluate import without_nan
    from training.measure.photos import measure_photos

    folders = [folder for folder in bundle_folders() if task_of(folder) == EXPRESSIONS]
    rows = measure_photos(
        [open_or_suggest(folder) for folder in folders], webphotos.load(sources.data_root())
    )
    write_photo_accuracy(rows, photo_accuracy_path())
    for row in rows:
        typer.echo(json.dumps(without_nan(dataclasses.asdict(row))))
