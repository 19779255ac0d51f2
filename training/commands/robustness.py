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
    rows: Annotated[
        int,
        typer.Option(
            min=1, help="Faces to draw at random; those of an unknown class are then left out."
        ),
    ] = ROWS,
    seed: Annotated[
        int, typer.Option(min=0, help="Random seed of the drawn faces and of the noise.")
    ] = SEED,
) -> None:
    """Measure a bundle on corrupted faces: ten kinds of corruption at five strengths.

    The kinds are blur, noise, JPEG, low resolution, too dark, too bright, low contrast, rotation, covered
    eyes and covered mouth; see training/measure/corruptions.py. Every bundle and kind gets the same 1,000
    random faces. Landmarks are found again in each corrupted image, at about 14 ms per image: a quarter of an
    hour for a network that sees them.

    For validation and test splits of the listed sources, predictions are written to
    BUNDLE/predictions/robustness, and a run that was stopped resumes. With folder:PATH, or another --rows or
    --seed, nothing in the bundle changes. The last line of output is JSON.

    \b
    Examples:
      python -m training robustness models/cnn --data fer2013:test
      python -m training robustness dual --data folder:~/my-faces --rows 200
    """
    from training.experiments.run import open_or_suggest
    from training.measure.robustness import measure_robustness

    samples = sources.load_argument(data)
    opened = open_or_suggest(find_folder(bundle))
    typer.echo(json.dumps(measure_robustness(opened, samples, rows=rows, seed=seed)))
