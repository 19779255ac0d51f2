"""`python -m training study`: do the missing runs of a study."""

from typing import Annotated

import typer


def study(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of a study in training/recipes/studies.")
    ],
) -> None:
    """Do the missing runs of a study, and print its table as CSV.

    Runs that were stopped resume from their last complete epoch. A finished study only prints its table. In
    models/studies are NAME.parquet (a row per run), NAME-history.parquet (a row per epoch),
    NAME-answers.parquet (predictions for clean validation faces), NAME.json (the plan), and a row per run in
    runs.parquet. Afterwards write docs/results.md: python -m training.experiments.readme_table

    \b
    Example:
      FER_DATA=~/fer-data python -m training study conv_stages
    """
    from training.experiments.study import get_study, run_study

    typer.echo(run_study(get_study(name)).to_csv(index=False), nl=False)
