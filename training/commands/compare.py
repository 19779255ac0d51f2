"""`python -m training compare`: two bundles on the same faces."""

import json
from typing import Annotated

import typer

from training import sources
from training.commands.arguments import DataOption, find_folder


def compare(
    first: Annotated[str, typer.Argument(metavar="FIRST", help="A bundle's folder or name.")],
    second: Annotated[
        str, typer.Argument(metavar="SECOND", help="Folder or name of the other bundle.")
    ],
    data: DataOption,
) -> None:
    """Test whether the second bundle is better than the first on the same faces.

    The last line of output is JSON: both accuracies, the number of faces that both, one or neither gets
        right, the exact p-value of McNemar's test, and the 95% bootstrap interval of the difference.

    \b
    Example:
      python -m training compare models/cnn models/dual --data fer2013:test
    """
    from training.experiments.run import open_or_suggest
    from training.measure.evaluate import compare_bundles

    samples = sources.load_argument(data)
    one, other = (open_or_suggest(find_folder(name)) for name in (first, second))
    report = compare_bundles(one, other, samples)
    typer.echo(json.dumps(report))
