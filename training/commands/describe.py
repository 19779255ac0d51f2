"""`python -m training describe`: the table of a bundle's layers."""

import json

import typer

from training.commands.arguments import BundleArgument, find_folder


def describe(
    bundle: BundleArgument,
) -> None:
    """Write layers.csv, the table of a bundle's layers.

    For bundles that lack this file; fit writes it for new ones. An unchanged bundle gives an unchanged file.
    Prints one line of JSON.

    \b
    Example:
      python -m training describe models/cnn
    """
    from training.experiments.run import describe as write_table

    typer.echo(json.dumps(write_table(find_folder(bundle))))
