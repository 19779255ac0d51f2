"""`python -m training compare`: two bundles on the same faces."""

import json
from typing import Annotated

import typer

from training import sources
from training.commands.arguments import DataOption, find_folder


def compare(
    first: Annotated[str, typer.Argument(metavar="BUNDLE", help="A bundle's folder or name.")],
    second: Annotated[str, typer.Argument(metavar="BUNDLE", help="Another one.")],
    data: DataOption,
) -> None:
    """Test whether the second bundle is better than the first on the same faces.

    Prints one line of JSON last: both accuracies, on how many faces both, one or neither is right, the
    exact p-value of McNemar's test, and the 95 % bootstrap interval of the difference.

    \b
    Example:
      python -m training compare models/cnn models/dual --data fer2013:test
    """
    from training.experiments.run import open_or_suggest
    from training.measure.evaluate import compare_bundles

    samples = sources.parse_data_argument(data)()
    one, other = (open_or_suggest(find_folder(name)) for name in (first, second))
    report = compare_bundles(one, other, samples)
    typer.echo(json.dumps(report))
