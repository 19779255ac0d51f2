"""The command line: `python -m fer_core analyze`, `annotate` and `models`."""

import typer

from fer_core.commands.analyze import analyze
from fer_core.commands.annotate import annotate
from fer_core.commands.models import list_models

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Second Look: the apparent expression of every face in a photo.",
)
app.command()(analyze)
app.command()(annotate)
app.command(name="models")(list_models)


if __name__ == "__main__":
    app()
