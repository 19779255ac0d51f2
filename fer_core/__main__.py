"""The command line: `second-look`, or `python -m fer_core`."""

from typing import Annotated

import typer

from fer_core import __version__
from fer_core.commands.analyze import analyze
from fer_core.commands.annotate import annotate
from fer_core.commands.app import serve_app
from fer_core.commands.encoding import show_what_cannot_be_encoded
from fer_core.commands.models import list_models

app = typer.Typer(add_completion=False, no_args_is_help=True)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"second-look {__version__}")
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_show_version, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Second Look: the apparent expression of every face in a photo."""
    show_what_cannot_be_encoded()


app.command()(analyze)
app.command()(annotate)
app.command(name="models")(list_models)
# Unknown options are passed to Streamlit.
app.command(
    name="app", context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)(serve_app)


if __name__ == "__main__":
    app()
