"""Output in whatever encoding the terminal or its environment asks for."""

import io
import sys


def show_what_cannot_be_encoded() -> None:
    r"""Let standard output show characters that its encoding lacks as `\xfc`, where it would raise.

    Names of files hold any character, and an environment such as PYTHONIOENCODING=ascii only a few. Standard
    error does so by itself.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
