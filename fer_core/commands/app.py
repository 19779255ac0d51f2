"""`second-look app`: the web app."""

import importlib.util
import os
import sys

import typer

from fer_core.commands.exits import EXIT_USAGE
from fer_core.settings import project_root


def serve_app(context: typer.Context) -> None:
    """Serve the web app on this machine, until Ctrl-C.

    Options are those of `streamlit run`, such as --server.port.

    Examples:

      second-look app

      second-look app --server.port 9000 --server.address 0.0.0.0
    """
    if importlib.util.find_spec("streamlit") is None:
        typer.echo(
            "Error: the app needs Streamlit, which is not installed. Install it with: "
            'pip install "second-look[app]"',
            err=True,
        )
        raise typer.Exit(EXIT_USAGE)
    # -P keeps the folder that one is in from being searched for modules. This process becomes the server, so
    # that whoever started it can stop it.
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(project_root() / "app.py")]
    sys.stdout.flush()
    os.execv(sys.executable, [*command, *context.args])
