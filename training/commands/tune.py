"""`python -m training tune`: search a recipe's settings."""

from typing import Annotated

import typer


def tune(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A recipe that declares a search space.")
    ],
    trials: Annotated[int, typer.Option(min=1, help="Total number of trials.")] = 20,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs per trial.")] = 4,
    rows: Annotated[int, typer.Option(min=1, help="Training rows per trial.")] = 10_000,
    seed: Annotated[
        int, typer.Option(min=0, help="Random seed of the search and of each trial.")
    ] = 0,
    halving: Annotated[
        bool,
        typer.Option(
            "--halving",
            help="Give most trials few epochs, and only the best of them more, up to --epochs.",
        ),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume a search that was stopped.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start over in place of an earlier search.")
    ] = False,
) -> None:
    """Search the settings that a recipe's SEARCH declares, and print the trials as CSV, best first.

    Trials are short runs, compared on the clean rows of the validation split. The table is stored in
    models/studies/tune-RECIPE.parquet.

    \b
    Examples:
      FER_DATA=~/fer-data python -m training tune cnn
      FER_DATA=~/fer-data python -m training tune cnn --trials 40 --epochs 12 --halving --overwrite
      FER_DATA=~/fer-data python -m training tune cnn --trials 40 --resume
    """
    from training.experiments.tune import search_space_of, shortened
    from training.experiments.tune import tune as search
    from training.schema.recipe import get_recipe

    space = search_space_of(recipe)
    chosen = shortened(get_recipe(recipe), epochs=epochs, rows=rows, seed=seed)
    table = search(
        chosen, space, trials=trials, halving=halving, resume=resume, overwrite=overwrite
    )
    typer.echo(table.to_csv(index=False), nl=False)
