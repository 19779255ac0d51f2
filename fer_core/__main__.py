"""The command line: `second-look`, or `python -m fer_core`."""

import typer

from fer_core.commands.analyze import analyze
from fer_core.commands.annotate import annotate
from fer_core.commands.app import serve_app
from fer_core.commands.encoding import show_what_cannot_be_encoded
from fer_core.commands.models import list_models

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    callback=show_what_cannot_be_encoded,
    help="Second Look: the apparent expression of every face in a photo.",
)
app.command()(analyze)
app.command()(annotate)
app.command(name="models")(list_models)
# Unknown options are passed to Streamlit.
app.command(
    name="app", context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)(serve_app)


if __name__ == "__main__":
    app()
