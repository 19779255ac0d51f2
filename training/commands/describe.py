"""`python -m training describe`: the table of a bundle's layers."""

import json

import typer

from training.commands.arguments import BundleArgument, find_folder


def describe(
    bundle: BundleArgument,
) -> None:
    """Write the table of a bundle's layers, layers.csv, as fit does; print one line of JSON.

    For bundles that were made without one. An unchanged bundle gives an unchanged file.

    \b
    Example:
      python -m training describe models/cnn
    """
    from training.experiments.run import describe as write_table

    typer.echo(json.dumps(write_table(find_folder(bundle))))
