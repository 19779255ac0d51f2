"""`python -m training study`: the runs of a study that are not done yet."""

from typing import Annotated

import typer


def study(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of a study in training/recipes/studies.")
    ],
) -> None:
    """Do the runs of a study that are not done yet, and print its table as CSV.

    Runs that were stopped go on from their last whole epoch; a finished study does nothing. The tables
    are models/studies/NAME.parquet, a row a run, and NAME-history.parquet, a row an epoch.

    \b
    Example:
      FER_DATA=~/fer-data python -m training study conv_stages
    """
    from training.experiments.study import get_study, run_study

    typer.echo(run_study(get_study(name)).to_csv(index=False), nl=False)
