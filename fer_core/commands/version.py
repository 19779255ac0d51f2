"""The option `--version` of both command lines."""

from typing import Annotated

import typer

from fer_core import __version__


def _show(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"second-look {__version__}")
        raise typer.Exit


VersionOption = Annotated[
    bool,
    typer.Option("--version", is_eager=True, callback=_show, help="Show the version and exit."),
]
