"""`python -m training faithfulness`: measure how faithful heat maps are."""

import dataclasses
import json
from typing import Annotated

import typer

from fer_core.evaluation.faithfulness import ROWS, faithfulness_path, write_faithfulness
from fer_core.networks.bundles import DEFAULT_PAIR
from training import sources
from training.commands.arguments import find_folder


def faithfulness(
    bundles: Annotated[
        list[str] | None,
        typer.Argument(help="Networks with class activation maps; by default the default pair."),
    ] = None,
    rows: Annotated[int, typer.Option(min=2, help="Number of faces to draw at random.")] = ROWS,
) -> None:
    """Measure how faithful heat maps are, by deletion and insertion, on faces of FER2013's PrivateTest.

    Class activation maps, occlusion, RISE and occlusion of the regions of the face are compared, with two
    controls. Each is also compared with the map of the network with shuffled weights. Takes about ten minutes
    per network on two cores. Writes models/faithfulness.parquet, unless networks or --rows are given, and
    prints one line of JSON per network and kind of map.

    \b
    Example:
      FER_DATA=~/fer-data python -m training faithfulness
    """
    from training.experiments.run import open_or_suggest
    from training.measure.evaluate import without_nan
    from training.measure.faithfulness import measure_faithfulness

    opened = [open_or_suggest(find_folder(name)) for name in bundles or DEFAULT_PAIR]
    samples = sources.load_argument("fer2013:test")
    measured = measure_faithfulness(opened, samples, rows=rows)
    if rows == ROWS and not bundles:
        write_faithfulness(measured, faithfulness_path())
    for row in measured:
        typer.echo(json.dumps(without_nan(dataclasses.asdict(row))))
