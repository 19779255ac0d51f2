"""`python -m training study`: do the missing runs of a study."""

from typing import Annotated

import typer


def study(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of a study in training/recipes/studies.")
    ],
) -> None:
    """Do the missing runs of a study, and print its table as CSV.

    Runs that were stopped resume from their last complete epoch. A finished study only prints its table. The
    tables are models/studies/NAME.parquet, one row per run, and NAME-history.parquet, one row per epoch.

    \b
    Example:
      FER_DATA=~/fer-data python -m training study conv_stages
    """
    from training.experiments.study import get_study, run_study

    typer.echo(run_study(get_study(name)).to_csv(index=False), nl=False)
