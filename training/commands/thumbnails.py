"""`python -m training thumbnails`: store small copies of a split's faces for the app."""

import json
from typing import Annotated

import typer

from training import sources


def thumbnails(
    data: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE:SPLIT", help="A listed source whose terms allow showing its faces."
        ),
    ],
) -> None:
    """Store small copies of a split's faces, so that the app can show them.

    Writes grey JPEGs of 48 pixels to models/thumbnails/SOURCE-SPLIT.parquet. The terms of their owners still
    apply, see models/thumbnails/NOTICE. Prints one line of JSON.

    \b
    Example:
      FER_DATA=~/fer-data python -m training thumbnails fer2013:test
    """
    from training.measure.thumbnails import make_thumbnails

    source, split = sources.parse_split(data)
    file = make_thumbnails(source, split)
    typer.echo(
        json.dumps(
            {
                "source": source,
                "split": split,
                "file": str(file),
                "bytes": file.stat().st_size,
            }
        )
    )
