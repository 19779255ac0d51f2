"""`python -m training thumbnails`: small copies of a split's faces, to be shown."""

import json
from typing import Annotated

import typer

from training import sources


def thumbnails(
    data: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE:SPLIT", help="A known source whose terms let its faces be shown."
        ),
    ],
) -> None:
    """Keep small copies of a split's faces, so that the app can show which ones networks mistake.

    JPEG, 48 pixels, grey, in one file, models/thumbnails/SOURCE-SPLIT.parquet. They stay under their
    owners' terms, see models/thumbnails/NOTICE. Prints one line of JSON.

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
