"""`second-look app`: the web app."""

import importlib.util
import os
import sys

import typer

from fer_core.commands.exits import EXIT_USAGE
from fer_core.settings import project_root


def serve_app(context: typer.Context) -> None:
    """Start the web app on this machine; Ctrl-C stops it.

    All options of `streamlit run` are accepted, such as --server.port.

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
    # -P keeps the current folder out of the module search path. This process becomes the server, so that its
    # parent can stop it.
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(project_root() / "app.py")]
    sys.stdout.flush()
    os.execv(sys.executable, [*command, *context.args])
