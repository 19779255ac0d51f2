"""`python -m training robustness`: measure a bundle on corrupted faces."""

import json
from typing import Annotated

import typer

from fer_core.evaluation.robustness import ROWS, SEED
from training import sources
from training.commands.arguments import BundleArgument, DataOption, find_folder


def robustness(
    bundle: BundleArgument,
    data: DataOption,
    rows: Annotated[int, typer.Option(min=1, help="Faces that are drawn at random.")] = ROWS,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw and of the noise.")] = SEED,
) -> None:
    """Measure a bundle on corrupted faces: ten kinds, five strengths; print one line of JSON last.

    Blur, noise, JPEG, low resolution, too dark, too bright, low contrast, rotation, covered eyes,
    covered mouth: see training/measure/corruptions.py. By default on 1,000 faces drawn at random, the same
    for every bundle and kind: landmarks are found anew in each corrupted image, some 14 ms an image, which
    makes it a quarter of an hour for a network that sees them.

    On the validation and test splits of the known sources, the answers are written to
    BUNDLE/predictions/robustness, and a run that was stopped goes on. A folder:, other --rows and another
    --seed leave the bundle alone.

    \b
    Examples:
      python -m training robustness models/cnn --data fer2013:test
      python -m training robustness dual --data folder:~/my-faces --rows 200
    """
    from training.experiments.run import open_or_suggest
    from training.measure.robustness import measure_robustness

    samples = sources.parse_data_argument(data)()
    opened = open_or_suggest(find_folder(bundle))
    typer.echo(json.dumps(measure_robustness(opened, samples, rows=rows, seed=seed)))
