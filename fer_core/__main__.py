"""The command line: `second-look`, or `python -m fer_core`."""

import typer

from fer_core.commands.analyze import analyze
from fer_core.commands.annotate import annotate
from fer_core.commands.app import serve_app
from fer_core.commands.encoding import show_what_cannot_be_encoded
from fer_core.commands.models import list_models
from fer_core.commands.version import VersionOption

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def main(_version: VersionOption = False) -> None:
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
