"""Errors meant for users: one message and an exit code instead of a traceback."""

import functools
from collections.abc import Callable
from typing import Final, ParamSpec

import typer

from fer_core.errors import FerError, UnknownNameError
from fer_core.settings import require_own_models

#: The exit code by which shells report a program that Ctrl-C stopped.
INTERRUPTED: Final = 130
_Arguments = ParamSpec("_Arguments")


def explained(command: Callable[_Arguments, None]) -> Callable[_Arguments, None]:
    """Wrap a command so that errors meant for users become one message and an exit code."""

    @functools.wraps(command)
    def run(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> None:
        try:
            require_own_models()
            command(*args, **kwargs)
        except UnknownNameError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(2) from error
        except FerError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(1) from error
        except ModuleNotFoundError as error:
            typer.echo(
                f"Error: this needs the package {error.name}, which is not installed. Install the training "
                "packages with: pip install -r requirements-train.txt, or the extra second-look[train].",
                err=True,
            )
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            typer.echo("Stopped.", err=True)
            raise typer.Exit(INTERRUPTED) from error

    return run
